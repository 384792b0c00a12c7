/* The slides of the cohort, the highest score first. */
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/report/slide_pictures.h"
#include "pipeline/scoring/heatmap_look.h"
#include <math.h>

/* The member of metrics.slides for each slide: name -> json_t*, borrowed. */
static GHashTable *metrics_by_slide(const json_t *metrics)
{
    GHashTable *out = g_hash_table_new(g_str_hash, g_str_equal);
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(metrics, "slides"), i, one)
    {
        g_hash_table_insert(out, (gpointer)json_string_value(json_object_get(one, "slide")), one);
    }
    return out;
}

/* The file of each slide without its folder: name -> char*. */
static GHashTable *files_by_slide(const Work *work)
{
    GHashTable *out = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_hash_table_insert(out, entry->id, g_path_get_basename(entry->path));
    }
    return out;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void put_name(Page *page, const Work *work, const SlideRow *row, const char *file)
{
    page_open(page, PAGE_TD_NAME);
    slide_picture_link(page, work, row->slide);
    page_text(page, " (%s)", file ? file : "");
    if (*row->failure) {
        page_text(page, " %s: %s", row->state, row->failure);
    }
    page_close(page);
    page_open(page, PAGE_TD_TEXT);
    slide_picture_files(page, work, row->slide);
    page_close(page);
}

static gboolean put_row(Page *page, const Work *work, const SlideRow *row, const json_t *metrics,
                        const char *file, gboolean pictures, GError **error)
{
    page_open(page, PAGE_TR);
    if (pictures) {
        page_open(page, PAGE_TD);
        if (!slide_picture_put(page, work, row->slide, error)) {
            return FALSE;
        }
        page_close(page);
    }
    put_name(page, work, row, file);
    page_number(page, "%.3f", row->top);
    page_number(page, "%.3f", row->maximum);
    page_number(page, "%.3f", row->above_mm2);
    page_number(page, "%.0f", row->regions);
    page_put(page, PAGE_TD_TEXT, "%s", row->split);
    page_put(page, PAGE_TD_TEXT, "%s", row->label);
    page_number(page, "%.0f", row->scored);
    page_number(page, "%.0f", row->unreadable);
    page_number(page, "%.0f", number(metrics, "lesion_tiles"));
    page_number(page, "%.3f", number(metrics, "auroc"));
    page_close(page);
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
    static const char *const titles[] = {"",
                                         "slide",
                                         "files",
                                         "score",
                                         "maximum",
                                         "mm² above",
                                         "regions",
                                         "split",
                                         "label",
                                         "scored tiles",
                                         "tiles without data",
                                         "lesion tiles",
                                         "AUROC",
                                         NULL};
    if (!input->slides) {
        return TRUE;
    }
    g_autoptr(GHashTable) metrics = metrics_by_slide(input->metrics), files = files_by_slide(input->work);
    page_put(page, PAGE_H2, "Slides");
    page_put(
        page, PAGE_P,
        "By the score of the slide: the mean of the highest 1 %% of its tiles. Above: area of the map at or "
        "above the threshold of the map. A slide whose labelled tiles all have the same label has no AUROC. "
        "All "
        "columns: slides.csv.");
    if (slide_pictures_any(input->work, "overview") && !put_colours(page, input->work, error)) {
        return FALSE;
    }
    gboolean pictures = slide_pictures_any(input->work, "thumbnail");
    report_table(page, PAGE_SORTABLE, pictures ? titles : titles + 1);
    for (guint i = 0; i < input->slides->len; i++) {
        const SlideRow *row = input->slides->pdata[i];
        if (!put_row(page, input->work, row, g_hash_table_lookup(metrics, row->slide),
                     g_hash_table_lookup(files, row->slide), pictures, error)) {
            return FALSE;
        }
    }
    page_close(page);
    page_close(page);
    return TRUE;
}
