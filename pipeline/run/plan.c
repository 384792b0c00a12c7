/* Planning.
 *
 * For each wanted stage, in the order of the table, one job a slide or one for the cohort.  A job's configuration hash covers the keys
 * its stage names, and the stage's version; its input hash covers what it reads from outside of the run: files by size, time of change and
 * path, and the manifest's facts about the slide. */
#include "pipeline/run/plan.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/cohort/loader_stem.h"
#include "pipeline/cohort/stored_cohort.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/slide/slide_stain.h"
#include "pipeline/run/stage_table.h"
#include <string.h>
#include <sys/stat.h>

typedef struct {
    const Run *run;
    GArray *jobs;      /* PlanJob */
    GArray *needs;     /* PlanNeed */
    GPtrArray *texts;  /* owned texts of the jobs */
    GHashTable *index; /* "stage/unit" -> job + 1 */
} Plan;

/* A file that cannot be looked at would look changed, and its jobs would be done again. */
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

typedef struct {
    const char *stage;
    gboolean slide, mpp, annotation, region, target, split, use, unused, weights, patches, model, labels,
        stem;
} Outside;

/* What each stage reads from outside of the run. */
static const Outside outside[] = {
    {"ingest", .slide = TRUE, .mpp = TRUE},
    {"tissue", .slide = TRUE, .mpp = TRUE, .region = TRUE},
    {"stain", .target = TRUE},
    {"grid", .use = TRUE},
    {"clam", .stem = TRUE},
    {"mask", .annotation = TRUE},
    {"cut", .split = TRUE, .target = TRUE},
    {"dataset", .split = TRUE, .unused = TRUE, .target = TRUE},
    {"normals", .split = TRUE, .target = TRUE},
    {"train", .target = TRUE, .weights = TRUE, .patches = TRUE},
    {"score", .use = TRUE, .model = TRUE, .weights = TRUE},
    {"scorepatches", .model = TRUE, .weights = TRUE, .patches = TRUE},
    {"evaluate", .split = TRUE, .unused = TRUE, .model = TRUE, .labels = TRUE},
};

/* Where a slide belongs and what is used of it; for stages of the cohort, of all slides. */
static void add_side(GString *text, const SlideEntry *slide)
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
    const struct {
        const char *name, *path;
    } files[] = {
        {"slide", o->slide ? slide->path : NULL},
        {"annotation", o->annotation ? slide->annotation : NULL},
        {"region", o->region && lesions_have_regions(config) ? slide->annotation : NULL},
        {"stain target", o->target && slide_stain_wanted(config) ? config->tiles_stain_target : NULL},
        {"weights", o->weights ? config->model_weights : NULL},
        {"model", o->model ? config->score_model : NULL},
        {"labels", o->labels ? config->evaluate_labels : NULL},
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
            add_side(text, slide);
        }
        for (guint s = 0; o->split && !slide && s < run->slides->len; s++) {
            add_side(text, run->slides->pdata[s]);
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

static const char *keep(Plan *plan, char *text)
{
    g_ptr_array_add(plan->texts, text);
    return text;
}

static void add_need(Plan *plan, int job, const char *stage, const char *unit, gboolean hard)
{
    g_autofree char *name = g_strdup_printf("%s/%s", stage, unit);
    int found = GPOINTER_TO_INT(g_hash_table_lookup(plan->index, name));
    if (found) { /* stages that are not wanted are not needed either */
        PlanNeed need = {job, found - 1, hard};
        g_array_append_val(plan->needs, need);
    }
}

static void add_needs(Plan *plan, const Stage *stage, const SlideEntry *slide, int job)
{
    g_auto(GStrv) names = g_strsplit(stage->needs, " ", -1);
    for (char **name = names; *name; name++) {
        gboolean hard = (*name)[0] != '?';
        const Stage *other = **name ? stage_find(*name + !hard) : NULL;
        if (!other) {
            continue;
        }
        if (other->scope == SCOPE_COHORT) {
            add_need(plan, job, other->name, COHORT, hard);
        } else if (slide) {
            add_need(plan, job, other->name, slide->id, hard);
        } else {
            for (guint i = 0; i < plan->run->slides->len; i++) {
                add_need(plan, job, other->name, ((SlideEntry *)plan->run->slides->pdata[i])->id, hard);
            }
        }
    }
}

static gboolean add_job(Plan *plan, const Stage *stage, const SlideEntry *slide, int priority, GError **error)
{
    if (!stage->wanted(plan->run, slide)) {
        return TRUE;
    }
    char config_sha[65], input_sha[65];
    config_hash(plan->run->config, stage->sections, config_sha);
    g_autofree char *versioned = g_strdup_printf("%s %s %d", config_sha, stage->name, stage->version);
    durable_hash_bytes(versioned, strlen(versioned), config_sha);
    if (!input_hash(plan->run, stage, slide, input_sha, error)) {
        return FALSE;
    }
    PlanJob job = {.stage = stage->name,
                   .unit = slide ? slide->id : COHORT,
                   .config_hash = keep(plan, g_strdup(config_sha)),
                   .input_hash = keep(plan, g_strdup(input_sha)),
                   .priority = priority};
    int number = (int)plan->jobs->len;
    g_array_append_val(plan->jobs, job);
    g_hash_table_insert(plan->index, g_strdup_printf("%s/%s", job.stage, job.unit),
                        GINT_TO_POINTER(number + 1));
    add_needs(plan, stage, slide, number);
    return TRUE;
}

static gboolean check_path(const char *key, const char *path, FileKind wanted, GError **error)
{
    FileKind kind = wanted;
    if (*path && !listing_kind(path, &kind, error)) {
        return FALSE;
    }
    if (kind != wanted) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is %s, %s", key, path,
                    kind == FILE_ABSENT     ? "which does not exist"
                    : wanted == FILE_FOLDER ? "which is no folder"
                                            : "which is no file");
    }
    return kind == wanted;
}

