/* The summary.
 *
 * Somebody who starts a run should see at once when it is not the run that was meant: annotations that were not found, patients that are none,
 * a test split without a slide.  So the first lines count what was found, and say what follows from it. */
#include "pipeline/run/summary.h"
#include "base/listing.h"
#include "pipeline/run/disk.h"
#include "pipeline/slide/unused_in_run.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/slide_notes.h"
#include "pipeline/slide/group_survey.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/write/terminal.h"
#include <string.h>

enum { MOST_NOTES = 20 };

static const char *const splits[] = {"train", "valid", "test", "none"};

static void line(GString *out, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void line(GString *out, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_printf(out, "%-11s", name);
    g_string_append_vprintf(out, format, args);
    g_string_append_c(out, '\n');
    va_end(args);
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

/* Slides with the label, or all (-1), of the split, or all (NULL). */
static int count(const GPtrArray *slides, int label, const char *split)
{
    int n = 0;
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        n += (label < 0 || (int)entry->label == label) && (!split || g_str_equal(entry->split, split));
    }
    return n;
}

static int count_patients(const GPtrArray *slides, const char *split)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (!split || g_str_equal(entry->split, split)) {
            g_hash_table_add(names, entry->patient);
        }
    }
    return (int)g_hash_table_size(names);
}

/* " of 3 patients"; "" when no patient is named.  Caller frees. */
static char *of_patients(const GPtrArray *slides, const char *split)
{
    int n = count_patients(slides, split);
    return cohort_names_patients(slides) ? g_strdup_printf(" of %d patient%s", n, plural(n)) : g_strdup("");
}

static int count_scored(const Run *run)
{
    int n = 0;
    for (guint i = 0; i < run->slides->len; i++) {
        n += stage_find("score")->wanted(run, run->slides->pdata[i]);
    }
    return n;
}

/* ---- the cohort ---- */

static void put_labels(GString *out, const Run *run)
{
    const GPtrArray *slides = run->slides;
    int annotated = count(slides, SLIDE_ANNOTATED, NULL), normal = count(slides, SLIDE_NORMAL, NULL);
    int unknown = count(slides, SLIDE_UNKNOWN, NULL), given = 0;
    for (guint i = 0; i < slides->len; i++) {
        given += ((const SlideEntry *)slides->pdata[i])->label_given;
    }
    g_autofree char *patients = of_patients(slides, NULL);
    line(out, "slides", "%u%s%s", slides->len, patients,
         *patients ? "" : "; patients are unknown (the manifest's column patient): each slide counts as one");
    line(out, "", "%d with annotation", annotated);
    gboolean assumed = g_str_equal(run->config->slides_unannotated, "auto") && given == 0 && normal > 0;
    line(out, "", "%d without, taken for normal%s", normal,
         assumed ? ": no annotations are given (slides.annotations, or the manifest's columns annotation and "
                   "label)"
                 : "");
    if (unknown > 0) {
        line(out, "",
             "%d unknown: without annotation, though some are given or found; neither trained on nor "
             "counted, but "
             "scored. Where they are known to be free of lesions, set slides.unannotated: normal, or the "
             "manifest's column label",
             unknown);
    }
}

/* Groups that nobody named stop each slide that has one: all of them at once, before anything runs. */
static void put_groups(GString *out, const Run *run)
{
    g_auto(GroupSurvey) survey = {0};
    group_survey_read(run->config, run->slides, &survey);
    if (survey.unknown) {
        g_autofree char *text = terminal_line(survey.unknown);
        line(out, "groups",
             "%d of the first %d annotations have outlines in groups that no rule names, and their slides "
             "will fail: "
             "%s; "
             "name each in slides.groups as lesion, not, roi or ignore",
             survey.files, survey.read, text);
    }
    if (survey.idle) {
        g_autofree char *text = terminal_line(survey.idle);
        line(out, survey.unknown ? "" : "groups",
             "no annotation has an outline in these of slides.groups: %s", text);
    }
}

static void put_splits(GString *out, const GPtrArray *slides)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        int n = count(slides, -1, splits[s]);
        if (n > 0 || s < 3) {
            g_autofree char *patients = of_patients(slides, splits[s]);
            g_string_append_printf(text, "%s%s %d slide%s%s", s ? ", " : "", splits[s], n, plural(n),
                                   patients);
        }
    }
    line(out, "splits", "%s", text->str);
}

/* What cannot be looked at now may be there. */
static gboolean is_gone(const char *path)
{
    FileKind kind;
    return listing_kind(path, &kind, NULL) && kind == FILE_ABSENT;
}

