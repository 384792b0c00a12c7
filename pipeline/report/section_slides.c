/* The slides with their metrics and overviews. */
#include "pipeline/report/report_section.h"
#include "base/error.h"
#include "pipeline/report/report_metrics.h"
#include "pipeline/scoring/heatmap_look.h"

#define MOST_IMAGES 40

static const json_t *metrics_of(const json_t *metrics, const char *slide)
{
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(metrics, "slides"), i, one)
    {
        if (g_str_equal(json_string_value(json_object_get(one, "slide")), slide)) {
            return one;
        }
    }
    return NULL;
}

static gboolean put_image(Page *page, const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize length;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &bytes, &length, &why)) {
        return wsi_error_glib(error, why);
    }
    page_png(page, bytes, length);
    return TRUE;
}

/* What the colours of all overviews mean. */
static gboolean put_colours(Page *page, const Work *work, GError **error)
{
    MapThreshold threshold;
    if (!map_threshold_of_run(work, &threshold, error)) {
        return FALSE;
    }
    HeatmapLook look = heatmap_look(work->run->config, threshold);
    g_autofree char *text = heatmap_look_text(&look);
    page_put(page, PAGE_P, "Colours of the heatmaps, the same for all slides: %s.", text);
    return TRUE;
}

gboolean section_slides(const ReportInput *input, Page *page, GError **error)
{
    const Work *work = input->work;
    int shown = 0;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *overview = work_find(work, "heatmap", entry->id, "overview");
        const json_t *m = metrics_of(input->metrics, entry->id);
        if (!overview || shown == MOST_IMAGES) {
            continue;
        }
        if (shown++ == 0) {
            page_put(page, PAGE_H2, "Slides");
            page_put(page, PAGE_P, "A slide whose labelled tiles all have the same label has no AUROC.");
            if (!put_colours(page, work, error)) {
                return FALSE;
            }
        }
        g_autofree char *file = g_path_get_basename(entry->path);
        page_put(page, PAGE_H3, "%s (%s), %s split", entry->id, file, entry->split);
        if (m) {
            report_metrics_put_slide(page, m);
        }
        if (!put_image(page, overview, error)) {
            return FALSE;
        }
    }
    if (shown == MOST_IMAGES) {
        page_put(page, PAGE_P,
                 "Only the first %d slides are shown; slides/ID/heatmap.png is the image of each slide.",
                 MOST_IMAGES);
    }
    return TRUE;
}
