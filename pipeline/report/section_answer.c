/* The answer: what was scored, how well, the highest slides, and what could not be read. */
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"
#include "pipeline/report/slide_pictures.h"
#include <math.h>

enum { HIGHEST = 3 };

static void put_card(Page *page, const char *value, const char *title, const char *more)
{
    page_open(page, PAGE_CARD);
    page_text(page, "%s", title);
    page_put(page, PAGE_VALUE, "%s", value);
    page_text(page, "%s", more);
    page_close(page);
}

/* "95 % interval .. to .., " or "no interval, ". Caller frees. */
static char *interval_text(const json_t *interval)
{
    g_autofree char *low = report_number(interval, "low", "%.3f"),
                    *high = report_number(interval, "high", "%.3f");
    return json_is_object(interval) ? g_strdup_printf("95 %% interval %s to %s; ", low, high)
                                    : g_strdup("no interval; ");
}

/* AUROC with its interval; AP with prevalence, which it means nothing without. */
static void put_auroc_card(Page *page, const char *title, const json_t *m, const json_t *interval,
                           const json_t *of_prevalence, const char *counted)
{
    if (!json_object_get(m, "auroc")) {
        return;
    }
    g_autofree char *value = report_number(m, "auroc", "%.3f"), *range = interval_text(interval),
                    *precision = report_number(m, "average_precision", "%.3f"),
                    *prevalence = report_number(of_prevalence, "prevalence", "%.4f"),
                    *more = g_strdup_printf("%sAP %s at a prevalence of %s; %s", range, precision, prevalence,
                                            counted);
    put_card(page, value, title, more);
}

static void put_counts_card(Page *page, const ReportInput *input)
{
    int scored = 0, failed = 0, cancelled = 0, rest = 0;
    for (guint i = 0; input->slides && i < input->slides->len; i++) {
        const SlideRow *row = input->slides->pdata[i];
        gboolean has = row->scored > 0, bad = g_str_equal(row->state, "failed"),
                 without = g_str_equal(row->state, "cancelled");
        scored += has;
        failed += bad;
        cancelled += without;
        rest += !has && !bad && !without;
    }
    if (input->slides) {
        g_autofree char *value = g_strdup_printf("%d of %u", scored, input->slides->len);
        g_autofree char *model =
            cancelled ? g_strdup_printf("%d had no model to be scored with, ", cancelled) : g_strdup("");
        g_autofree char *more = g_strdup_printf("slides of the cohort; %d failed, %s%d others have no score",
                                                failed, model, rest);
        put_card(page, value, "Scored", more);
    }
}

static void put_cards(Page *page, const ReportInput *input)
{
    const json_t *m = input->metrics, *best = json_object_get(m, "best_f1"),
                 *slides = json_object_get(m, "slide_scores"),
                 *top = json_object_get(json_object_get(slides, "scores"), "top_1_percent_mean"),
                 *lesions = json_object_get(m, "lesions"),
                 *froc = json_array_get(json_object_get(lesions, "froc"), 0);
    const char *split = json_string_value(json_object_get(m, "split"));
    g_autofree char *of_split = split ? g_strdup_printf(" of the %s split", split) : g_strdup("");
    g_autofree char *tiles = g_strdup_printf("%d tiles%s", report_count(best, "n"), of_split);
    g_autofree char *whole = g_strdup_printf("%d slides%s", report_count(slides, "slides"), of_split);
    page_open(page, PAGE_CARDS);
    put_counts_card(page, input);
    put_auroc_card(page, "AUROC of tiles", best, json_object_get(json_object_get(best, "intervals"), "auroc"),
                   best, tiles);
    put_auroc_card(page, "AUROC of slides (mean of the top 1 % of tiles)", top,
                   json_object_get(top, "auroc_interval"), slides, whole);
    if (json_object_get(froc, "score")) {
        g_autofree char *value = report_number(froc, "score", "%.3f"),
                        *range = interval_text(json_object_get(froc, "interval")),
                        *more = g_strdup_printf(
                            "%smean sensitivity at 1/4 to 8 false positives per slide; %d "
                            "lesions on %d slides",
                            range, report_count(froc, "lesions"), report_count(lesions, "slides"));
        put_card(page, value, "FROC of lesions", more);
    }
    page_close(page);
}

static gboolean put_highest(Page *page, const ReportInput *input, GError **error)
{
    int shown = 0;
    for (guint i = 0; input->slides && i < input->slides->len && shown < HIGHEST; i++) {
        const SlideRow *row = input->slides->pdata[i];
        if (isnan(row->top)) {
            continue;
        }
        if (shown++ == 0) {
            page_put(page, PAGE_H3, "Highest slides");
            page_open(page, PAGE_CARDS);
        }
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        page_open(page, PAGE_CARD);
        slide_picture_link(page, input->work, row->slide);
        page_text(page, ", %s split, %s", row->split, row->label);
        page_put(page, PAGE_VALUE, "%s", g_ascii_formatd(text, sizeof text, "%.3f", row->top));
        page_text(page, "%.0f region%s at or above the threshold of the map",
                  isnan(row->regions) ? 0 : row->regions, row->regions == 1 ? "" : "s");
        if (!slide_picture_put(page, input->work, row->slide, error)) {
            return FALSE;
        }
        page_close(page);
    }
    if (shown > 0) {
        page_close(page);
    }
    return TRUE;
}

/* What could not be read, in one paragraph; the section `unreadable` has the details. */
static void put_unread(Page *page, const ReportInput *input)
{
    int failed = 0;
    const char *untrained = json_string_value(json_object_get(input->metrics, "training_failed"));
    g_autofree char *tiles = unreadable_tiles_text(json_object_get(input->metrics, "unreadable"));
    page_open(page, PAGE_UL);
    if (untrained) {
        page_put(page, PAGE_LI, "The model could not be trained, so nothing was scored: %s.", untrained);
    }
    for (guint i = 0; input->slides && i < input->slides->len; i++) {
        const SlideRow *row = input->slides->pdata[i];
        if (g_str_equal(row->state, "failed")) {
            page_put(page, PAGE_LI, "%s failed: %s", row->slide, row->failure);
            failed++;
        }
    }
    if (tiles) {
        page_put(page, PAGE_LI, "Scoring: %s.", tiles);
    }
    if (failed == 0 && !tiles && !untrained) {
        page_put(page, PAGE_LI, "Nothing: every slide and every tile that was to be scored was read.");
    }
    page_close(page);
}

gboolean section_answer(const ReportInput *input, Page *page, GError **error)
{
    put_cards(page, input);
    const char *absent = json_string_value(json_object_get(input->metrics, "absent"));
    if (absent) {
        page_put(page, PAGE_NOTICE, "No metrics: %s.", absent);
    }
    if (!put_highest(page, input, error)) {
        return FALSE;
    }
    page_put(page, PAGE_H3, "What could not be read");
    put_unread(page, input);
    page_contents(page);
    return TRUE;
}
