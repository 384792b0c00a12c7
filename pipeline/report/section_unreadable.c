/* What could not be read or had to be resized. */
#include "pipeline/report/report_section.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/patchset/image_sizes.h"

/* Tiles that were left out or have no score because they could not be read. */
static void put_unreadable(Page *page, const Work *work, const json_t *metrics)
{
    static const char *const from[][2] = {{"dataset", "Patch set"}, {"normals", "Training"}};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *text =
            unreadable_tiles_text(records_get(work->records, from[i][0], COHORT, "unreadable"));
        if (text) {
            page_put(page, PAGE_P, "%s: %s.", from[i][1], text);
        }
    }
    g_autofree char *text = unreadable_tiles_text(json_object_get(metrics, "unreadable"));
    if (text) {
        page_put(page, PAGE_P, "Scoring: %s.", text);
    }
}

/* Images that did not have the size of the model's tiles. */
static void put_sizes(Page *page, const Work *work)
{
    static const char *const from[][2] = {{"train", "Training"}, {"scorepatches", "Scoring"}};
    for (size_t i = 0; i < G_N_ELEMENTS(from); i++) {
        g_autofree char *text =
            image_sizes_text_of_json(records_get(work->records, from[i][0], COHORT, "images"));
        if (text) {
            page_put(page, PAGE_P, "%s: %s.", from[i][1], text);
        }
    }
}

gboolean section_unreadable(const ReportInput *input, Page *page, GError **error)
{
    put_sizes(page, input->work);
    put_unreadable(page, input->work, input->metrics);
    return TRUE;
}
