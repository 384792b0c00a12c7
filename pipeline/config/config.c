/* Configurations in memory: the defaults, and what the file itself gives. */
#include "pipeline/config/config.h"
#include "pipeline/config/config_value.h"
#include <string.h>

static void set_default(Config *config, const ConfigKey *key)
{
    KeyLocation at_key = {"", key, 0};
    g_autoptr(GError) bug = NULL;
    gboolean ok;
    if (key->kind == KEY_GROUPS) {
        *(GPtrArray **)config_member(config, key) = groups_new();
    }
    if (key->kind == KEY_INT3) {
        g_autofree char *inside = g_strndup(key->normal + 1, strlen(key->normal) - 2);
        g_auto(GStrv) list = g_strsplit(inside, ", ", -1);
        ok = config_value_set_int3(config, &at_key, list, g_strv_length(list), &bug);
    } else {
        ok = config_value_set(config, &at_key, key->normal, &bug);
    }
    if (!ok) {
        g_error("default of %s.%s: %s", key->section, key->key, bug->message);
    }
}

Config *config_default(void)
{
    Config *config = g_new0(Config, 1);
    config->path = g_strdup("");
    config->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (const ConfigKey *key = config_keys; key->section; key++) {
        set_default(config, key);
    }
    return config;
}

void config_free(Config *config)
{
    if (!config) {
        return;
    }
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (key->kind == KEY_TEXT || key->kind == KEY_PATH || key->kind == KEY_CHOICE ||
            key->kind == KEY_WORDS) {
            g_free(*(char **)config_member(config, key));
        } else if (key->kind == KEY_GROUPS) {
            g_ptr_array_unref(*(GPtrArray **)config_member(config, key));
        }
    }
    g_free(config->path);
    g_hash_table_unref(config->given);
    g_free(config);
}

gboolean config_given(const Config *config, const char *section, const char *key)
{
    g_autofree char *name = g_strdup_printf("%s.%s", section, key);
    return g_hash_table_contains(config->given, name);
}

void config_forget_mpp(Config *config)
{
    if (!config_given(config, "tiles", "mpp")) {
        config->tiles_mpp = 0;
    }
}

void config_use_patches(Config *config, const char *folder)
{
    g_free(config->patches_folder);
    config->patches_folder = g_strdup(folder);
    config_forget_mpp(config);
}
