/* What a run produced, and what a reader must know about it.  A sentence that several records contain is printed once. */
#include "pipeline/run/run_results.h"
#include "base/csv.h"
#include "flows/models/model.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/job/records.h"
#include "pipeline/job/training_failure.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/patchset/repeated_images.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/run/stale_files.h"
#include "pipeline/run/summary_line.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/slide_notes.h"
#include "pipeline/training/model_card.h"
#include "pipeline/slide/unused_in_run.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NOTES = 20 };

/* A finished run, as the job table has it. */
typedef struct {
    const char *folder;
    const Cohort *cohort;
    const GPtrArray *artefacts; /* JobInput* */
    const GPtrArray *rows;      /* JobRow* */
    const Records *records;
    const char *stale; /* files that are not results; "" for none */
} Ended;

/* ---- what came out, on standard output ---- */

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
    g_autofree char *untrained = training_failure(rows);
    if (untrained) {
        summary_line(out, "failed", "the model could not be trained, so nothing was scored: %s", untrained);
    }
    int n = (int)g_hash_table_size(slides);
    if (n > 0) {
        summary_line(out, "failed", "%d slide%s: wsiflow status %s shows which and why", n, summary_plural(n),
                     folder);
    }
}

/* Path, relative to the folder, of what a stage of the cohort published as `name`; NULL when there is none. */
static const char *ended_path(const Ended *ended, const char *stage, const char *name)
{
    for (guint i = 0; i < ended->artefacts->len; i++) {
        const JobInput *one = ended->artefacts->pdata[i];
        if (g_str_equal(one->stage, stage) && g_str_equal(one->artefact->name, name)) {
            return one->artefact->path;
        }
    }
    return NULL;
}

/* Notes on slides: pages that are not levels, missing tiles, no background... */
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
        const char *all = ended_path(ended, "dataset", ".card")
                              ? "; CARD.md has all of them; the first ones:"
                              : "; slides/ID/ has all of them; the first ones:";
        summary_line(out, "notes", "%d on slides%s", n, n > MOST_NOTES ? all : "");
        g_string_append(out, texts->str);
    }
}

static void put_results(GString *out, const Ended *ended)
{
    static const struct {
        const char *stage, *name, *what, *more;
    } results[] = {{"dataset", "manifest", "patch set", " (CARD.md in the same folder describes it)"},
                   {"train", "model", "model", ""},
                   {"slides", "slides", "slides", ""},
                   {"evaluate", "metrics", "metrics", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        const char *path = ended_path(ended, results[i].stage, results[i].name);
        if (path) {
            summary_line(out, results[i].what, "%s/%s%s", ended->folder, path, results[i].more);
        }
    }
}

/* How many slides had their tissue from tissue.outlines, when that key is used. */
static void put_tissue(GString *out, const Ended *ended)
{
    int outlined = 0, missing = 0;
    for (guint i = 0; i < ended->cohort->slides->len; i++) {
        const SlideEntry *entry = ended->cohort->slides->pdata[i];
        const json_t *facts = records_get(ended->records, "tissue", entry->id, "facts");
        outlined += g_strcmp0(json_string_value(json_object_get(facts, "source")), "outlines") == 0;
        missing += json_is_true(json_object_get(facts, "outlines_missing"));
    }
    if (missing > 0) {
        summary_line(out, "tissue", "%d slide%s by tissue.outlines; %d slide%s no file there and %s detected",
                     outlined, summary_plural(outlined), missing, missing == 1 ? " has" : "s have",
                     missing == 1 ? "was" : "were");
    } else if (outlined > 0) {
        summary_line(out, "tissue", "%d slide%s by tissue.outlines", outlined, summary_plural(outlined));
    }
}

typedef struct {
    const char *slide;
    double score;
} Highest;

static int by_score(const void *a, const void *b)
{
    const Highest *p = a, *q = b;
    return p->score < q->score ? 1 : p->score > q->score ? -1 : strcmp(p->slide, q->slide);
}

/* The slides with the highest score of a slide (slide_table.h), as the report ranks them; nothing when no slide was scored. */
static void put_highest(GString *out, const Ended *ended)
{
    enum { MOST = 3 };
    const char *relative = ended_path(ended, "slides", "slides");
    g_autofree char *path = relative ? g_build_filename(ended->folder, relative, NULL) : NULL;
    g_autoptr(Csv) csv =
        path ? csv_read(path, NULL) : NULL; /* a table that cannot be read was reported by its stage */
    const int slide = csv ? csv_column(csv, "slide") : -1,
              score = csv ? csv_column(csv, "score_top_1_percent") : -1;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Highest));
    for (int row = 0; slide >= 0 && score >= 0 && row < csv_rows(csv); row++) {
        Highest one = {csv_get(csv, row, slide), NAN};
        if (csv_number(csv, row, score, &one.score, NULL) && isfinite(one.score)) {
            g_array_append_val(all, one);
        }
    }
    g_array_sort(all, by_score);
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < MIN(all->len, MOST); i++) {
        const Highest *one = &g_array_index(all, Highest, i);
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_string_append_printf(names, "%s%s (%s)", i ? ", " : "", one->slide,
                               g_ascii_formatd(text, sizeof text, "%.2f", one->score));
    }
    if (names->len > 0) {
        summary_line(
            out, "highest",
            "%s: the mean of the highest 1 %% of their tiles, in standard deviations of normal tiles",
            names->str);
    }
}

