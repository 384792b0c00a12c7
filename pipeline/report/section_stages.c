/* Classes of slides and stages of patients, against a table of the truth. */
#include "pipeline/report/report_section.h"
#include "pipeline/report/report_text.h"

/* One row a class of the truth, one column a class by the regions. */
static void put_confusion(Page *page, const json_t *agreement, const char *names_key)
{
    const json_t *names = json_object_get(agreement, names_key);
    json_t *row, *cell, *name;
    size_t i, j;
    page_open(page, PAGE_TABLE);
    page_open(page, PAGE_THEAD);
    page_open(page, PAGE_TR);
    page_put(page, PAGE_TH, "truth");
    json_array_foreach(names, i, name)
    {
        page_put(page, PAGE_TH, "said %s", json_string_value(name));
    }
    page_close(page);
    page_close(page);
    page_open(page, PAGE_TBODY);
    json_array_foreach(json_object_get(agreement, "confusion"), i, row)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", json_string_value(json_array_get(names, i)));
        json_array_foreach(row, j, cell)
        {
            page_put(page, PAGE_TD, "%d", (int)json_integer_value(cell));
        }
        page_close(page);
    }
    page_close(page);
    page_close(page);
}

static void put_figures(Page *page, const json_t *stages)
{
    static const char *const titles[] = {"compared", "number", "accuracy", "quadratic weighted kappa", NULL};
    static const struct {
        const char *key, *count, *title;
    } rows[] = {{"slides", "slides", "slides, by class"},
                {"patients", "patients", "patients, by stage"},
                {"complete", "patients", "of them: all nodes are in the run"}};
    report_table(page, PAGE_TABLE, titles);
    for (size_t r = 0; r < G_N_ELEMENTS(rows); r++) {
        const json_t *one = json_object_get(stages, rows[r].key);
        if (!one) {
            continue;
        }
        g_autofree char *accuracy = report_with_interval(json_object_get(one, "accuracy"),
                                                         json_object_get(one, "accuracy_interval")),
                        *kappa = report_with_interval(json_object_get(one, "kappa"),
                                                      json_object_get(one, "interval"));
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", rows[r].title);
        page_put(page, PAGE_TD, "%d", report_count(one, rows[r].count));
        page_put(page, PAGE_TD, "%s", accuracy);
        page_put(page, PAGE_TD, "%s", kappa);
        page_close(page);
    }
    page_close(page);
    page_close(page);
}

/* "WHAT: a, b, c." when there are any. */
static void put_names(Page *page, const json_t *names, const char *what)
{
    g_autoptr(GString) text = g_string_new(NULL);
    json_t *one;
    size_t i;
    json_array_foreach(names, i, one)
    {
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", json_string_value(one));
    }
    if (text->len > 0) {
        page_put(page, PAGE_P, "%zu %s: %s.", json_array_size(names), what, text->str);
    }
}

static void put_not_compared(Page *page, const json_t *stages)
{
    int slides = report_count(stages, "slides_not_in_run"),
        patients = report_count(stages, "patients_not_in_run");
    if (slides + patients > 0) {
        page_put(page, PAGE_P, "In the table but not in the run: %d slide%s, %d patient%s.", slides,
                 report_plural(slides), patients, report_plural(patients));
    }
    put_names(page, json_object_get(stages, "not_in_table"),
              "of the slides that would count, not in the table");
    put_names(page, json_object_get(stages, "without_regions"), "without regions, because a job failed");
    put_names(page, json_object_get(stages, "not_counted"),
              "in the table but not counted, because they are in another split or not scored");
    put_names(page, json_object_get(stages, "contradictions"),
              "whose stage in the table does not follow from their nodes there");
}

