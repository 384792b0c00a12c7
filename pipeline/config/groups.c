/* Group names of annotations.
 *
 * Names come from other programs and may hold any characters ("Layer 1", "Tumor: Positive", "a=b").  So they are kept as a list of names with
 * kinds, never as one text.  The text form of older configurations is read where it is unambiguous. */
#include "pipeline/config/groups.h"
#include "base/error.h"
#include "base/name_fold.h"
#include "base/nearest.h"
#include <string.h>

static const char *const kinds[] = {"lesion", "not", "hard", "unknown", "roi", "ignore", NULL};

static void group_free(void *data)
{
    GroupName *group = data;
    g_free(group->name);
    g_free(group);
}

GPtrArray *groups_new(void)
{
    return g_ptr_array_new_with_free_func(group_free);
}

/* The static text of a kind; NULL with error. */
static const char *kind_of(const char *name, const char *kind, GError **error)
{
    for (int i = 0; kinds[i]; i++) {
        if (g_str_equal(kinds[i], kind)) {
            return kinds[i];
        }
    }
    g_autofree char *hint = nearest_hint(kind, kinds);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "group \"%s\" is \"%s\": allowed are lesion, not, hard, unknown, roi and ignore%s", name,
                kind, hint);
    return NULL;
}

gboolean groups_add(GPtrArray *groups, const char *name, const char *kind, GError **error)
{
    const char *known = kind_of(name, kind, error);
    g_autofree char *folded = name_fold(name);
    for (guint i = 0; known && i < groups->len; i++) {
        const GroupName *other = groups->pdata[i];
        g_autofree char *other_folded = name_fold(other->name);
        if (!g_str_equal(other_folded, folded)) {
            continue;
        }
        if (other->kind == known) {
            return TRUE;
        }
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "group \"%s\" is %s, but \"%s\" is %s: names are compared without case", name, known,
                    other->name, other->kind);
        return FALSE;
    }
    if (known) {
        GroupName *group = g_new(GroupName, 1);
        *group = (GroupName){g_strdup(name), known};
        g_ptr_array_add(groups, group);
    }
    return known != NULL;
}

gboolean groups_add_pair(GPtrArray *groups, const char *pair, GError **error)
{
    const char *equals = strrchr(pair, '=');
    if (!equals) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "group \"%s\" has no kind: write NAME=lesion, NAME=not, NAME=hard, NAME=unknown, "
                    "NAME=roi or NAME=ignore",
                    pair);
        return FALSE;
    }
    g_autofree char *name = g_strndup(pair, (gsize)(equals - pair));
    return groups_add(groups, name, equals + 1, error);
}

gboolean groups_add_text(GPtrArray *groups, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t\r\n", -1);
    for (char **word = words; *word; word++) {
        g_autoptr(GError) why = NULL;
        if (!**word || groups_add_pair(groups, *word, &why)) {
            continue;
        }
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s (the form \"name=lesion other=not\" is for names without blanks; write other names "
                    "as {\"Layer 1\": lesion, \"other\": not} in a configuration, or as --group \"Layer "
                    "1=lesion\" on the command line)",
                    why->message);
        return FALSE;
    }
    return TRUE;
}

gboolean groups_have_kind(const GPtrArray *groups, const char *kind)
{
    for (guint i = 0; i < groups->len; i++) {
        if (g_str_equal(((const GroupName *)groups->pdata[i])->kind, kind)) {
            return TRUE;
        }
    }
    return FALSE;
}
