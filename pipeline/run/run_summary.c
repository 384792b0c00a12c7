/* The summary before a run.
 *
 * It shows at once when a run is not the intended one: annotations that were not found, missing patients, a test split without slides.  So the
 * first lines count what was found, and say what follows from it. */
#include "pipeline/run/run_summary.h"
#include "base/listing.h"
#include "pipeline/run/summary_line.h"
#include "pipeline/run/disk_space.h"
#include "pipeline/slide/group_survey.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/write/terminal.h"
#include <string.h>

static const char *const splits[] = {"train", "valid", "test", "none"};

/* Number of slides of a label (-1: any) and a split (NULL: any). */
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

/* " from 3 patients"; "" when no patient is given.  Caller frees. */
static char *of_patients(const GPtrArray *slides, const char *split)
{
    int n = count_patients(slides, split);
    return cohort_names_patients(slides) ? g_strdup_printf(" from %d patient%s", n, summary_plural(n))
                                         : g_strdup("");
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
    summary_line(
        out, "slides", "%u%s%s", slides->len, *patients ? "," : "",
        *patients
            ? patients
            : "; patients are unknown (no column patient in a manifest): each slide counts as one patient");
    summary_line(out, "", "%d with annotation", annotated);
    gboolean assumed = g_str_equal(run->config->slides_unannotated, "auto") && given == 0 && normal > 0;
    summary_line(
        out, "", "%d without annotation, counted as normal%s", normal,
        assumed ? ": no annotations are given (slides.annotations, or the manifest's columns annotation and "
                  "label)"
                : "");
    if (unknown > 0) {
        summary_line(out, "",
                     "%d unknown: without annotation, although annotations are given or found; scored, but "
                     "neither trained on nor counted in the metrics. If they have no lesions, set "
                     "slides.unannotated: normal or the manifest's column label",
                     unknown);
    }
}

/* A group that slides.groups does not name makes its slides fail, so all such groups are listed before anything runs. */
static void put_groups(GString *out, const Run *run)
{
    g_auto(GroupSurvey) survey = {0};
    group_survey_read(run->config, run->slides, &survey);
    if (survey.unknown) {
        g_autofree char *text = terminal_line(survey.unknown);
        summary_line(
            out, "groups",
            "%d of the first %d annotations have outlines in groups that slides.groups does not "
            "name; their slides will fail: %s; name each group as lesion, not, hard, unknown, roi or ignore",
            survey.files, survey.read, text);
    }
    if (survey.idle) {
        g_autofree char *text = terminal_line(survey.idle);
        summary_line(out, survey.unknown ? "" : "groups",
                     "no annotation has an outline in these groups of slides.groups: %s", text);
    }
}

static void put_splits(GString *out, const GPtrArray *slides)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t s = 0; s < G_N_ELEMENTS(splits); s++) {
        int n = count(slides, -1, splits[s]);
        if (n > 0 || s < 3) {
            g_autofree char *patients = n > 0 ? of_patients(slides, splits[s]) : g_strdup("");
            g_string_append_printf(text, "%s%s %d slide%s%s", s ? ", " : "", splits[s], n, summary_plural(n),
                                   patients);
        }
    }
    summary_line(out, "splits", "%s", text->str);
}

/* A path whose state is unknown may exist. */
static gboolean is_gone(const char *path)
{
    FileKind kind;
    return listing_kind(path, &kind, NULL) && kind == FILE_ABSENT;
}

/* Files that the manifest names and that do not exist. */
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
        summary_line(out, "missing",
                     "%d slide%s and %d annotation%s in the manifest do not exist; their slides will fail; "
                     "the first is %s",
                     missing, summary_plural(missing), annotations, summary_plural(annotations), name);
    }
}

static void put_scored(GString *out, const Run *run, int scored)
{
    int n = (int)run->slides->len, tested = count(run->slides, -1, "test");
    const char *which = run->config->score_slides;
    gboolean model = run->config->train_run || *run->config->score_model;
    if (!model) {
        summary_line(
            out, "scored",
            "none, because no model is trained or given (train.run is false and score.model is empty)");
    } else if (scored == 0) {
        summary_line(
            out, "scored", "none%s",
            g_str_equal(which, "none")
                ? " (score.slides: none)"
                : ": no slide is in the test split. There will be no heatmaps and no metrics; set "
                  "score.slides: auto or all, dataset.test_fraction, or the manifest's column split");
    } else if (scored == n) {
        gboolean why = g_str_equal(which, "auto") && n > 1;
        gboolean annotated = count(run->slides, SLIDE_ANNOTATED, NULL) > 0;
        summary_line(out, "scored", "all %d%s", n,
                     !why          ? ""
                     : tested == 0 ? " (score.slides: auto, because no slide is in the test split)"
                     : !annotated
                         ? " (score.slides: auto, because no slide is annotated)"
                         : " (score.slides: auto, because each slide is in the test split or unknown)");
    } else {
        summary_line(out, "scored",
                     "%d of %d: the test split and unknown slides; score.slides: all also scores the others",
                     scored, n);
    }
}

/* ---- what will be done ---- */

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
                                              shards ? "shards" : "one file per tile"));
    }
    if (config->dataset_clam && run->slides->len > 0) {
        g_ptr_array_add(what, g_strdup("tile coordinates for CLAM and TRIDENT (clam/, trident/)"));
    }
    if (wanted_until(run, "train", last)) {
        g_ptr_array_add(what, g_strdup("model (model/)"));
    }
    if (!last && scored > 0) {
        g_ptr_array_add(
            what, g_strdup_printf("heatmaps of %d slide%s (slides/ID/)", scored, summary_plural(scored)));
    }
    if (wanted_until(run, "evaluate", last)) {
        g_ptr_array_add(what, g_strdup("metrics and report (report.html)"));
    }
    g_ptr_array_add(what, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)what->pdata);
    summary_line(out, "writes", "%s", *text ? text : "data of the slides (slides/ID/)");
}

static void put_disk(GString *out, const Run *run)
{
    double free_bytes = disk_space_free(run->folder);
    g_autofree char *have = free_bytes < 0 ? g_strdup("unknown") : g_format_size((guint64)free_bytes);
    if (run->slides->len == 0) {
        summary_line(out, "disk", "%s free in %s", have, run->folder);
        return;
    }
    DiskSpace need = disk_space_needed(run);
    if (need.opened == 0) {
        summary_line(out, "disk",
                     "%s free in %s; the space needed is unknown because no slide could be opened", have,
                     run->folder);
        return;
    }
    g_autofree char *likely = g_format_size((guint64)need.likely), *most = g_format_size((guint64)need.most);
    summary_line(out, "disk",
                 "about %s needed if a third of the area is tissue, at most %s (estimated from %d of %u "
                 "slides); %s free in %s%s",
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
    summary_line(out, "jobs", "%d: %s", total, text->str);
}

char *run_summary(const Run *run, const char *last, gboolean jobs)
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
        summary_line(out, "patches", "%s", folder);
    }
    if (!last && run->slides->len > 0) {
        put_scored(out, run, scored);
    }
    guint unused = run->cohort->unused->len;
    if (unused > 0) {
        summary_line(out, "not used", "%u file%s", unused, summary_plural((int)unused));
        unused_put(out, run->cohort->unused);
    }
    put_written(out, run, last, scored);
    put_disk(out, run);
    if (jobs) {
        put_jobs(out, run, last);
    }
    return g_string_free(out, FALSE);
}