static void put_by_patient(Page *page, const json_t *stages)
{
    static const char *const titles[] = {"patient", "truth", "by the regions", "slides", "nodes", NULL};
    json_t *one;
    size_t i;
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "Stages by patient");
    report_table(page, PAGE_SORTABLE, titles);
    json_array_foreach(json_object_get(stages, "by_patient"), i, one)
    {
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", json_string_value(json_object_get(one, "patient")));
        page_put(page, PAGE_TD_TEXT, "%s", json_string_value(json_object_get(one, "truth")));
        page_put(page, PAGE_TD_TEXT, "%s", json_string_value(json_object_get(one, "stage")));
        page_number(page, "%.0f", report_count(one, "slides"));
        page_number(page, "%.0f", report_count(one, "nodes"));
        page_close(page);
    }
    page_close(page);
    page_close(page);
    page_close(page);
}

static void put_by_slide(Page *page, const json_t *stages)
{
    static const char *const titles[] = {"slide",   "truth", "by the regions", "largest region (mm)",
                                         "regions", NULL};
    json_t *one;
    size_t i;
    page_open(page, PAGE_DETAILS);
    page_put(page, PAGE_SUMMARY, "Classes by slide");
    report_table(page, PAGE_SORTABLE, titles);
    json_array_foreach(json_object_get(stages, "by_slide"), i, one)
    {
        const char *truth = json_string_value(json_object_get(one, "truth"));
        page_open(page, PAGE_TR);
        page_put(page, PAGE_TH_ROW, "%s", json_string_value(json_object_get(one, "slide")));
        page_put(page, PAGE_TD_TEXT, "%s", truth ? truth : REPORT_DASH);
        page_put(page, PAGE_TD_TEXT, "%s", json_string_value(json_object_get(one, "class")));
        page_number(page, "%.3f", json_number_value(json_object_get(one, "diameter_um")) / 1000);
        page_number(page, "%.0f", report_count(one, "regions"));
        page_close(page);
    }
    page_close(page);
    page_close(page);
    page_close(page);
}

static void put_agreement(Page *page, const json_t *stages)
{
    const json_t *slides = json_object_get(stages, "slides"), *patients = json_object_get(stages, "patients");
    const char *few = json_string_value(json_object_get(patients, "intervals_absent"));
    g_autofree char *threshold = report_number(stages, "threshold", "%.4g");
    int incomplete = report_count(stages, "incomplete"), unlabelled = report_count(stages, "unlabelled");
    page_put(page, PAGE_P,
             "A slide's class follows from the largest region at or above %s: none is negative, a major axis "
             "below 0.2 mm itc, up to 2 mm micro, a longer one macro; regions within 75 µm of each other are "
             "one. Cells are not counted, so a cluster of fewer than 200 cells is itc only by its size. A "
             "patient's stage follows from its slides.",
             threshold);
    put_figures(page, stages);
    if (few) {
        page_put(page, PAGE_SMALL, "No intervals: %s.", few);
    } else {
        page_put(page, PAGE_SMALL, "Intervals: 95 %% of 1000 draws of patients with replacement.");
    }
    if (unlabelled > 0) {
        page_put(page, PAGE_P,
                 "%d of the slides have no label in the run, only the class or the patient in the table; the "
                 "run does not train on them.",
                 unlabelled);
    }
    if (incomplete > 0) {
        page_put(page, PAGE_P,
                 "Of %d of the patients the run has fewer slides than nodes: a metastasis in a slide that is "
                 "missing counts as overlooked.",
                 incomplete);
    }
    if (report_count(slides, "slides") > 0) {
        put_confusion(page, slides, "classes");
    }
    put_confusion(page, patients, "stages");
}

gboolean section_stages(const ReportInput *input, Page *page, GError **error)
{
    const json_t *stages = json_object_get(input->metrics, "stages");
    if (!stages) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Slide classes and patient stages");
    report_absent(page, "No classes and stages", stages);
    gboolean any = json_object_get(stages, "patients") != NULL;
    if (any) {
        put_agreement(page, stages);
    }
    put_not_compared(page, stages);
    if (any) {
        put_by_patient(page, stages);
        put_by_slide(page, stages);
    }
    return TRUE;
}
