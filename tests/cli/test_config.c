/* Configurations: what is written reads back the same for every text; what cannot be meant is refused, with what to write instead. */
#include "base/error.h"
#include "base/rng.h"
#include "pipeline/config/config_keys.h"
#include "pipeline/config/config.h"
#include "flows/extractors/extractor.h"
#include "pipeline/training/model_config.h"
#include "tiler/tissue/quality.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- round trips ---- */

/* Bytes that mean something to YAML, to the reader or to nobody. */
static const char *const pieces[] = {
    "a",
    "Z",
    "0",
    " ",
    "  ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\"",
    "'",
    "\\",
    "\\n",
    ":",
    ": ",
    " #",
    "#",
    "- ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a",
    "*a",
    "!",
    "!!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "~",
    "~/",
    "$",
    "${",
    "$${",
    "${A}",
    "---",
    "\n---\n",
    "...",
    "null",
    "true",
    "=",
    "<<",
    "1",
    ".",
    "/",
    "\x01",
    "\x07",
    "\x1b",
    "\x7f",
    "\xc2\x85",
    "\xc2\xa0",
    "\xc3\xa4",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xef\xbb\xbf",
    "\xef\xbf\xbe",
    "\xf0\x9f\x98\x80",
    "\xe4",
    "\xff",
    "\xc3",
};

static char *random_text(Rng *rng, guint most)
{
    GString *out = g_string_new(NULL);
    guint n = (guint)rng_below(rng, most + 1);
    for (guint i = 0; i < n; i++) {
        if (rng_below(rng, 4) == 0) {
            g_string_append_c(out, (char)(1 + rng_below(rng, 255))); /* any byte but NUL */
        } else {
            g_string_append(out, pieces[rng_below(rng, G_N_ELEMENTS(pieces))]);
        }
    }
    return g_string_free(out, FALSE);
}

static void take(char **at, char *text)
{
    g_free(*at);
    *at = text;
}

/* Every text of a configuration, and names of groups, take random values. */
static Config *random_config(Rng *rng)
{
    static const char *const kinds[] = {"lesion", "not", "roi", "ignore"};
    Config *config = config_default();
    for (const ConfigKey *key = config_keys; key->section; key++) {
        g_hash_table_add(config->given, g_strdup_printf("%s.%s", key->section, key->key));
        /* A text that must be a number, or empty or "auto". */
        gboolean number = g_str_equal(key->key, "threshold") || g_str_equal(key->section, "heatmap");
        if (key->kind == KEY_TEXT && !number) {
            take(config_member(config, key), random_text(rng, 12));
        } else if (key->kind == KEY_PATH) {
            g_autofree char *name = random_text(rng, 12);
            take(config_member(config, key), g_strconcat("/", name, NULL));
        }
    }
    for (int i = 0; i < 5; i++) {
        g_autofree char *name = random_text(rng, i == 4 ? 1200 : 8);
        groups_add(config->slides_groups, name, kinds[rng_below(rng, 4)],
                   NULL); /* a name that is there stays */
    }
    return config;
}

static void assert_same(const Config *a, const Config *b)
{
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (key->kind == KEY_TEXT || key->kind == KEY_PATH) {
            g_assert_cmpstr(*(char **)config_member(a, key), ==, *(char **)config_member(b, key));
        }
    }
    g_assert_cmpuint(a->slides_groups->len, ==, b->slides_groups->len);
    for (guint i = 0; i < a->slides_groups->len; i++) {
        const GroupName *p = a->slides_groups->pdata[i], *q = b->slides_groups->pdata[i];
        g_assert_cmpstr(p->name, ==, q->name);
        g_assert_true(p->kind == q->kind);
    }
}

static void test_round_trip(void)
{
    Rng rng = rng_at(1, rng_name("test-config"), 0);
    for (int round = 0; round < 600; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = random_config(&rng);
        g_autofree char *text = config_text(config, round & 1);
        g_autoptr(Config) again = config_parse(text, "/somewhere/config.yaml", &error);
        g_assert_no_error(error);
        assert_same(config, again);
        g_autofree char *twice = config_text(again, round & 1);
        g_assert_cmpstr(text, ==, twice);
        char one[65], two[65];
        config_hash(config, "slides run patches", one);
        config_hash(again, "slides run patches", two);
        g_assert_cmpstr(one, ==, two);
    }
}

/* ---- what is read ---- */

static Config *good(const char *text)
{
    g_autoptr(GError) error = NULL;
    Config *config = config_parse(text, "/here/c.yaml", &error);
    g_assert_no_error(error);
    return config;
}