/* What to look at first, printed last: there the eye is when a run has ended. */
static char *next_text(const Ended *ended)
{
    GString *out = g_string_new(NULL);
    const char *report = ended_path(ended, "evaluate", "report");
    put_highest(out, ended);
    if (report) {
        summary_line(out, "report", "%s/%s (open it in a browser)", ended->folder, report);
    }
    if (ended->cohort->slides->len > 0) {
        summary_line(out, "look", "wsiflow view %s (the slides and what was found on them, for review)",
                     ended->folder);
    }
    return g_string_free(out, FALSE);
}

static char *results_text(const Ended *ended)
{
    GString *out = g_string_new(NULL);
    int heatmaps = 0, overlays = 0, regions = 0;
    put_results(out, ended);
    put_tissue(out, ended);
    for (guint i = 0; i < ended->artefacts->len; i++) {
        const JobInput *one = ended->artefacts->pdata[i];
        heatmaps += g_str_equal(one->stage, "heatmap") && g_str_equal(one->artefact->name, "overview");
        overlays += g_str_equal(one->stage, "overlay");
        regions += g_str_equal(one->stage, "regions") && g_str_equal(one->artefact->name, "regions");
    }
    if (heatmaps > 0) {
        summary_line(
            out, "heatmaps",
            "%s/slides/*/heatmap.png (overview), heatmap.tif and heatmap.ome.tif (for viewers) of %d slide%s",
            ended->folder, heatmaps, summary_plural(heatmaps));
    }
    if (overlays > 0) {
        summary_line(out, "overlays", "%s/slides/*/overlay.tif (for viewers) of %d slide%s", ended->folder,
                     overlays, summary_plural(overlays));
    }
    if (regions > 0) {
        summary_line(out, "regions",
                     "%s/slides/*/regions.geojson (for QuPath), detections.csv and predicted_mask.tif of %d "
                     "slide%s",
                     ended->folder, regions, summary_plural(regions));
    }
    g_autoptr(GPtrArray) unused = unused_in_run(ended->cohort, ended->artefacts);
    if (unused->len > 0) {
        summary_line(out, "not used", "%u file%s", unused->len, summary_plural((int)unused->len));
        unused_put(out, unused);
    }
    put_notes(out, ended);
    put_failed(out, ended->rows, ended->folder);
    return g_string_free(out, FALSE);
}

/* ---- what to know about it, on standard error ---- */

/* A record of the cohort, and the name that its notes are printed under. */
typedef struct {
    const char *stage, *name, *what;
} Source;

static const json_t *get(const Ended *ended, const Source *source)
{
    return records_get(ended->records, source->stage, COHORT, source->name);
}

