/* Only the small pictures are in the page; large ones are beside it. */
#include "pipeline/report/slide_pictures.h"
#include "base/error.h"
#include <string.h>

/* The file of an artefact as seen from the report; NULL when there is none.  Caller frees. */
static char *relative(const Work *work, const char *stage, const char *slide, const char *name)
{
    g_autofree char *path = work_find(work, stage, slide, name);
    size_t folder = strlen(work->run->folder);
    return path && g_str_has_prefix(path, work->run->folder) && path[folder] == '/'
               ? g_strdup(path + folder + 1)
               : NULL;
}

gboolean slide_pictures_any(const Work *work, const char *name)
{
    for (guint i = 0; i < work->run->slides->len; i++) {
        g_autofree char *path =
            work_find(work, "heatmap", ((const SlideEntry *)work->run->slides->pdata[i])->id, name);
        if (path) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean slide_picture_put(Page *page, const Work *work, const char *slide, GError **error)
{
    g_autofree char *path = work_find(work, "heatmap", slide, "thumbnail");
    g_autofree char *bytes = NULL, *alt = g_strdup_printf("Slide %s with its score map", slide);
    gsize length;
    g_autoptr(GError) why = NULL;
    if (path && !g_file_get_contents(path, &bytes, &length, &why)) {
        return wsi_error_glib(error, why);
    }
    if (path) {
        page_image(page, bytes, length, alt);
    }
    return TRUE;
}

void slide_picture_link(Page *page, const Work *work, const char *slide)
{
    g_autofree char *folder = g_strdup_printf("slides/%s/", slide);
    for (guint i = 0; i < work->inputs->len; i++) {
        const JobInput *input = work->inputs->pdata[i];
        if (g_str_equal(input->unit, slide) && g_str_has_prefix(input->artefact->path, folder)) {
            page_link(page, folder, "%s", slide);
            return;
        }
    }
    page_text(page, "%s", slide); /* nothing was made of it */
}

void slide_picture_overview(Page *page, const Work *work, const char *slide)
{
    g_autofree char *path = relative(work, "heatmap", slide, "overview");
    if (path) {
        page_link(page, path, "%s", slide);
    } else {
        slide_picture_link(page, work, slide);
    }
}

void slide_picture_files(Page *page, const Work *work, const char *slide)
{
    static const struct {
        const char *stage, *name, *text;
    } files[] = {{"heatmap", "overview", "overview"},
                 {"overlay", ".overlay", "overlay"},
                 {"heatmap", "rgb", "heatmap"},
                 {"regions", "regions", "regions"}};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = relative(work, files[i].stage, slide, files[i].name);
        if (path) {
            page_text(page, " ");
            page_link(page, path, "%s", files[i].text);
        }
    }
}
