/* The commands, and what they share. */
#include "pipeline/cli/command.h"
#include "base/error.h"
#include "base/nearest.h"
#include "pipeline/cli/options.h"
#include "pipeline/run/exit_codes.h"
#include <stdio.h>
#include <string.h>

const Command commands[] = {
    {"run", "-c CONFIG.yaml [-o DIR] [-j WORKERS] [--dry-run]",
     "do all that a configuration asks for; resume what was interrupted",
     "Exit codes: 0 done, 1 failed, 2 usage, 3 finished but some slides failed, 130 interrupted.",
     command_run},
    {"dataset", "-c CONFIG.yaml [-o DIR] [-j WORKERS] [--dry-run] | --verify DIR [--sample N]",
     "only the patch set: tissue, grid, masks, patches, manifest; or check one", NULL, command_dataset},
    {"status", "DIR [--json]", "what is done, running and failed in a run, and why", NULL, command_status},
    {"retry", "DIR [--slide SLIDE]", "let failed jobs be tried again by the next run", NULL, command_retry},
    {"slide", "FILE... [--json]", "what wsiflow sees of slides: size, levels, resolution, tissue", NULL,
     command_slide},
    {"train", "-c CONFIG.yaml [--patches DIR] -o MODEL", "train a model on DIR/train/good", NULL,
     command_train},
    {"score", "-m MODEL (--patches DIR | SLIDE...) -o OUT",
     "score patches (to a CSV file) or slides (to a folder)",
     "With --patches OUT is a CSV file with file,label,score and further scores; label 0 for folders named "
     "good, 1 for others.\n"
     "With slides OUT is a folder that gets SLIDE/scores.csv, scoremap.npy and the heatmap files.",
     command_score},
    {"heatmap", "MAP.npy --slide SLIDE -o DIR", "heatmap files from a score map", NULL, command_heatmap},
    {"mask", "ANNOTATION (--slide SLIDE | --size WxH --mpp UM) -o MASK.tif",
     "lesion mask of an annotation at the slide's full resolution",
     "0 = not lesion, 1 = lesion. Prints the area of each label.", command_mask},
    {"annotation", "convert IN -o OUT.(xml|geojson) [--slide SLIDE | --size WxH]",
     "convert an annotation or a label mask to ASAP XML or GeoJSON",
     "IN is in any dialect that is read, or a label mask, TIFF or PNG (0 nothing; 1 and 255 lesion; others "
     "by "
     "--groups).",
     command_annotation},
    {"sample", "MODEL -n N -o DIR", "draw feature maps from a model, and prove that its flow is invertible",
     "DIR gets scale1.npy, scale2.npy and scale3.npy, (sample, row, column, channel): what the flows see, "
     "standardised features behind the pyramid, not images; and samples.csv with the log-likelihoods "
     "(nats).\n"
     "A round trip whose largest difference, relative to the largest value, is above the tolerance fails.",
     command_sample},
    {"evaluate", "SCORES.csv... [--json]", "AUROC, average precision, best F1 of scored patches", NULL,
     command_evaluate},
    {"synth", "-o DIR", "write a synthetic cohort: slides, annotations, manifest", NULL, command_synth},
    {"config", "[CONFIG.yaml]", "print all keys with their values and meaning (of a file, or the defaults)",
     NULL, command_config},
    {"doctor", "[DIR]", "check libraries, processor, disk and a folder of slides", NULL, command_doctor},
    {"worker", "", NULL, NULL, command_worker}, /* started by run */
    {NULL, NULL, NULL, NULL, NULL},
};

const Command *command_find(const char *name)
{
    for (const Command *command = commands; command->name; command++) {
        if (g_str_equal(command->name, name)) {
            return command;
        }
    }
    return NULL;
}

const char *command_nearest(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const Command *command = commands; command->name; command++) {
        if (command->summary) {
            g_ptr_array_add(names, (char *)command->name);
        }
    }
    g_ptr_array_add(names, NULL);
    return nearest_name(name, (const char *const *)names->pdata);
}

int command_misused(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, WSI_ERROR, WSI_ERROR_INPUT, text);
    return EXIT_USAGE;
}

/* The entries of a command with --help behind them. */
static GOptionEntry *with_help(const GOptionEntry *entries, gboolean *help)
{
    const GOptionEntry own = {"help", 'h', 0, G_OPTION_ARG_NONE, help, "show this text", NULL};
    guint n = 0;
    while (entries[n].long_name) {
        n++;
    }
    GOptionEntry *all = g_new0(GOptionEntry, n + 2);
    memcpy(all, entries, n * sizeof *entries);
    all[n] = own;
    return all;
}

gboolean command_options(const char *name, GOptionEntry *entries, int *argc, char ***argv, int *code,
                         GError **error)
{
    const Command *command = command_find(name);
    gboolean help = FALSE;
    g_autofree GOptionEntry *all = with_help(entries, &help);
    *code = EXIT_USAGE;
    if (!options_parse(all, argc, argv, error)) {
        g_prefix_error(error, "usage: wsiflow %s %s: ", command->name, command->arguments);
        return FALSE;
    }
    if (help) {
        g_autofree char *options = options_help(all);
        printf("usage: wsiflow %s %s\n%s\n%s%s%s", command->name, command->arguments, command->summary,
               options, command->details ? command->details : "", command->details ? "\n" : "");
        *code = EXIT_DONE;
        return FALSE;
    }
    return TRUE;
}