/* What the last stages read is looked at before the first one works. */
static gboolean check_inputs(const Run *run, const char *last, GError **error)
{
    const Config *config = run->config;
    if (run->slides->len == 0 && !*config->patches_folder) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the configuration asks for nothing: set slides.folder, slides.manifest or patches.folder");
        return FALSE;
    }
    return check_path("patches.folder", config->patches_folder, FILE_FOLDER, error) &&
           (last || check_path("evaluate.labels", config->evaluate_labels, FILE_REGULAR, error));
}

/* An empty folder of annotations is a share that is not mounted as often as it is meant: lesions would be trained on as normal. */
static gboolean check_annotations(const Run *run, GError **error)
{
    const Config *config = run->config;
    int assumed = 0;
    for (guint i = 0; i < run->slides->len; i++) {
        const SlideEntry *entry = run->slides->pdata[i];
        if (entry->annotation) {
            return TRUE;
        }
        assumed += entry->label == SLIDE_NORMAL && !entry->label_given;
    }
    if (assumed == 0 || !*config->slides_annotations) {
        return TRUE;
    }
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "slides.annotations (%s) has an annotation for none of %u slides, and by slides.unannotated: normal "
        "%d would "
        "count as normal: is the folder the right one, and mounted? Where no slide has lesions, leave "
        "slides.annotations out",
        config->slides_annotations, run->slides->len, assumed);
    return FALSE;
}

gboolean plan_check(const Run *run, const char *last, GError **error)
{
    if (!check_inputs(run, last, error) || !check_annotations(run, error)) {
        return FALSE;
    }
    int unknown = 0, train = 0, slides = (int)run->slides->len;
    for (int i = 0; i < slides; i++) {
        const SlideEntry *entry = run->slides->pdata[i];
        unknown += entry->label == SLIDE_UNKNOWN;
        train += g_str_equal(entry->split, "train");
    }
    gboolean trains = !last && !*run->config->patches_folder && stage_find("train")->wanted(run, NULL);
    if (slides == 0 || train > 0 || !(trains || (last && unknown == slides))) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: of %d slides %d are unknown (without annotation, though some are given or found) and "
                "none is in the "
                "train split. If slides without annotation are known to be free of lesions, set "
                "slides.unannotated: normal, or the "
                "manifest's column label; splits are set by the column split%s",
                trains ? "there is no slide to train on" : "there is no slide to cut patches of", slides,
                unknown, trains ? "; score.model scores with an existing model" : "");
    return FALSE;
}

static gboolean add_jobs(Plan *plan, const char *last, GError **error)
{
    const Run *run = plan->run;
    gboolean ok = TRUE;
    int priority = 0;
    for (const Stage *stage = stages; stage->name && ok; stage++, priority++) {
        ok = stage->scope != SCOPE_COHORT || add_job(plan, stage, NULL, priority, error);
        for (guint i = 0; stage->scope == SCOPE_SLIDE && ok && i < run->slides->len; i++) {
            ok = add_job(plan, stage, run->slides->pdata[i], priority, error);
        }
        if (last && g_str_equal(stage->name, last)) {
            break;
        }
    }
    return ok;
}

gboolean plan_make(const Run *run, Store *store, const char *last, GError **error)
{
    Plan plan = {run, g_array_new(FALSE, FALSE, sizeof(PlanJob)), g_array_new(FALSE, FALSE, sizeof(PlanNeed)),
                 g_ptr_array_new_with_free_func(g_free),
                 g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    for (guint i = 0; i < run->slides->len;
         i++) { /* before they are hashed, so that a change in between is seen */
        slide_entry_record_file(run->slides->pdata[i]);
    }
    gboolean ok = add_jobs(&plan, last, error);
    if (ok && plan.jobs->len == 0) {
        ok = FALSE;
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the configuration asks for nothing: set slides.folder, slides.manifest or patches.folder");
    }
    ok = ok && stored_cohort_write(store, run->cohort, error) &&
         store_plan(store, (const PlanJob *)(void *)plan.jobs->data, (int)plan.jobs->len,
                    (const PlanNeed *)(void *)plan.needs->data, (int)plan.needs->len, error);
    g_array_unref(plan.jobs);
    g_array_unref(plan.needs);
    g_ptr_array_unref(plan.texts);
    g_hash_table_unref(plan.index);
    return ok;
}