static void test_nothing_is_the_defaults(void)
{
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "# all defaults\n",
                                        "---\n",
                                        "null\n",
                                        "run:\n",
                                        "run:\n  name:\n",
                                        "\xEF\xBB\xBF# with a mark\n",
                                        "run: {name: null}\ntrain: {epochs: }\n"};
    g_autoptr(Config) normal = config_default();
    g_autofree char *wanted = config_text(normal, FALSE);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(Config) config = good(texts[i]);
        g_autofree char *text = config_text(config, FALSE);
        g_assert_cmpstr(text, ==, wanted);
    }
}

static void assert_group(const Config *config, guint i, const char *name, const char *kind)
{
    const GroupName *group = config->slides_groups->pdata[i];
    g_assert_cmpstr(group->name, ==, name);
    g_assert_cmpstr(group->kind, ==, kind);
}

static void test_groups(void)
{
    g_autoptr(Config) config =
        good("slides:\n  groups:\n    Layer 1: lesion\n    \"Tumor: Positive\": not\n    a=b: roi\n"
             "    \"*\": ignore\n    7: lesion\n    '': ignore\n");
    static const char *const names[] = {"Layer 1", "Tumor: Positive", "a=b", "*", "7", ""};
    static const char *const kinds[] = {"lesion", "not", "roi", "ignore", "lesion", "ignore"};
    g_assert_cmpuint(config->slides_groups->len, ==, G_N_ELEMENTS(names));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        assert_group(config, i, names[i], kinds[i]);
    }
    g_autoptr(Config) old =
        good("slides: {groups: \"Carcinoma=lesion a=b=not\"}"); /* the form of plain names */
    assert_group(old, 0, "Carcinoma", "lesion");
    assert_group(old, 1, "a=b", "not");
    g_autoptr(GPtrArray) pairs = groups_new();
    g_assert_true(groups_add_pair(pairs, "a = b=lesion", NULL));
    g_assert_true(groups_add_pair(pairs, "=not", NULL));
    g_assert_cmpstr(((GroupName *)pairs->pdata[0])->name, ==, "a = b");
    g_assert_cmpstr(((GroupName *)pairs->pdata[1])->name, ==, "");
}

static void test_values(void)
{
    g_setenv("WSIFLOW_TEST_DIR", "/d \xe4", TRUE);
    g_setenv("HOME", "/home/someone", TRUE);
    g_autoptr(Config) config =
        good("slides:\n  folder: ${WSIFLOW_TEST_DIR}/s\n  manifest: ~/m.csv\n  annotations: x/../y\n"
             "  pattern: \"$${A}*\"\nrun: {name: \"~\"}\ndataset: {write: Off}\n");
    g_assert_cmpstr(config->slides_folder, ==, "/d \xe4/s");
    g_assert_true(g_str_has_suffix(config->slides_manifest, "/m.csv") && config->slides_manifest[0] == '/');
    g_assert_cmpstr(config->slides_annotations, ==, "/here/y");
    g_assert_cmpstr(config->slides_pattern, ==, "${A}*");
    g_assert_cmpstr(config->run_name, ==, "~");
    g_assert_false(config->dataset_write);
    g_autoptr(Config) lines =
        good("run:\n  name: |-\n    a\n    b\nslides:\n  pattern: >-\n    *.ti\n    f\n");
    g_assert_cmpstr(lines->run_name, ==, "a\nb");
    g_assert_cmpstr(lines->slides_pattern, ==, "*.ti f");
    g_autoptr(Config) binary = good("run:\n  name: !!binary |\n    5A\n    ==\n");
    g_assert_cmpstr(binary->run_name, ==, "\xe4");
}

/* ---- what is refused ---- */

