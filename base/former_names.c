/* Former names, and the message about a file that has one. */
#include "base/former_names.h"
#include "base/error.h"
#include <string.h>

#define REASON "was made by an earlier version of wsiflow: make it again"

static const struct {
    const char *name, *former;
} names[] = {
    {"tissue_fraction", "tissue_share"},
    {"lesion_fraction", "lesion_share"},
    {"centre_fraction", "centre_share"},
    {"readable_fraction", "valid_share"},
};

const char *former_name(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_str_equal(names[i].name, name)) {
            return names[i].former;
        }
    }
    return NULL;
}

gboolean former_name_error(GError **error, const char *what, const char *name)
{
    return wsi_error_input(error, "%s " REASON " (\"%s\" is called \"%s\" now)", what, former_name(name),
                           name);
}

gboolean former_name_caused(const GError *error)
{
    return g_error_matches(error, WSI_ERROR, WSI_ERROR_INPUT) && strstr(error->message, REASON) != NULL;
}
