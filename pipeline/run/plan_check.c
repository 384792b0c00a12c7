/* Errors that would only show at the end of a run are found before it starts. */
#include "pipeline/run/plan_check.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/evaluation/stage_labels.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"

static gboolean check_path(const char *key, const char *path, FileKind wanted, GError **error)
{
    FileKind kind = wanted;
    if (*path && !listing_kind(path, &kind, error)) {
        return FALSE;
    }
    if (kind != wanted) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is %s, %s", key, path,
                    kind == FILE_ABSENT     ? "which does not exist"
                    : wanted == FILE_FOLDER ? "which is not a folder"
                                            : "which is not a file");
    }
    return kind == wanted;
}

/* Inputs of the last stages are checked before the first one starts. */
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
           check_path("tissue.outlines", config->tissue_outlines, FILE_FOLDER, error) &&
           (last || (check_path("evaluate.labels", config->evaluate_labels, FILE_REGULAR, error) &&
                     check_path("evaluate.stages", config->evaluate_stages, FILE_REGULAR, error)));
}

/* A table of stages that cannot be read, or is of other slides. */
static gboolean check_stages(const Run *run, GError **error)
{
    const char *path = run->config->evaluate_stages;
    if (!*path) {
        return TRUE;
    }
    g_autoptr(StageLabels) labels = stage_labels_read(path, error);
    if (!labels) {
        g_prefix_error(error, "evaluate.stages: ");
        return FALSE;
    }
    for (guint i = 0; i < run->slides->len; i++) {
        SlideStage slide = slide_stage_find(labels, ((const SlideEntry *)run->slides->pdata[i])->id);
        gboolean found = slide.patient != NULL;
        g_free(slide.patient);
        if (found) {
            return TRUE;
        }
    }
    return wsi_error_input(
        error,
        "evaluate.stages (%s) has none of the run's %u slides: a slide whose id is PATIENT_node_N is the row "
        "PATIENT_node_N.tif, or a node of the row PATIENT.zip%s%s",
        path, run->slides->len, run->slides->len > 0 ? "; the first slide has the id " : "",
        run->slides->len > 0 ? ((const SlideEntry *)run->slides->pdata[0])->id : "");
}

/* A folder without annotations may be a share that is not mounted: then lesions would be trained on as normal tissue. */
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
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "slides.annotations (%s) has no annotation for any of the %u slides, so with "
                "slides.unannotated: normal %d would count as normal. Is this the right folder, and is it "
                "mounted? If no slide has lesions, remove slides.annotations",
                config->slides_annotations, run->slides->len, assumed);
    return FALSE;
}

gboolean plan_check(const Run *run, const char *last, GError **error)
{
    if (!check_inputs(run, last, error) || !check_annotations(run, error) ||
        (!last && !check_stages(run, error))) {
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
    g_set_error(
        error, WSI_ERROR, WSI_ERROR_INPUT,
        "%s: of %d slides %d are unknown (they have no annotation, although annotations are given or found) "
        "and none is in the train split. If slides without annotation have no lesions, set "
        "slides.unannotated: normal or the manifest's column label; the column split sets the splits%s",
        trains ? "no slide to train on" : "no slide to cut patches from", slides, unknown,
        trains ? "; to score with an existing model, set score.model" : "");
    return FALSE;
}
