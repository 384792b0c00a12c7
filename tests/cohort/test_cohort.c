/* The cohort as the plan stores it for the workers: the same for every path and name; ids are safe names of folders. */
#include "base/rng.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/cohort/slide_files.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/cohort/leak_check.h"
#include "pipeline/cohort/stored_cohort.h"
#include <string.h>

/* Bytes as file systems and manifests may hold them: all but NUL. */
static char *random_text(Rng *rng)
{
    static const char *const odd[] = {
        "", "\t", "\n", "\\", "\\n", "\"", "\xff\xfe", "\xC3\xA4", "slide\tunused\n", "'=-@"};
    if (rng_below(rng, 3) == 0) {
        return g_strdup(odd[rng_below(rng, G_N_ELEMENTS(odd))]);
    }
    GString *text = g_string_new(NULL);
    for (uint32_t n = rng_below(rng, 12); n > 0; n--) {
        g_string_append_c(text, (char)(1 + rng_below(rng, 255)));
    }
    return g_string_free(text, FALSE);
}

static SlideEntry *random_entry(Rng *rng, const Config *config)
{
    SlideEntry *entry = slide_entry_new(config, "x.tif");
    char **const texts[] = {&entry->id, &entry->path, &entry->patient, &entry->centre, &entry->split};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(*texts[i]);
        *texts[i] = random_text(rng);
    }
    entry->label = (SlideLabel)rng_below(rng, 3);
    entry->annotation = entry->label == SLIDE_ANNOTATED ? g_strconcat("a", entry->path, NULL) : NULL;
    entry->label_given = (gboolean)rng_below(rng, 2);
    entry->scored = (gboolean)rng_below(rng, 2);
    entry->fold = (int)rng_below(rng, 10);
    entry->line = (int)rng_below(rng, 1000);
    entry->mpp_x = rng_below(rng, 2) ? 0.1 + 1.0 / (1 + rng_below(rng, 1000)) : 0;
    entry->mpp_y = entry->mpp_x / 3;
    return entry;
}

static void test_round_trip(void)
{
    g_autoptr(Config) config = config_default();
    Rng rng = rng_at(1, rng_name("cohort"), 0);
    for (int round = 0; round < 300; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Cohort) cohort = stored_cohort_parse("", &error);
        for (uint32_t n = rng_below(&rng, 5); n > 0; n--) {
            g_ptr_array_add(cohort->slides, random_entry(&rng, config));
        }
        for (uint32_t n = rng_below(&rng, 3); n > 0; n--) {
            g_autofree char *name = random_text(&rng);
            unused_add(cohort->unused, name, random_text(&rng));
        }
        g_autofree char *text = stored_cohort_text(cohort);
        g_autoptr(Cohort) back = stored_cohort_parse(text, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(back->slides->len, ==, cohort->slides->len);
        g_assert_cmpuint(back->unused->len, ==, cohort->unused->len);
        for (guint i = 0; i < back->slides->len; i++) {
            const SlideEntry *a = cohort->slides->pdata[i], *b = back->slides->pdata[i];
            g_assert_cmpstr(a->id, ==, b->id);
            g_assert_cmpstr(a->path, ==, b->path);
            g_assert_cmpstr(a->patient, ==, b->patient);
            g_assert_cmpstr(a->centre, ==, b->centre);
            g_assert_cmpstr(a->split, ==, b->split);
            g_assert_cmpstr(a->annotation, ==, b->annotation);
            g_assert_true(a->mpp_x == b->mpp_x && a->mpp_y == b->mpp_y); /* to the last bit */
            g_assert_true(a->label == b->label && a->label_given == b->label_given && a->scored == b->scored);
            g_assert_true(a->fold == b->fold && a->use == b->use && a->line == b->line);
        }
        for (guint i = 0; i < back->unused->len; i++) {
            const Unused *a = cohort->unused->pdata[i], *b = back->unused->pdata[i];
            g_assert_cmpstr(a->name, ==, b->name);
            g_assert_cmpstr(a->reason, ==, b->reason);
        }
    }
}

static void test_damaged(void)
{
    static const char *const texts[] = {"slide\ta\n", "nothing\n", "slide\ta\tb\tc\td\te\tf\t1\t2\t0 0 0\n",
                                        "unused\ta\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(stored_cohort_parse(texts[i], &error));
        g_assert_nonnull(error);
    }
}

static void test_ids(void)
{
    static const struct {
        const char *path, *id;
    } cases[] = {{"/a/slide 2 (copy).tif", "slide_2__copy_"},
                 {"a.b.svs", "a.b"},
                 {"a/...tif", "__"},
                 {"..tif", "_"},
                 {".hidden", "_hidden"},
                 {".a.tif", "_a"},
                 {"..", "_"},
                 {"\xC3\xA4.tif", "__"},
                 {"-x.tif", "-x"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *id = slide_id_of(cases[i].path);
        g_assert_cmpstr(id, ==, cases[i].id);
    }
    Rng rng = rng_at(2, rng_name("ids"), 0);
    for (int i = 0; i < 2000; i++) {
        g_autofree char *text = random_text(&rng), *id = slide_id_of(text);
        g_assert_true(*id && *id != '.' && !strchr(id, '/'));
    }
}

static void test_same_ids(void)
{
    char *apart[] = {(char *)"a/x.tif", (char *)"b/y.tif", (char *)"b/x.y.tif"};
    char *same[] = {(char *)"a/x.tif", (char *)"y.tif", (char *)"b/x.svs"};
    g_autoptr(GError) error = NULL;
    g_assert_true(slide_id_all_differ(apart, 3, &error));
    g_assert_false(slide_id_all_differ(same, 3, &error));
    g_assert_nonnull(strstr(error->message, "a/x.tif and b/x.svs"));
}

/* What is checked is where things are, not where the cohort says that their slides belong. */
static void test_leak(void)
{
    static const struct {
        LeakContent contents[4];
        const char *message; /* NULL: none */
    } cases[] = {
        {{{"a", "p", "train", "1"}, {"b", "q", "test", "2"}, {"a", "p", "train", "1"}}, NULL},
        {{{"a", "p", "train", "1"}, {"b", "q", "test", "2"}, {"a", "p", "test", "1"}},
         "leak: patient p is in train (slide a) and in test (slide a)"},
        {{{"a", "p", "train", "1"}, {"b", "p", "valid", "2"}},
         "leak: patient p is in train (slide a) and in valid (slide b)"},
        {{{"a", "p", "train", "1"}, {"b", "q", "test", "1"}},
         "leak: slides a (train) and b (test) have the same content: remove one, or give them the same "
         "patient"},
        {{{"a", "", "train", ""}, {"b", "", "test", ""}}, NULL}, /* unknown is not the same */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) contents = g_array_new(FALSE, FALSE, sizeof(LeakContent));
        for (int c = 0; c < 4 && cases[i].contents[c].slide; c++) {
            g_array_append_val(contents, cases[i].contents[c]);
        }
        g_assert_true(leak_check(contents, &error) == (cases[i].message == NULL));
        g_assert_cmpstr(error ? error->message : NULL, ==, cases[i].message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cohort/round_trip", test_round_trip);
    g_test_add_func("/cohort/damaged", test_damaged);
    g_test_add_func("/cohort/ids", test_ids);
    g_test_add_func("/cohort/same_ids", test_same_ids);
    g_test_add_func("/cohort/leak", test_leak);
    return g_test_run();
}
