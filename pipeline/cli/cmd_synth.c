/* synth: a synthetic cohort to try wsiflow with. */
#include "base/pool.h"
#include "base/writable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cohort/synth_cohort.h"
#include "pipeline/run/exit_codes.h"

static int synth(int argc, char **argv, GError **error)
{
    g_autofree char *output = NULL;
    SynthCohort cohort = synth_cohort_default;
    int code;
    GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "folder to write to", "DIR"},
        {"slides", 'n', 0, G_OPTION_ARG_INT, &cohort.slides, "number of slides (default 6)", "N"},
        {"lesions", 'l', 0, G_OPTION_ARG_INT, &cohort.with_lesions,
         "number of slides with lesions (default 2)", "N"},
        {"width", 0, 0, G_OPTION_ARG_INT, &cohort.width, "width of a slide (default 12288)", "PX"},
        {"height", 0, 0, G_OPTION_ARG_INT, &cohort.height, "height of a slide (default 9216)", "PX"},
        {"seed", 's', 0, G_OPTION_ARG_INT, &cohort.seed, "seed of the random numbers (default 1)", "N"},
        {"artefacts", 0, 0, G_OPTION_ARG_INT, &cohort.artefacts,
         "pen strokes over the tissue of each slide, and as many folds (default 0)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_synth, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!output || argc > 1) {
        return command_misused(error,
                               argc > 1 ? "unexpected argument %s" : "an output folder is required: -o DIR%s",
                               argc > 1 ? argv[1] : "");
    }
    if (cohort.with_lesions > cohort.slides) {
        return command_misused(error, "--lesions is %d, but there are only %d slides (--slides)",
                               cohort.with_lesions, cohort.slides);
    }
    return writable_folder(output, NULL, error) &&
                   synth_cohort_write(output, &cohort, pool_processors(), error)
               ? EXIT_DONE
               : EXIT_FAILED;
}

const Command command_synth = {"synth", "-o DIR", "write a synthetic cohort: slides, annotations, manifest",
                               NULL, synth};
