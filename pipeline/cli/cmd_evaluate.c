/* evaluate: metrics of tables of scores. */
#include "base/error.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/options.h"
#include "pipeline/report/evaluation.h"
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

static int show_metrics(json_t *metrics, gboolean as_json)
{
    if (as_json) {
        json_print(metrics);
        return EXIT_DONE;
    }
    g_autofree char *text = evaluation_text(metrics);
    fputs(text, stdout);
    json_decref(metrics);
    return EXIT_DONE;
}

static int evaluate(int argc, char **argv, GError **error)
{
    g_autofree char *column = g_strdup("score"), *labels = NULL, *model = NULL;
    Calibration calibration;
    Threshold thresholds[] = {{"calibrated", NAN, NULL, NULL}, {"given", NAN, NULL, NULL}};
    gboolean json = FALSE;
    int code;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL},
        {"score", 's', 0, G_OPTION_ARG_STRING, &column, "column to evaluate (default: score)", "NAME"},
        {"labels", 'l', 0, G_OPTION_ARG_FILENAME, &labels,
         "CSV with the columns file and near_blank: adds metrics without near-blank tiles", "FILE"},
        {"threshold", 't', 0, G_OPTION_ARG_DOUBLE, &thresholds[1].value, "adds metrics at this threshold",
         "VALUE"},
        {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model,
         "adds metrics at the threshold of this model's calibration (column score)", "MODEL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_evaluate, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc < 2) {
        return command_misused(error, "a table of scores is required: wsiflow evaluate SCORES.csv");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    if (model && !g_str_equal(column, "score")) {
        return command_misused(error, "--model: its threshold applies to the column score, not to %s",
                               column);
    }
    g_autoptr(ScoreTable) table = score_table_read((const char *const *)argv + 1, column, labels, error);
    if (!table || (model && !evaluation_model_threshold(model, &calibration, &thresholds[0], error))) {
        return EXIT_FAILED;
    }
    if (!has_scores(table)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "none of the %d rows has a value in the column %s",
                    table->n, column);
        return EXIT_FAILED;
    }
    return show_metrics(evaluation_json(table, thresholds, G_N_ELEMENTS(thresholds)), json);
}

const Command command_evaluate = {"evaluate", "SCORES.csv... [--json]",
                                  "compute AUROC, average precision and best F1 of scored patches", NULL,
                                  evaluate};
