/* evaluate: metrics of tables of scores, of detections, of score maps, and of patient stages. */
#include "base/error.h"
#include "pipeline/cli/annotation_options.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/options.h"
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/evaluation/lesion_evaluation.h"
#include "pipeline/evaluation/pixel_evaluation.h"
#include "pipeline/evaluation/stage_agreement.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/scoring/score_table.h"
#include "pipeline/write/json.h"
#include <math.h>
#include <stdio.h>

static gboolean has_scores(const ScoreTable *table)
{
    for (int i = 0; i < table->n; i++) {
        if (!isnan(table->score[i])) {
            return TRUE;
        }
    }
    return FALSE;
}

typedef struct {
    gboolean json;
    char *column, *labels, *model;
    double threshold;
    char *detections, *annotations;
    double mpp;
    AnnotationOptions groups; /* only group, groups_text and field are options of this command */
    char *maps, *masks;
    char *stages;
} EvaluateOptions;

static void evaluate_options_clear(EvaluateOptions *options)
{
    char **texts[] = {&options->column,      &options->labels, &options->model, &options->detections,
                      &options->annotations, &options->maps,   &options->masks, &options->stages};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(*texts[i]);
    }
    annotation_options_clear(&options->groups);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EvaluateOptions, evaluate_options_clear)

/* Prints metrics and takes over the reference; NULL: an error was set. */
static int show(json_t *metrics, char *(*as_text)(const json_t *metrics), gboolean as_json)
{
    if (!metrics) {
        return EXIT_FAILED;
    }
    if (as_json) {
        json_print(metrics);
        return EXIT_DONE;
    }
    g_autofree char *text = as_text(metrics);
    fputs(text, stdout);
    json_decref(metrics);
    return EXIT_DONE;
}

static int evaluate_tables(int argc, char **argv, const EvaluateOptions *options, GError **error)
{
    Calibration calibration;
    Threshold thresholds[] = {{"calibrated", NAN, NULL, NULL}, {"given", options->threshold, NULL, NULL}};
    if (argc < 2) {
        return command_misused(error, "a table of scores is required: wsiflow evaluate SCORES.csv");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    if (options->model && !g_str_equal(options->column, "score")) {
        return command_misused(error, "--model: its threshold applies to the column score, not to %s",
                               options->column);
    }
    g_autoptr(ScoreTable) table =
        score_table_read((const char *const *)argv + 1, options->column, options->labels, error);
    if (!table || (options->model &&
                   !evaluation_model_threshold(options->model, &calibration, &thresholds[0], error))) {
        return EXIT_FAILED;
    }
    if (!has_scores(table)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "none of the %d rows has a value in the column %s",
                    table->n, options->column);
        return EXIT_FAILED;
    }
    return show(evaluation_json(table, thresholds, G_N_ELEMENTS(thresholds)), evaluation_text, options->json);
}

static int evaluate_detections(int argc, char **argv, EvaluateOptions *options, GError **error)
{
    if (argc != 1 || !options->detections || !options->annotations || options->mpp <= 0) {
        return command_misused(error,
                               "lesions need --detections DIR, --annotations DIR and --mpp UM (um/px of "
                               "level 0), and no table of scores");
    }
    if (!annotation_options_groups(&options->groups, error)) {
        return EXIT_USAGE;
    }
    LesionEvaluation spec = {options->detections, options->annotations, options->groups.groups,
                             options->groups.field, options->mpp};
    return show(lesion_evaluation(&spec, error), lesion_evaluation_text, options->json);
}

static int evaluate_maps(int argc, char **argv, EvaluateOptions *options, GError **error)
{
    if (argc != 1 || !options->maps || !options->masks) {
        return command_misused(error, "pixels need --maps DIR and --masks DIR, and no table of scores");
    }
    return show(pixel_evaluation(options->maps, options->masks, error), pixel_evaluation_text, options->json);
}

static int evaluate_stages(int argc, char **argv, EvaluateOptions *options, GError **error)
{
    if (argc != 2) {
        return command_misused(error,
                               "stages need one table: wsiflow evaluate --stages REFERENCE.csv STAGES.csv");
    }
    return show(stage_agreement(options->stages, argv[1], error), stage_agreement_text, options->json);
}

static int evaluate(int argc, char **argv, GError **error)
{
    g_auto(EvaluateOptions) o = {.column = g_strdup("score"), .threshold = NAN};
    int code;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "print JSON", NULL},
        {"score", 's', 0, G_OPTION_ARG_STRING, &o.column, "column to evaluate (default: score)", "NAME"},
        {"labels", 'l', 0, G_OPTION_ARG_FILENAME, &o.labels,
         "CSV with the columns file and near_blank: adds metrics without near-blank tiles", "FILE"},
        {"threshold", 't', 0, G_OPTION_ARG_DOUBLE, &o.threshold, "adds metrics at this threshold", "VALUE"},
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
         "adds metrics at the threshold of this model's calibration (column score)", "MODEL"},
        {"detections", 0, 0, G_OPTION_ARG_FILENAME, &o.detections,
         "FROC: folder of NAME.csv with confidence,x,y in px of level 0, one for each slide", "DIR"},
        {"annotations", 0, 0, G_OPTION_ARG_FILENAME, &o.annotations,
         "FROC: folder of the annotations of those slides; a slide without one is normal", "DIR"},
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &o.mpp, "FROC: um/px of level 0", "UM"},
        {"group", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.groups.group,
         "FROC: what a group of the annotations means, as in wsiflow mask; may be repeated", "NAME=KIND"},
        {"maps", 0, 0, G_OPTION_ARG_FILENAME, &o.maps, "pixels: folder of score maps, NAME.npy", "DIR"},
        {"masks", 0, 0, G_OPTION_ARG_FILENAME, &o.masks,
         "pixels: folder of label masks of the same names and sizes (.png, .tif); without one a map is "
         "normal",
         "DIR"},
        {"stages", 0, 0, G_OPTION_ARG_FILENAME, &o.stages,
         "Camelyon17: the reference that a table of patient stages is compared with", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_evaluate, entries, &argc, &argv, &code, error)) {
        return code;
    }
    int kinds = (o.detections || o.annotations) + (o.maps || o.masks) + (o.stages != NULL);
    if (kinds > 1) {
        return command_misused(error, "--detections, --maps and --stages exclude one another");
    }
    return o.detections || o.annotations ? evaluate_detections(argc, argv, &o, error)
           : o.maps || o.masks           ? evaluate_maps(argc, argv, &o, error)
           : o.stages                    ? evaluate_stages(argc, argv, &o, error)
                                         : evaluate_tables(argc, argv, &o, error);
}

const Command command_evaluate = {
    "evaluate", "(SCORES.csv... | --detections DIR | --maps DIR | --stages FILE) [--json]",
    "compute AUROC, average precision and best F1 of scored patches",
    "Instead of tables of scores: lesions (--detections), pixels (--maps) or patient stages (--stages).",
    evaluate};
