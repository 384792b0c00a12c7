/* Sentences that several records have are shown once. */
#include "pipeline/run/ending.h"
#include "flows/models/model.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/job/unreadable_tiles.h"
#include "pipeline/training/model_card.h"
#include "pipeline/patchset/repeated_images.h"
#include "pipeline/patchset/image_sizes.h"
#include "pipeline/run/summary.h"
#include "pipeline/cohort/stored_cohort.h"
#include <stdio.h>

/* A record of the cohort, and what it is about. */
typedef struct {
    const char *stage, *name, *what;
} Source;

static const json_t *get(const Ended *ended, const Source *source)
{
    return records_get(ended->records, source->stage, COHORT, source->name);
}

/* Images that were not of the model's size, in training and in scoring. */
static void tell_sizes(const Ended *ended)
{
    static const Source sources[] = {{"train", "images", "training"}, {"scorepatches", "images", "scoring"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *text = image_sizes_text_of_json(get(ended, &sources[i]));
        if (text) {
            fprintf(stderr, "%s: %s\n", sources[i].what, text);
        }
    }
}

/* Tiles that are in no patch set, not trained on, or have no scores, since they could not be read. */
static void report_unreadable_tiles(const Ended *ended)
{
    static const Source sources[] = {{"dataset", "unreadable", "patch set"},
                                     {"normals", "unreadable", "training"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_autofree char *text = unreadable_tiles_text(get(ended, &sources[i]));
        if (text) {
            fprintf(stderr, "%s: %s\n", sources[i].what, text);
        }
    }
    const json_t *figures = records_get(ended->records, "evaluate", COHORT, "metrics");
    g_autofree char *scoring = unreadable_tiles_text(json_object_get(figures, "unreadable"));
    if (scoring) {
        fprintf(stderr, "scoring: %s\n", scoring);
    }
}

static void tell_annotations(const Ended *ended)
{
    enum { MOST = 10 };
    g_autoptr(GPtrArray) notes = annotation_notes(ended->cohort->slides, ended->records);
    for (guint i = 0; i < notes->len && i < MOST; i++) {
        fprintf(stderr, "annotation %s\n", (const char *)notes->pdata[i]);
    }
    if (notes->len > MOST) {
        fprintf(stderr, "annotations: %u more warnings; slides/ID/mask.json has those of each slide\n",
                notes->len - MOST);
    }
}

/* Each sentence once. */
static void tell_once(GHashTable *reported, const char *what, const char *sentence)
{
    if (g_hash_table_add(reported, g_strdup(sentence))) {
        fprintf(stderr, "%s: %s\n", what, sentence);
    }
}

/* What a reader of the patch set and of the figures has to know. */
static void tell_notes(const Ended *ended, GHashTable *reported)
{
    static const Source sources[] = {{"dataset", "missing_metrics", "patch set"},
                                     {"train", "notes", "training"},
                                     {"evaluate", "metrics", "figures"}};
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        const json_t *one;
        size_t n;
        json_array_foreach(json_object_get(get(ended, &sources[i]), "notes"), n, one)
        {
            tell_once(reported, sources[i].what, json_string_value(one));
        }
    }
}

/* Images that occur more than once. */
static void tell_repeats(const Ended *ended, GHashTable *reported)
{
    RepeatedImages repeats;
    repeated_images_of_json(records_get(ended->records, "dataset", COHORT, "repeated_images"), &repeats);
    g_autofree char *text = repeated_images_text(&repeats);
    if (text) {
        tell_once(reported, "patch set", text);
    }
}

/* What the model's calibration rests on. */
static gboolean tell_model(const Ended *ended, GHashTable *reported, GError **error)
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
        tell_once(reported, "model", *line);
    }
    model_spec_clear(&spec);
    return TRUE;
}

static gboolean show(const Ended *ended, GError **error)
{
    g_autoptr(GHashTable) reported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *text = summary_end(ended);
    fputs(text, stdout);
    tell_sizes(ended);
    report_unreadable_tiles(ended);
    tell_annotations(ended);
    tell_repeats(ended, reported);
    if (!tell_model(ended, reported, error)) {
        return FALSE;
    }
    tell_notes(ended, reported);
    return TRUE;
}

gboolean ending_show(const char *folder, GError **error)
{
    g_autoptr(Store) store = store_open_existing(folder, error);
    g_autoptr(Cohort) cohort = store ? stored_cohort_read(store, error) : NULL;
    g_autoptr(GPtrArray) artefacts = cohort ? store_artefacts(store, error) : NULL;
    g_autoptr(GPtrArray) rows = artefacts ? store_jobs(store, error) : NULL;
    g_autoptr(Records) records = rows ? records_read(folder, artefacts, error) : NULL;
    const Ended ended = {folder, cohort, artefacts, rows, records};
    return records && show(&ended, error);
}