static void test_refused(void)
{
    g_setenv("WSIFLOW_TEST_EMPTY", "", TRUE);
    g_unsetenv("WSIFLOW_TEST_UNSET");
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"run: {seed: 1}\n---\nrun: {seed: 2}\n", "line 2: a second document"},
        {"run: {seed: 1}\n...\n---\n", "line 3: a second document"},
        {"run: {seed: 1, seed: 2}\n", "line 1: run.seed is given twice"},
        {"run: {seed: 1}\nrun: {name: x}\n", "line 2: run is given twice"},
        {"- run\n", "line 1: expected sections"},
        {"run: 5\n", "line 1: section run has no keys"},
        {"run: {name: [a, b]}\n", "run.name is a list"},
        {"run: {name: {a: b}}\n", "run.name is a mapping"},
        {"run: {name: !python/object x}\n", "run.name has the unknown tag !python/object"},
        {"run: {name: !!binary \"@@@\"}\n", "run.name is !!binary, but not base64"},
        {"run: {name: !!binary \"5A=\"}\n", "run.name is !!binary, but not base64"},
        {"run: {name: !!binary \"AA==\"}\n", "run.name contains a NUL"},
        {"run: {name: \"a\\0b\"}\n", "run.name contains a NUL"},
        {"run:\n  name: \"\xe4\"\n", "line 2: byte 15 is not UTF-8"},
        {"slide: {folder: x}\n", "did you mean \"slides\"?"},
        {"slides: {annotation: x}\n", "unknown key slides.annotation; did you mean \"annotations\"?"},
        {"dataset: {picture: png}\n", "line 1: key dataset.picture is called dataset.image now"},
        {"train: {shards: 4}\n", "key train.shards is called train.batch_parts now"},
        {"dataset: {valid_share: 0.2}\n", "key dataset.valid_share is called dataset.valid_fraction now"},
        {"dataset: {test_share: 0.2}\n", "key dataset.test_share is called dataset.test_fraction now"},
        {"loss: {anomaly_share: 0.2}\n", "key loss.anomaly_share is called loss.anomaly_fraction now"},
        {"tiles: {lesion_min: 1}\n", "did you mean \"dataset.lesion_min\"?"},
        {"tiles: {edge: pads}\n", "allowed are drop pad shift; did you mean \"pad\"?"},
        {"slides: {folder: ~}\n", "slides.folder is ~"},
        {"slides: {folder: ~someone/x}\n", "write ~/ for your home folder, or ./~someone/x"},
        {"slides: {folder: \"${WSIFLOW_TEST_UNSET}/x\"}\n", "this environment variable is not set"},
        {"slides: {folder: \"${WSIFLOW_TEST_EMPTY}/x\"}\n", "this environment variable is empty"},
        {"run: {name: \"${WSIFLOW_TEST_UNSET}\"}\n", "this environment variable is not set"},
        {"slides: {folder: \"${A\"}\n", "write $${ for the characters ${"},
        {"slides: {folder: \"${A:-x}\"}\n", "write $${ for the characters ${"},
        {"slides: {groups: {Layer 1: lesions}}\n",
         "allowed are lesion, not, hard, unknown, roi and ignore; did you mean \"lesion\"?"},
        {"slides: {groups: {a: lesion, A: not}}\n", "compared without case"},
        {"slides: {groups: {a: lesion, a: lesion}}\n", "names group \"a\" twice"},
        {"slides: {groups: {a: [lesion]}}\n", "is a list"},
        {"slides: {groups: Layer 1=lesion}\n", "{\"Layer 1\": lesion"},
        {"slides: {groups: [a]}\n", "slides.groups is a list"},
        {"slides:\n  folder: |\n    /data\n", "slides.folder ends with a line break because of | or >"},
        {"run:\n  name: >\n    a\n    b\n", "run.name ends with a line break"},
        {"run: {seed: \"5\\n\"}\n", "run.seed is \"5 \": expected a number"},
        {"run: {\"na\\nme\": x}\n", "unknown key run.na me"},
        {"train: {epochs: .nan}\n", "expected a number"},
        {"run: {seed: 99999999999}\n", "allowed are 0 to 2147483647"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_parse(cases[i].text, "/here/c.yaml", &error);
        g_assert_null(config);
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        if (!strstr(error->message, cases[i].says) ||
            !g_str_has_prefix(error->message, "/here/c.yaml line ")) {
            g_error("%s gives \"%s\", not \"%s\"", cases[i].text, error->message, cases[i].says);
        }
    }
}

/* ---- ranges: what is documented is what is accepted ---- */

/* A configuration with one number, and what else that needs. */
static Config *with_number(const ConfigKey *key, double value, GError **error)
{
    static const struct {
        const char *key, *needs;
    } others[] = {
        {"tiles.overlap", "tiles: {size: 2048, overlap: "},
        {"train.batch", "train: {batch_parts: 1, batch: "},
        {"train.batch_parts", "train: {batch: 64, batch_parts: "},
        {"dataset.fold", "dataset: {folds: 1000, fold: "},
    };
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(number, sizeof number, "%.15g", value);
    g_autofree char *name = g_strconcat(key->section, ".", key->key, NULL);
    g_autofree char *start = g_strdup_printf("%s: {%s: ", key->section, key->key);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        if (g_str_equal(others[i].key, name)) {
            g_free(start);
            start = g_strdup(others[i].needs);
        }
    }
    g_autofree char *text = key->kind == KEY_INT3
                                ? g_strdup_printf("%s[%s, %s, %s]}\n", start, number, number, number)
                                : g_strdup_printf("%s%s}\n", start, number);
    return config_parse(text, "/here/c.yaml", error);
}

static void assert_number(const ConfigKey *key, double value, gboolean allowed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = with_number(key, value, &error);
    gboolean taken =
        config && model_config_check(config, &error) && model_config_check_training(config, &error);
    if (taken != allowed) {
        g_error("%s.%s: %.15g is %s: %s", key->section, key->key, value, taken ? "taken" : "refused",
                error ? error->message : "");
    }
    if (!taken) {
        g_assert_nonnull(strstr(error->message, "allowed are"));
    }
}