/* Files that the manifest names and that are not there: their slides will fail. */
static void put_missing(GString *out, const GPtrArray *slides)
{
    int missing = 0, annotations = 0;
    const char *first = NULL;
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        gboolean slide = is_gone(entry->path);
        gboolean annotation = entry->annotation && is_gone(entry->annotation);
        missing += slide;
        annotations += annotation;
        first = first ? first : slide ? entry->path : annotation ? entry->annotation : NULL;
    }
    if (first) {
        g_autofree char *name = terminal_line(first);
        line(out, "missing",
             "%d slide%s and %d annotation%s are named but do not exist, and will fail; the first is %s",
             missing, plural(missing), annotations, plural(annotations), name);
    }
}

static void put_scored(GString *out, const Run *run, int scored)
{
    int n = (int)run->slides->len, tested = count(run->slides, -1, "test");
    const char *which = run->config->score_slides;
    gboolean model = run->config->train_run || *run->config->score_model;
    if (!model) {
        line(out, "scored", "none: there is no model (train.run is false and score.model is empty)");
    } else if (scored == 0) {
        line(out, "scored", "none%s",
             g_str_equal(which, "none")
                 ? " (score.slides: none)"
                 : ": no slide is in the test split. There will be no heatmap and no figures; set "
                   "score.slides: auto or all, dataset.test_fraction, or the manifest's column split");
    } else if (scored == n) {
        gboolean why = g_str_equal(which, "auto") && n > 1;
        gboolean annotated = count(run->slides, SLIDE_ANNOTATED, NULL) > 0;
        line(out, "scored", "all %d%s", n,
             !why          ? ""
             : tested == 0 ? " (score.slides: auto; no slide is in the test split)"
             : !annotated  ? " (score.slides: auto; no slide is annotated)"
                           : " (score.slides: auto; each is in the test split or unknown)");
    } else {
        line(out, "scored",
             "%d of %d: the test split and unknown slides; score.slides: all scores the others too", scored,
             n);
    }
}

/* ---- what comes ---- */

static gboolean wanted_until(const Run *run, const char *name, const char *last)
{
    for (const Stage *stage = stages; stage->name; stage++) {
        if (g_str_equal(stage->name, name)) {
            return stage->wanted(run, NULL);
        }
        if (last && g_str_equal(stage->name, last)) {
            return FALSE;
        }
    }
    return FALSE;
}

static void put_written(GString *out, const Run *run, const char *last, int scored)
{
    g_autoptr(GPtrArray) what = g_ptr_array_new_with_free_func(g_free);
    const Config *config = run->config;
    if (wanted_until(run, "dataset", last)) {
        gboolean shards = g_str_equal(config->dataset_format, "shards");
        g_ptr_array_add(what, g_strdup_printf("patch set (dataset/, %s, %s)", config->dataset_image,
                                              shards ? "shards" : "a file each"));
    }
    if (config->dataset_clam && run->slides->len > 0) {
        g_ptr_array_add(what, g_strdup("places for CLAM and TRIDENT (clam/, trident/)"));
    }
    if (wanted_until(run, "train", last)) {
        g_ptr_array_add(what, g_strdup("model (model/)"));
    }
    if (!last && scored > 0) {
        g_ptr_array_add(what, g_strdup_printf("heatmaps of %d slide%s (slides/ID/)", scored, plural(scored)));
    }
    if (wanted_until(run, "evaluate", last)) {
        g_ptr_array_add(what, g_strdup("figures and report (report.html)"));
    }
    g_ptr_array_add(what, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)what->pdata);
    line(out, "writes", "%s", *text ? text : "facts of the slides (slides/ID/)");
}

static void put_disk(GString *out, const Run *run)
{
    double free_bytes = disk_free(run->folder);
    g_autofree char *have = free_bytes < 0 ? g_strdup("unknown") : g_format_size((guint64)free_bytes);
    if (run->slides->len == 0) {
        line(out, "disk", "%s free in %s", have, run->folder);
        return;
    }
    DiskNeed need = disk_need(run);
    if (need.opened == 0) {
        line(out, "disk", "%s free in %s; how much is needed is unknown: no slide could be opened", have,
             run->folder);
        return;
    }
    g_autofree char *likely = g_format_size((guint64)need.likely), *most = g_format_size((guint64)need.most);
    line(out, "disk",
         "about %s needed when a third of the slides is tissue, at most %s (estimated from %d of %u slides); "
         "%s free in %s%s",
         likely, most, need.opened, run->slides->len, have, run->folder,
         free_bytes >= 0 && free_bytes < need.likely ? ": NOT ENOUGH" : "");
}

static void put_jobs(GString *out, const Run *run, const char *last)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int total = 0;
    for (const Stage *stage = stages; stage->name; stage++) {
        int n = stage->scope == SCOPE_COHORT && stage->wanted(run, NULL);
        for (guint i = 0; stage->scope == SCOPE_SLIDE && i < run->slides->len; i++) {
            n += stage->wanted(run, run->slides->pdata[i]);
        }
        if (n > 0) {
            g_string_append_printf(text, "%s%s %d", total ? ", " : "", stage->name, n);
        }
        total += n;
        if (last && g_str_equal(stage->name, last)) {
            break;
        }
    }
    line(out, "jobs", "%d: %s", total, text->str);
}

