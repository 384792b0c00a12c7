/* wsiflow: the program.  `wsiflow COMMAND`, with the commands of command_table.c. */
#include "pipeline/cli/command_table.h"
#include "base/pool.h"
#include "pipeline/write/terminal.h"
#include "pipeline/write/versions.h"
#include "pipeline/run/exit_codes.h"
#include <errno.h>
#include <fcntl.h>
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
    for (const Command *const *command = commands; *command; command++) {
        if ((*command)->summary) {
            printf("  %-11s %s\n", (*command)->name, (*command)->summary);
        }
    }
    printf("\nwsiflow COMMAND --help describes a command; wsiflow --version prints the versions.\n%s\n",
           research_use_only);
}

static void print_version(void)
{
    g_autofree char *versions = versions_text();
    printf("%s\nprocessors: %d\n%s\n", versions, pool_processors(), research_use_only);
}

/* Messages of libraries that use GLib's log: one plain line each; debug and info messages only with WSIFLOW_VERBOSE. */
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

/* A large patch set has more shards than the usual limit of 1024 open files.  Nothing here uses select(), which cannot handle more. */
static void allow_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A program may be started with closed standard streams.  Then the first file that it opens would become its standard output, and printed text
 * would end up in it.  The stand-in for an output stream is not writable, so that printing fails. */
static void fill_standard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int stand_in = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
            g_assert(stand_in < 0 || stand_in == fd);
        }
    }
}

/* Checks that everything printed was written; returns the exit code. */
static int flush_output(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    fprintf(stderr, "wsiflow: standard output: %s\n",
            errno ? g_strerror(errno) : "not everything could be written");
    return code == EXIT_DONE || code == EXIT_PARTIAL ? EXIT_FAILED : code;
}

static int run_command(int argc, char **argv)
{
    const Command *command = command_table_find(argv[1]);
    if (!command) {
        const char *near = command_table_nearest(argv[1]);
        fprintf(stderr, "wsiflow: unknown command \"%s\"%s%s%s; wsiflow --help lists the commands\n", argv[1],
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return EXIT_USAGE;
    }
    g_autoptr(GError) error = NULL;
    int code = command->run(argc - 1, argv + 1, &error);
    if (error) { /* it may contain file names: they must not control the terminal or break the line */
        g_autofree char *message = terminal_cut(error->message, G_MAXINT);
        fprintf(stderr, "wsiflow %s: %s\n", command->name, message);
        return code == EXIT_DONE ? EXIT_FAILED : code;
    }
    return code;
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    allow_open_files();
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    g_log_set_writer_func(write_log, NULL, NULL);
    if (argc < 2) {
        print_help();
        return flush_output(EXIT_USAGE);
    }
    gboolean help = g_str_equal(argv[1], "help") && argc > 2;
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
        (g_str_equal(argv[1], "help") && !help)) {
        print_help();
        return flush_output(EXIT_DONE);
    }
    if (g_str_equal(argv[1], "--version")) {
        print_version();
        return flush_output(EXIT_DONE);
    }
    if (help) { /* wsiflow help COMMAND */
        argv[1] = argv[2];
        argv[2] = "--help";
    }
    return flush_output(run_command(help ? 3 : argc, argv));
}
