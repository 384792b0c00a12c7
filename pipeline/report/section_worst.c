/* The tiles that the model is most wrong about, as the stage `worst` published them. */
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/report/slide_pictures.h"
#include <math.h>

static const char *text_of(const json_t *tile, const char *key)
{
    const char *text = json_string_value(json_object_get(tile, key));
    return text ? text : "";
}

/* ", lesion 0.25, x 1024, y 2048" */
static void put_place(Page *page, const json_t *tile)
{
    g_autofree char *lesion = report_number(tile, "lesion_fraction", "%.2f"),
                    *x = report_number(tile, "x", "%.0f"), *y = report_number(tile, "y", "%.0f");
    if (json_object_get(tile, "lesion_fraction")) {
        page_text(page, ", lesion %s", lesion);
    }
    if (json_object_get(tile, "x")) {
        page_text(page, ", x %s, y %s", x, y);
    }
}

/* Why the score may be what it is, as far as it is known. */
static void put_reasons(Page *page, const json_t *tile)
{
    const char *flags = json_string_value(json_object_get(tile, "flags"));
    const json_t *blank = json_object_get(tile, "near_blank");
    if (flags && *flags) {
        page_text(page, ", flags: %s", flags);
    } else if (flags) {
        page_text(page, ", no flag");
    }
    if (json_is_true(blank)) {
        page_text(page, ", near-blank");
    }
}

static void put_tile(Page *page, const ReportInput *input, const json_t *tile, const char *alt)
{
    const char *jpeg = text_of(tile, "jpeg"), *slide = text_of(tile, "slide");
    gsize length = 0;
    page_open(page, PAGE_FIGURE);
    if (*jpeg) {
        g_autofree guchar *bytes = g_base64_decode(jpeg, &length);
        page_image(page, bytes, length, alt);
    }
    g_autofree char *score = report_number(tile, "score", "%.3f");
    page_open(page, PAGE_CAPTION);
    page_text(page, "score %s, ", score);
    if (*slide) {
        slide_picture_overview(page, input->work, slide);
    } else {
        page_text(page, "%s", text_of(tile, "file"));
    }
    put_place(page, tile);
    put_reasons(page, tile);
    if (!*jpeg) {
        page_text(page, ". No picture, because it cannot be read: %s", text_of(tile, "unreadable"));
    }
    page_close(page);
    page_close(page);
}

static void put_kind(Page *page, const ReportInput *input, const json_t *worst, const char *kind,
                     const char *title, const char *none)
{
    const json_t *of = json_object_get(worst, kind), *tiles = json_object_get(of, "tiles");
    const json_t *tile;
    size_t i;
    page_put(page, PAGE_H3, "%s", title);
    if (json_array_size(tiles) == 0) {
        page_put(page, PAGE_P, "%s", none);
        return;
    }
    page_put(page, PAGE_SMALL, "%zu of %d.", json_array_size(tiles), report_count(of, "labelled"));
    page_open(page, PAGE_ROW_OF_TILES);
    json_array_foreach(tiles, i, tile)
    {
        put_tile(page, input, tile, title);
    }
    page_close(page);
}

gboolean section_worst(const ReportInput *input, Page *page, GError **error)
{
    const json_t *worst = records_get(input->work->records, "worst", COHORT, "tiles");
    const gboolean wanted = input->work->run->config->evaluate_worst > 0 && input->table;
    if (!worst && !wanted) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Tiles that the scores are most wrong about");
    if (!worst) {
        page_put(page, PAGE_P,
                 "They are missing, because the stage worst failed (`wsiflow status` shows why).");
        return TRUE;
    }
    const gboolean slides = input->work->run->slides->len > 0;
    page_put(page, PAGE_P,
             "Of the test split, by the column %s. Tiles are shown at the resolution of the model, "
             "in the colours of %s.",
             text_of(worst, "score"), slides ? "the slide, without stain normalisation" : "the image");
    if (slides) {
        int per_slide = report_count(worst, "per_slide");
        page_put(page, PAGE_P,
                 "At most %d tile%s of a slide in each list, and none that overlaps a worse one. Positions "
                 "are those of the upper left corner in level-0 px. Flags are measured on the tile by the "
                 "rules of the patch set.",
                 per_slide, report_plural(per_slide));
    }
    put_kind(page, input, worst, "normal", "Normal tiles with the highest scores",
             "The test split has no normal tile with a score.");
    put_kind(page, input, worst, "lesion", "Lesion tiles with the lowest scores",
             "The test split has no lesion tile with a score.");
    return TRUE;
}