static void test_ranges(void)
{
    int numbers = 0;
    for (const ConfigKey *key = config_keys; key->section; key++) {
        gboolean whole = key->kind == KEY_INT || key->kind == KEY_INT3;
        if (!whole && key->kind != KEY_NUMBER) {
            continue;
        }
        double beyond = whole ? 1 : 1e-6 * MAX(fabs(key->low), fabs(key->high));
        assert_number(key, key->low, TRUE);
        assert_number(key, key->high, TRUE);
        assert_number(key, key->high + beyond, FALSE);
        if (key->low - beyond != 0 || !key->or_zero) {
            assert_number(key, key->low - beyond, FALSE);
        }
        if (key->or_zero) {
            assert_number(key, 0, TRUE);
            assert_number(key, key->low / 2, FALSE);
        }
        if (key->step > 1) {
            assert_number(key, key->low + key->step, TRUE);
            assert_number(key, key->low + key->step / 2, FALSE);
        }
        numbers++;
    }
    g_assert_cmpint(numbers, >, 50);
}

/* Lists of names that the table repeats from other rooms. */
static void test_choices(void)
{
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (g_str_equal(key->key, "drop_flags")) {
            g_autofree char *flags = quality_flags_text(~0U);
            g_assert_cmpstr(key->choices, ==, flags);
        } else if (g_str_equal(key->key, "extractor")) {
            g_auto(GStrv) names = g_strsplit(extractor_names(), ", ", -1),
                          own = g_strsplit(key->choices, " ", -1);
            g_assert_cmpuint(g_strv_length(names), ==, g_strv_length(own));
            for (char **name = own; *name; name++) {
                g_assert_true(g_strv_contains((const char *const *)names, *name));
            }
        }
    }
}

static void test_together(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"tiles: {size: 64, overlap: 64}\n",
         "tiles.overlap is 64 px: it must be less than tiles.size (64 px)"},
        {"regions: {threshold: high}\n", "regions.threshold is \"high\": it must be a number, or empty"},
        {"regions: {threshold: 1e999}\n", "regions.threshold is \"1e999\""},
        {"heatmap: {low: 8, high: 8}\n", "heatmap.high is 8: it must be more than heatmap.low (8)"},
        {"heatmap: {low: automatic}\n", "heatmap.low is \"automatic\": it must be a number, or auto"},
        {"heatmap: {low: 1e20}\n", "heatmap.low is 1e20: it must be from -1000000 to 1000000"},
        {"heatmap: {high: inf}\n", "heatmap.high is \"inf\": it must be a number, or auto"},
        {"train: {batch: 7}\n", "train.batch is 7: it must be a multiple of train.batch_parts (2)"},
        {"dataset: {folds: 3, fold: 4}\n", "dataset.fold is 4: it must be at most dataset.folds (3)"},
        {"evaluate: {score: scores}\n", "evaluate.score is \"scores\""},
        {"model: {kernels: onedn}\n", "model.kernels is \"onedn\""},
        {"dataset: {drop_flags: blur pens}\n", "dataset.drop_flags is \"pens\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_parse(cases[i].text, "/here/c.yaml", &error);
        g_assert_false(config && model_config_check(config, &error));
        g_assert_nonnull(strstr(error->message, cases[i].says));
    }
}

/* What takes a parser long or much memory ends at once. */
static void test_hostile(void)
{
    static const char *const parts[] = {"[", "{a: ", "- ", "? ", "[&a "};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < 1000000) {
            g_string_append(text, parts[i]);
        }
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_parse(text->str, "/here/c.yaml", &error);
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "line 1: nested deeper than 16 levels"));
    }
    g_autofree char *huge = g_strnfill(2000000, '#');
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_parse(huge, "/here/c.yaml", &error);
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "larger than"));
}

static void test_file_with_nul(void)
{
    static const char text[] = "run:\n  seed: 5\n\0train:\n  epochs: bogus\n";
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("wsiflow-XXXXXX.yaml", &path, NULL);
    g_assert_true(g_close(fd, NULL));
    g_assert_true(g_file_set_contents(path, text, sizeof text - 1, NULL));
    g_assert_null(config_read(path, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "line 3: byte 16 is NUL"));
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/round-trip", test_round_trip);
    g_test_add_func("/config/nothing-is-the-defaults", test_nothing_is_the_defaults);
    g_test_add_func("/config/groups", test_groups);
    g_test_add_func("/config/values", test_values);
    g_test_add_func("/config/refused", test_refused);
    g_test_add_func("/config/file-with-nul", test_file_with_nul);
    g_test_add_func("/config/hostile", test_hostile);
    g_test_add_func("/config/ranges", test_ranges);
    g_test_add_func("/config/choices", test_choices);
    g_test_add_func("/config/together", test_together);
    return g_test_run();
}
