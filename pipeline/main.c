/* wsiflow: the program.  `wsiflow COMMAND`, each command in the table of command.c. */
#include "pipeline/command.h"
#include "base/pool.h"
#include "pipeline/runner.h"
#include "pipeline/versions.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void print_help(void)
{
    puts("wsiflow: tissue, tiles, patch sets, anomaly models and heatmaps for archives of whole-slide "
         "images\n\n"
         "usage: wsiflow COMMAND [OPTION...]\n");
    for (const Command *command = commands; command->name; command++) {
        if (command->summary) {
            printf("  %-11s %s\n", command->name, command->summary);
        }
    }
    printf("\nwsiflow COMMAND --help tells more; wsiflow --version tells versions.\n%s\n", research_use_only);
}

static void print_version(void)
{
    g_autofree char *versions = versions_text();
    printf("%s\nprocessors: %d\n%s\n", versions, pool_processors(), research_use_only);
}

/* Messages of libraries that use GLib's log: one plain line each; debug and info only when asked for. */
static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
    if (level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO) && !g_getenv("WSIFLOW_VERBOSE")) {
        return G_LOG_WRITER_HANDLED;
    }
    for (gsize i = 0; i < count; i++) {
        if (g_str_equal(fields[i].key, "MESSAGE")) {
            fprintf(stderr, "wsiflow: %s\n", (const char *)fields[i].value);
        }
    }
    return G_LOG_WRITER_HANDLED;
}

/* A large patch set has more shards than the usual 1024 files that may be open.  Nothing here uses select(), which could not have more. */
static void allow_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    allow_open_files();
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    g_log_set_writer_func(write_log, NULL, NULL);
    if (argc < 2) {
        print_help();
        return EXIT_USAGE;
    }
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "help")) {
        print_help();
        return EXIT_DONE;
    }
    if (g_str_equal(argv[1], "--version")) {
        print_version();
        return EXIT_DONE;
    }
    const Command *command = command_find(argv[1]);
    if (!command) {
        fprintf(stderr, "wsiflow: there is no command \"%s\"; wsiflow --help lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    g_autoptr(GError) error = NULL;
    int code = command->run(argc - 1, argv + 1, &error);
    if (error) {
        fprintf(stderr, "wsiflow %s: %s\n", command->name, error->message);
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    return code;
}
