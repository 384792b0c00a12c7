/* Writing configurations: the text that a run stores and the hashes of its stages.
 *
 * Every value reads back the same: texts are quoted (yamlfile.h), and "${" is written as "$${", because the reader replaces environment
 * variables. */
#include "pipeline/config/config.h"
#include "pipeline/config/config_keys.h"
#include "base/durable.h"
#include "pipeline/config/yamlfile.h"
#include <string.h>

enum { SIMPLE_KEY = 1000 }; /* a longer key of a mapping needs YAML's form "? KEY : VALUE" */

static char *text_text(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "${", -1);
    g_autofree char *escaped = g_strjoinv("$${", parts);
    return yamlfile_quoted(escaped);
}

static char *groups_text(const GPtrArray *groups)
{
    GString *out = g_string_new("{");
    for (guint i = 0; i < groups->len; i++) {
        const GroupName *group = groups->pdata[i];
        g_autofree char *name = yamlfile_quoted(group->name);
        gboolean is_long = strlen(name) > SIMPLE_KEY;
        g_string_append_printf(out, "%s%s%s%s: %s", i ? ", " : "", is_long ? "? " : "", name,
                               is_long ? " " : "", group->kind);
    }
    return g_string_free(g_string_append_c(out, '}'), FALSE);
}

static char *value_text(const Config *config, const ConfigKey *key)
{
    const void *from = config_member(config, key);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    const int *three = from;
    switch (key->kind) {
    case KEY_INT:
        return g_strdup_printf("%d", *(const int *)from);
    case KEY_NUMBER:
        return g_strdup(g_ascii_formatd(number, sizeof number, "%.12g", *(const double *)from));
    case KEY_BOOL:
        return g_strdup(*(const gboolean *)from ? "true" : "false");
    case KEY_INT3:
        return g_strdup_printf("[%d, %d, %d]", three[0], three[1], three[2]);
    case KEY_CHOICE:
        return g_strdup(*(char *const *)from);
    case KEY_GROUPS:
        return groups_text(*(GPtrArray *const *)from);
    case KEY_WORDS:
    case KEY_TEXT:
    case KEY_PATH:
        break;
    }
    return text_text(*(char *const *)from);
}

/* Whether a key about how tiles are made was not given.  A model and a patch set store these values, and given keys must agree with them; a
 * default was not given, so it contradicts nothing. */
static gboolean is_unsaid(const Config *config, const ConfigKey *key)
{
    static const char *const recipe[] = {"size", "mpp", "filter", "icc", "stain", "stain_target", NULL};
    return g_str_equal(key->section, "tiles") && g_strv_contains(recipe, key->key) &&
           !config_given(config, key->section, key->key);
}

/* Whether a key is about training, which a run with the model of another training does not do. */
static gboolean is_idle(const Config *config, const ConfigKey *key)
{
    static const char *const sections[] = {"model", "train", "loss", "augment", "threshold", NULL};
    return *config->score_model && g_strv_contains(sections, key->section) &&
           !config_given(config, key->section, key->key);
}

char *config_text(const Config *config, gboolean comments)
{
    GString *out = g_string_new(NULL);
    const char *section = "";
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (!g_str_equal(section, key->section)) {
            section = key->section;
            if (comments) {
                g_string_append_printf(out, "%s# %s\n", out->len ? "\n" : "",
                                       config_section_comment(section));
            }
            g_string_append_printf(out, "%s:\n", section);
        }
        g_autofree char *value = value_text(config, key);
        if (comments) {
            g_string_append_printf(out, "  # %s", key->comment);
            g_autofree char *range = config_range(key);
            if (range) {
                g_string_append_printf(out, " (%s)", range);
            }
            g_string_append_c(out, '\n');
        }
        gboolean unsaid = !comments && (is_unsaid(config, key) || is_idle(config, key));
        g_string_append_printf(out, "  %s%s: %s%s\n", unsaid ? "# " : "", key->key, value,
                               unsaid ? " (not given)" : "");
    }
    return g_string_free(out, FALSE);
}

void config_hash(const Config *config, const char *what, char sha256[65])
{
    g_auto(GStrv) wanted = g_strsplit(what, " ", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    for (const ConfigKey *key = config_keys; key->section; key++) {
        g_autofree char *full = g_strdup_printf("%s.%s", key->section, key->key);
        if (g_strv_contains((const char *const *)wanted, key->section) ||
            g_strv_contains((const char *const *)wanted, full)) {
            g_autofree char *value = value_text(config, key);
            /* For patches, a key that is not given may be unknown. */
            gboolean unsaid = *config->patches_folder && is_unsaid(config, key);
            g_string_append_printf(text, "%s=%s%s\n", full, value, unsaid ? " (not given)" : "");
        }
    }
    durable_hash_bytes(text->str, text->len, sha256);
}