char *summary_begin(const Run *run, const char *last, gboolean jobs)
{
    GString *out = g_string_new(NULL);
    int scored = last ? 0 : count_scored(run);
    if (run->slides->len > 0) {
        put_labels(out, run);
        put_groups(out, run);
        put_splits(out, run->slides);
        put_missing(out, run->slides);
    } else {
        g_autofree char *folder = terminal_line(run->config->patches_folder);
        line(out, "patches", "%s", folder);
    }
    if (!last && run->slides->len > 0) {
        put_scored(out, run, scored);
    }
    guint unused = run->cohort->unused->len;
    if (unused > 0) {
        line(out, "not used", "%u file%s", unused, plural((int)unused));
        unused_put(out, run->cohort->unused);
    }
    put_written(out, run, last, scored);
    put_disk(out, run);
    if (jobs) {
        put_jobs(out, run, last);
    }
    return g_string_free(out, FALSE);
}

/* ---- the end ---- */

static void put_failed(GString *out, const GPtrArray *rows, const char *folder)
{
    g_autoptr(GHashTable) slides = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < rows->len; i++) {
        const JobRow *row = rows->pdata[i];
        if (row->state == JOB_PARKED && stage_find(row->stage) &&
            stage_find(row->stage)->scope == SCOPE_SLIDE) {
            g_hash_table_add(slides, row->unit);
        }
    }
    int n = (int)g_hash_table_size(slides);
    if (n > 0) {
        line(out, "failed", "%d slide%s: wsiflow status %s says which and why", n, plural(n), folder);
    }
}

const char *ended_path(const Ended *ended, const char *stage, const char *name)
{
    for (guint i = 0; i < ended->artefacts->len; i++) {
        const JobInput *one = ended->artefacts->pdata[i];
        if (g_str_equal(one->stage, stage) && g_str_equal(one->artefact->name, name)) {
            return one->artefact->path;
        }
    }
    return NULL;
}

/* Notes on slides: pages that are no levels, missing tiles, no background... */
static void put_notes(GString *out, const Ended *ended)
{
    g_autoptr(GString) texts = g_string_new(NULL);
    int n = 0;
    for (guint i = 0; i < ended->cohort->slides->len; i++) {
        const SlideEntry *entry = ended->cohort->slides->pdata[i];
        g_autoptr(GPtrArray) notes = slide_notes_of(ended->records, entry->id);
        for (guint k = 0; k < notes->len && n + (int)k < MOST_NOTES; k++) {
            g_string_append_printf(texts, "  %s: %s\n", entry->id, (const char *)notes->pdata[k]);
        }
        n += (int)notes->len;
    }
    if (n > 0) {
        const char *all = ended_path(ended, "dataset", ".card") ? "; CARD.md has all, the first are"
                                                                : "; slides/ID/ has all, the first are";
        line(out, "notes", "%d on slides%s", n, n > MOST_NOTES ? all : "");
        g_string_append(out, texts->str);
    }
}

static void put_results(GString *out, const Ended *ended)
{
    static const struct {
        const char *stage, *name, *what, *more;
    } results[] = {{"dataset", "manifest", "patch set", " (summarised in the CARD.md next to it)"},
                   {"train", "model", "model", ""},
                   {"evaluate", "metrics", "figures", ""},
                   {"evaluate", "report", "report", " (open it in a browser)"}};
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        const char *path = ended_path(ended, results[i].stage, results[i].name);
        if (path) {
            line(out, results[i].what, "%s/%s%s", ended->folder, path, results[i].more);
        }
    }
}

char *summary_end(const Ended *ended)
{
    GString *out = g_string_new(NULL);
    int heatmaps = 0;
    put_results(out, ended);
    for (guint i = 0; i < ended->artefacts->len; i++) {
        const JobInput *one = ended->artefacts->pdata[i];
        heatmaps += g_str_equal(one->stage, "heatmap") && g_str_equal(one->artefact->name, "overview");
    }
    if (heatmaps > 0) {
        line(
            out, "heatmaps",
            "%s/slides/*/heatmap.png (overview), heatmap.tif and heatmap.ome.tif (for viewers) of %d slide%s",
            ended->folder, heatmaps, plural(heatmaps));
    }
    g_autoptr(GPtrArray) findings = unused_in_run(ended->cohort, ended->artefacts);
    if (findings->len > 0) {
        line(out, "not used", "%u file%s", findings->len, plural((int)findings->len));
        unused_put(out, findings);
    }
    put_notes(out, ended);
    put_failed(out, ended->rows, ended->folder);
    return g_string_free(out, FALSE);
}
