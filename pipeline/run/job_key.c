/* Keys of jobs.
 *
 * Files are hashed by path, size and time of change, not by content: a cohort of slides would take hours to read.  What the manifest says of a
 * slide counts too, in the stages that use it. */
#include "pipeline/run/job_key.h"
#include "base/durable.h"
#include "base/listing.h"
#include "pipeline/cohort/loader_stem.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/cohort/unused_files.h"
#include "pipeline/slide/tissue_outlines.h"
#include "pipeline/cohort/slide_entry.h"
#include <string.h>
#include <sys/stat.h>

/* A file whose state is unknown is an error: it would look changed, and its jobs would be repeated. */
static gboolean add_file(GString *text, const char *name, const char *path, GError **error)
{
    struct stat file;
    if (!path || !*path) {
        return TRUE;
    }
    if (stat(path, &file) == 0) {
        g_string_append_printf(text, "%s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld\n", name, path,
                               (gint64)file.st_size, (gint64)file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
        return TRUE;
    }
    FileKind kind;
    g_string_append_printf(text, "%s %s absent\n", name, path);
    return listing_kind(path, &kind, error);
}

/* Names, sizes and times of all files below a folder. */
static gboolean add_folder(GString *text, const char *folder, int depth, GError **error)
{
    g_autoptr(GPtrArray) names = depth < 4 ? listing_read_if_there(folder, error) : g_ptr_array_new();
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        FileKind kind;
        if (!listing_kind(path, &kind, error) ||
            !(kind == FILE_FOLDER ? add_folder(text, path, depth + 1, error)
                                  : add_file(text, "file", path, error))) {
            return FALSE;
        }
    }
    return names != NULL;
}

/* What a stage reads from outside of the run. */
typedef struct {
    const char *stage;
    gboolean slide, mpp, annotation, region, outlines, target, split, use, unused, weights, patches, model,
        labels, stages, stem;
} Outside;

static const Outside outside[] = {
    {"ingest", .slide = TRUE, .mpp = TRUE},
    {"tissue", .slide = TRUE, .mpp = TRUE, .region = TRUE, .outlines = TRUE},
    {"stain", .target = TRUE},
    {"grid", .use = TRUE},
    {"clam", .stem = TRUE},
    {"mask", .annotation = TRUE},
    {"cut", .split = TRUE, .target = TRUE},
    {"dataset", .split = TRUE, .unused = TRUE, .target = TRUE},
    {"normals", .split = TRUE, .target = TRUE},
    {"train", .target = TRUE, .weights = TRUE, .patches = TRUE},
    {"score", .use = TRUE, .model = TRUE, .weights = TRUE},
    {"heatmap", .model = TRUE},
    {"overlay", .model = TRUE},
    {"regions", .model = TRUE},
    {"scorepatches", .model = TRUE, .weights = TRUE, .patches = TRUE},
    {"slides", .split = TRUE},
    {"embedding", .split = TRUE},
    {"worst", .split = TRUE, .model = TRUE, .labels = TRUE},
    {"evaluate", .split = TRUE, .unused = TRUE, .model = TRUE, .labels = TRUE, .stages = TRUE},
};

/* The split of a slide, and how much of it is used. */
static void add_split(GString *text, const SlideEntry *slide)
{
    g_string_append_printf(text, "%s: split %s patient %s centre %s fold %d use %d label %d\n", slide->id,
                           slide->split, slide->patient, slide->centre, slide->fold, (int)slide->use,
                           (int)slide->label);
}

/* The files that the stage reads. */
static gboolean add_files(GString *text, const Run *run, const Outside *o, const SlideEntry *slide,
                          GError **error)
{
    const Config *config = run->config;
    g_autofree char *outlines = o->outlines ? tissue_outlines_path(config, slide->path) : NULL;
    const struct {
        const char *name, *path;
    } files[] = {
        {"slide", o->slide ? slide->path : NULL},
        {"annotation", o->annotation ? slide->annotation : NULL},
        {"region", o->region && lesions_have_regions(config) ? slide->annotation : NULL},
        {"tissue outlines", outlines},
        {"stain target", o->target && slide_stain_wanted(config) ? config->tiles_stain_target : NULL},
        {"weights", o->weights ? config->model_weights : NULL},
        {"model", o->model ? config->score_model : NULL},
        {"labels", o->labels ? config->evaluate_labels : NULL},
        {"stages", o->stages ? config->evaluate_stages : NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        const char *path = files[i].path;
        const gboolean folder = path && g_file_test(path, G_FILE_TEST_IS_DIR); /* of a DICOM slide */
        if (!add_file(text, files[i].name, path, error) || (folder && !add_folder(text, path, 0, error))) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean input_hash(const Run *run, const Stage *stage, const SlideEntry *slide, char sha256[65],
                           GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const Config *config = run->config;
    for (size_t i = 0; i < G_N_ELEMENTS(outside); i++) {
        const Outside *o = &outside[i];
        if (!g_str_equal(o->stage, stage->name)) {
            continue;
        }
        if (!add_files(text, run, o, slide, error)) {
            return FALSE;
        }
        if (o->mpp) {
            g_string_append_printf(text, "mpp %.17g %.17g\n", slide->mpp_x, slide->mpp_y);
        }
        if (o->split && slide) {
            add_split(text, slide);
        }
        for (guint s = 0; o->split && !slide && s < run->slides->len; s++) {
            add_split(text, run->slides->pdata[s]);
        }
        if (o->use) {
            g_string_append_printf(text, "use %d label %d split %s\n", (int)slide->use, (int)slide->label,
                                   slide->split);
        }
        for (guint u = 0; o->unused && u < run->cohort->unused->len; u++) {
            const Unused *unused = run->cohort->unused->pdata[u];
            g_string_append_printf(text, "unused %s: %s\n", unused->name, unused->reason);
        }
        if (o->stem) {
            g_autofree char *clam = loader_stem_of(run->slides, slide, FALSE),
                            *trident = loader_stem_of(run->slides, slide, TRUE);
            g_string_append_printf(text, "names %s, %s\n", clam, trident);
        }
        if (o->patches && *config->patches_folder && !add_folder(text, config->patches_folder, 0, error)) {
            return FALSE;
        }
    }
    durable_hash_bytes(text->str, text->len, sha256);
    return TRUE;
}

gboolean job_key_make(const Run *run, const Stage *stage, const SlideEntry *slide, JobKey *key,
                      GError **error)
{
    config_hash(run->config, stage->sections, key->config_sha256);
    g_autofree char *versioned = g_strdup_printf("%s %s %d", key->config_sha256, stage->name, stage->version);
    durable_hash_bytes(versioned, strlen(versioned), key->config_sha256);
    return input_hash(run, stage, slide, key->input_sha256, error);
}
