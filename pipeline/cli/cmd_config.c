/* config: all keys of the configuration. */
#include "pipeline/cli/commands.h"
#include "pipeline/config/config.h"
#include "pipeline/run/exit_codes.h"
#include <stdio.h>

static int config(int argc, char **argv, GError **error)
{
    int code;
    GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_config, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc > 2) {
        return command_misused(error, "unexpected argument %s", argv[2]);
    }
    g_autoptr(Config) config = argc > 1 ? config_read(argv[1], error) : config_default();
    if (!config) {
        return EXIT_FAILED;
    }
    g_autofree char *text = config_text(config, TRUE);
    fputs(text, stdout);
    return EXIT_DONE;
}

const Command command_config = {"config", "[CONFIG.yaml]",
                                "print all keys with their values and meanings (of a file, or the defaults)",
                                NULL, config};
