/* Folders of images whose sub-folders are labels, as in MVTec AD and BMAD. */
#include "pipeline/scoring/score_folder.h"
#include "base/error.h"
#include "base/listing.h"
#include "tiler/imagefile/imagefile.h"
#include <string.h>

static GPtrArray *sub_folders(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) all = listing_read(folder, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; all && i < all->len; i++) {
        const char *name = all->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        FileKind kind;
        if (!listing_kind(path, &kind, error)) {
            return NULL;
        }
        if (name[0] != '.' && kind == FILE_FOLDER) {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    return all ? g_steal_pointer(&names) : NULL;
}

typedef struct {
    GPtrArray *files, *shown; /* absolute paths; paths in the table */
    GArray *labels;           /* int */
    const ScoringOptions *caller;
} Listing;

static gboolean list_label(Listing *list, const char *folder, const char *shown, int label, GError **error)
{
    g_auto(GStrv) names = imagefile_list(folder, error);
    for (char **name = names; name && *name; name++) {
        g_ptr_array_add(list->files, g_build_filename(folder, *name, NULL));
        g_ptr_array_add(list->shown, g_strdup_printf("%s/%s", shown, *name));
        g_array_append_val(list->labels, label);
    }
    return names != NULL;
}

static gboolean list_all(Listing *list, const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = sub_folders(folder, error);
    g_autofree char *base = g_path_get_basename(folder);
    if (!names || !list_label(list, folder, base, -1, error)) {
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        g_autofree char *shown = g_strdup_printf("%s/%s", base, (char *)names->pdata[i]);
        if (!list_label(list, path, shown, !g_str_equal(names->pdata[i], "good"), error)) {
            return FALSE;
        }
    }
    if (list->files->len == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s and its sub-folders have no .png or .jpg image",
                    folder);
    }
    return list->files->len > 0;
}

/* The names are lent to the caller only: a block that is read replaces what the tiles hold. */
static void listed(void *data, GArray *scored)
{
    const Listing *list = data;
    for (guint i = 0; i < scored->len; i++) {
        Scored *s = &g_array_index(scored, Scored, i);
        s->label = g_array_index(list->labels, int, i);
        s->file = list->shown->pdata[i];
    }
    if (list->caller->listed) {
        list->caller->listed(list->caller->listed_data, scored);
    }
    for (guint i = 0; i < scored->len; i++) {
        g_array_index(scored, Scored, i).file = NULL;
    }
}

gboolean score_folder(const ScoringOptions *options, const char *folder, GArray *scored, GError **error)
{
    Listing list = {g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free),
                    g_array_new(FALSE, FALSE, sizeof(int)), options};
    ScoringOptions with_labels = *options;
    with_labels.listed = listed;
    with_labels.listed_data = &list;
    gboolean ok = list_all(&list, folder, error) && scoring_images(&with_labels, list.files, scored, error);
    for (guint i = 0; ok && i < scored->len; i++) {
        Scored *s = &g_array_index(scored, Scored, i);
        g_free(s->file);
        s->file = g_strdup(list.shown->pdata[i]);
    }
    g_ptr_array_unref(list.files);
    g_ptr_array_unref(list.shown);
    g_array_unref(list.labels);
    return ok;
}
