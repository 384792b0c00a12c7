/* What every command does: parse its options, and print its help. */
#include "pipeline/cli/command.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/cli/options.h"
#include "pipeline/run/exit_codes.h"
#include <stdio.h>
#include <string.h>

int command_misused(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, WSI_ERROR, WSI_ERROR_INPUT, text);
    return EXIT_USAGE;
}

/* The entries of a command, followed by --help. */
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

gboolean command_options(const Command *command, GOptionEntry *entries, int *argc, char ***argv, int *code,
                         GError **error)
{
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

gboolean command_remove_former(const Command *command, const char *folder, const char *const *names,
                               GError **error)
{
    g_autoptr(GString) removed = g_string_new(NULL);
    for (; *names; names++) {
        g_autofree char *path = g_build_filename(folder, *names, NULL);
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            if (!durable_remove(path, error)) {
                return FALSE;
            }
            g_string_append_printf(removed, "%s%s", removed->len > 0 ? ", " : "", *names);
        }
    }
    if (removed->len > 0) {
        fprintf(stderr, "wsiflow %s: removed from %s, being of an earlier call: %s\n", command->name, folder,
                removed->str);
    }
    return TRUE;
}

Config *command_config_or_default(const char *path, GError **error)
{
    return path ? config_read(path, error) : config_default();
}