/* Images of another size than the model's tiles, in training and in scoring. */
static void print_sizes(const Ended *ended)
{
    static const Source sources[] = {{"train", "images", "training"}, {"scorepatches", "images", "scoring"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *text = image_sizes_text_of_json(get(ended, &sources[i]));
        if (text) {
            fprintf(stderr, "%s: %s\n", sources[i].what, text);
        }
    }
}

/* Tiles left out of the patch set, of training and of scoring because they could not be read. */
static void print_unreadable_tiles(const Ended *ended)
{
    static const Source sources[] = {{"dataset", "unreadable", "patch set"},
                                     {"normals", "unreadable", "training"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *text = unreadable_tiles_text(get(ended, &sources[i]));
        if (text) {
            fprintf(stderr, "%s: %s\n", sources[i].what, text);
        }
    }
    const json_t *metrics = records_get(ended->records, "evaluate", COHORT, "metrics");
    g_autofree char *scoring = unreadable_tiles_text(json_object_get(metrics, "unreadable"));
    if (scoring) {
        fprintf(stderr, "scoring: %s\n", scoring);
    }
}

static void print_annotations(const Ended *ended)
{
    enum { MOST = 10 };
    g_autoptr(GPtrArray) notes = annotation_notes(ended->cohort->slides, ended->records);
    for (guint i = 0; i < notes->len && i < MOST; i++) {
        fprintf(stderr, "annotation %s\n", (const char *)notes->pdata[i]);
    }
    if (notes->len > MOST) {
        fprintf(stderr, "annotations: %u more warnings; slides/ID/mask.json has all warnings of a slide\n",
                notes->len - MOST);
    }
}

/* Prints each sentence once. */
static void print_once(GHashTable *reported, const char *what, const char *sentence)
{
    if (g_hash_table_add(reported, g_strdup(sentence))) {
        fprintf(stderr, "%s: %s\n", what, sentence);
    }
}

/* Notes on the patch set, the training and the metrics. */
static void print_notes(const Ended *ended, GHashTable *reported)
{
    static const Source sources[] = {{"dataset", "missing_metrics", "patch set"},
                                     {"train", "notes", "training"},
                                     {"evaluate", "metrics", "metrics"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        const json_t *one;
        size_t n;
        json_array_foreach(json_object_get(get(ended, &sources[i]), "notes"), n, one)
        {
            print_once(reported, sources[i].what, json_string_value(one));
        }
    }
}

/* Images that occur more than once. */
static void print_repeats(const Ended *ended, GHashTable *reported)
{
    RepeatedImages repeats;
    repeated_images_of_json(records_get(ended->records, "dataset", COHORT, "repeated_images"), &repeats);
    g_autofree char *text = repeated_images_text(&repeats);
    if (text) {
        print_once(reported, "patch set", text);
    }
}

/* What the model's calibration is based on. */
static gboolean print_model(const Ended *ended, GHashTable *reported, GError **error)
{
    const char *relative = ended_path(ended, "train", "model");
    if (!relative) {
        return TRUE;
    }
    g_autofree char *path = g_build_filename(ended->folder, relative, NULL);
    ModelSpec spec;
    Calibration calibration;
    if (!model_describe(path, &spec, &calibration, error)) {
        return FALSE;
    }
    g_auto(GStrv) lines = model_card_lines(&calibration);
    for (char **line = lines; *line; line++) {
        print_once(reported, "model", *line);
    }
    model_spec_clear(&spec);
    return TRUE;
}

static gboolean show(const Ended *ended, GError **error)
{
    g_autoptr(GHashTable) reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *text = results_text(ended);
    fputs(text, stdout);
    fflush(stdout);
    print_sizes(ended);
    print_unreadable_tiles(ended);
    print_annotations(ended);
    print_repeats(ended, reported);
    if (!print_model(ended, reported, error)) {
        return FALSE;
    }
    print_notes(ended, reported);
    if (*ended->stale) {
        fprintf(stderr, "earlier: %s\n", ended->stale);
    }
    g_autofree char *next = next_text(ended);
    fputs(next, stdout);
    return TRUE;
}

gboolean run_results_print(const char *folder, GError **error)
{
    g_autoptr(Store) store = store_open_existing(folder, error);
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    g_autoptr(GPtrArray) artefacts = cohort ? store_artefacts(store, error) : NULL;
    g_autoptr(GPtrArray) rows = artefacts ? store_jobs(store, error) : NULL;
    g_autoptr(Records) records = rows ? records_read(folder, artefacts, error) : NULL;
    g_autofree char *stale = records ? stale_files_text(store, folder, error) : NULL;
    const Ended ended = {folder, cohort, artefacts, rows, records, stale};
    return stale && show(&ended, error);
}
