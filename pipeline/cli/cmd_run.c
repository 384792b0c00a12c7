/* run, dataset: what a configuration asks for, or only its patch set. */
#include "base/pool.h"
#include "base/writable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/config/config.h"
#include "pipeline/patchset/verify.h"
#include "pipeline/run/run_results.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/runner.h"
#include "pipeline/training/model_config.h"
#include "pipeline/training/model_recipe.h"
#include "tiler/draw/canvas.h"
#include <signal.h>
#include <string.h>

static int verify(const char *folder, int sample, GError **error)
{
    int differ = 0;
    return verify_dataset(folder, sample, pool_processors(), &differ, error) && differ == 0 ? EXIT_DONE
                                                                                            : EXIT_FAILED;
}

/* The options of run and dataset. */
typedef struct {
    char *config, *folder, *verified;
    int workers, patience, sample; /* sample: -1 = not given */
    gboolean dry;
} Given;

static void given_clear(Given *given)
{
    g_free(given->config);
    g_free(given->folder);
    g_free(given->verified);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Given, given_clear)

/* Reads options and arguments; FALSE with *code when there is nothing more to do. */
static gboolean read_given(const Command *command, gboolean verifies, Given *given, int argc, char **argv,
                           int *code, GError **error)
{
    GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &given->config,
         "the configuration (wsiflow config lists all keys)", "CONFIG.yaml"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &given->folder,
         "folder of the run (default: the configuration's name without .yaml)", "DIR"},
        {"workers", 'j', 0, G_OPTION_ARG_INT, &given->workers,
         "worker processes (default: one per processor)", "N"},
        {"patience", 0, 0, G_OPTION_ARG_INT, &given->patience,
         "how long to retry after faults of the system, such as an unmounted share or a full disk (default "
         "60)",
         "MINUTES"},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &given->dry,
         "only print the summary of the cohort, the jobs and the disk space they need; write nothing", NULL},
        {"verify", 0, 0, G_OPTION_ARG_FILENAME, &given->verified,
         "instead of a run: check the patch set of the run in DIR against its manifest and its slides",
         "DIR"},
        {"sample", 0, 0, G_OPTION_ARG_INT, &given->sample,
         "with --verify: number of tiles to cut again (default 20)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!verifies) { /* only of `dataset` */
        entries[G_N_ELEMENTS(entries) - 3] = entries[G_N_ELEMENTS(entries) - 1];
    }
    if (!command_options(command, entries, &argc, &argv, code, error)) {
        return FALSE;
    }
    if (!given->config && argc == 2) { /* run x.yaml */
        given->config = g_strdup(argv[1]);
        argc = 1;
    }
    *code = EXIT_USAGE;
    if (argc > 1) {
        command_misused(error, "unexpected argument %s", argv[1]);
    } else if (given->verified && (given->config || given->folder || given->workers || given->dry)) {
        command_misused(error, "--verify allows no other option than --sample");
    } else if (given->sample >= 0 && !given->verified) {
        command_misused(error, "--sample requires --verify DIR");
    } else if (!given->config && !given->verified) {
        command_misused(error, "a configuration is required: -c CONFIG.yaml");
    } else {
        return TRUE;
    }
    return FALSE;
}

/* A run that scores slides ends in pages about them. */
static gboolean check_pages(const Config *config, GError **error)
{
    gboolean slides = *config->slides_folder || *config->slides_manifest,
             scored =
                 (config->train_run || *config->score_model) && !g_str_equal(config->score_slides, "none");
    return !slides || !scored || canvas_check(error);
}

static int run_config(Given *given, const char *last, GError **error)
{
    g_autoptr(Config) config = config_read(given->config, error);
    if (!config || !model_recipe_check_run(config, error) || !model_config_check(config, error) ||
        (!last && (!model_config_check_training(config, error) || !check_pages(config, error)))) {
        return EXIT_FAILED;
    }
    if (!given->folder) {
        given->folder = g_path_get_basename(given->config);
        char *dot = strrchr(given->folder, '.');
        *(dot && dot != given->folder ? dot : given->folder + strlen(given->folder)) = 0;
    }
    if (!run_folder_check(given->folder, given->config, config, error) ||
        !writable_folder(given->folder, NULL, error)) {
        return EXIT_FAILED;
    }
    if (given->dry) {
        return runner_dry_run(config, given->folder, last, error);
    }
    const RunnerOptions options = {.workers = given->workers, .patience = given->patience * 60, .last = last};
    int code = runner_run(config, given->folder, &options, error);
    gboolean ended =
        code == EXIT_DONE || code == EXIT_PARTIAL ||
        (code == EXIT_FAILED && !*error); /* a job of the cohort failed: some results are there */
    return ended && !run_results_print(given->folder, error) ? EXIT_FAILED : code;
}

static int run_to(const Command *command, const char *last, int argc, char **argv, GError **error)
{
    signal(SIGPIPE, SIG_IGN); /* a run continues when its output is a closed pipe */
    g_auto(Given) given = {.patience = 60, .sample = -1};
    int code;
    if (!read_given(command, last != NULL, &given, argc, argv, &code, error)) {
        return code;
    }
    return given.verified ? verify(given.verified, given.sample >= 0 ? given.sample : 20, error)
                          : run_config(&given, last, error);
}

static int run(int argc, char **argv, GError **error)
{
    return run_to(&command_run, NULL, argc, argv, error);
}

static int dataset(int argc, char **argv, GError **error)
{
    return run_to(&command_dataset, "dataset", argc, argv, error);
}

const Command command_run = {
    "run", "-c CONFIG.yaml [-o DIR] [-j WORKERS] [--dry-run]",
    "do everything that a configuration asks for; resume an interrupted run",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 finished but some slides failed, 130 interrupted.", run};

const Command command_dataset = {
    "dataset", "-c CONFIG.yaml [-o DIR] [-j WORKERS] [--dry-run] | --verify DIR [--sample N]",
    "make only the patch set: tissue, grid, masks, patches, manifest; or verify one", NULL, dataset};
