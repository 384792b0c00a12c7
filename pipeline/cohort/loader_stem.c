/* Stems.
 *
 * A stem is part of a file name, so it contains no separator.  It may be "." or "..", but the names made from it have a suffix. */
#include "pipeline/cohort/loader_stem.h"
#include "pipeline/cohort/slide_id.h"
#include <string.h>

static char *stem_of(const char *path, gboolean compound)
{
    static const char *const compounds[] = {".ome.tif", ".ome.tiff", ".ome.zarr"};
    char *name = g_path_get_basename(path);
    size_t length = strlen(name);
    for (size_t i = 0; compound && i < G_N_ELEMENTS(compounds); i++) {
        size_t ending = strlen(compounds[i]);
        if (length > ending && g_ascii_strcasecmp(name + length - ending, compounds[i]) == 0) {
            name[length - ending] = 0;
            return name;
        }
    }
    g_free(name);
    return slide_id_stem(path);
}

char *loader_stem_of(const GPtrArray *slides, const SlideEntry *entry, gboolean compound)
{
    enum { STEM_BYTES = 244 }; /* "STEM_patches.h5" may have at most 255 bytes */
    g_autofree char *stem = stem_of(entry->path, compound);
    if (strlen(stem) > STEM_BYTES) {
        return g_strdup(entry->id);
    }
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *other = slides->pdata[i];
        g_autofree char *theirs = other == entry ? NULL : stem_of(other->path, compound);
        if (theirs && g_str_equal(theirs, stem)) {
            return g_strdup(entry->id);
        }
    }
    return g_steal_pointer(&stem);
}
