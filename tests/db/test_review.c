/* The review of a run, as db/review.h describes it: revisions, the log, and that nothing is lost. */
#include "db/review.h"
#include "tests/store_fixture.h"
#include <math.h>
#include <sqlite3.h>

static ReviewWrite at(int64_t seen)
{
    return (ReviewWrite){.slide = "a", .seen = seen, .reviewer = "ada"};
}

static ReviewDecision decision(const char *region, const char *state, const char *reason)
{
    return (ReviewDecision){.region = (char *)region,
                            .state = (char *)state,
                            .reason = (char *)reason,
                            .outline = "[[[0,0],[10,0],[10,10]]]",
                            .x = 5,
                            .y = 4,
                            .area_um2 = 12.5,
                            .maximum = 3.25,
                            .mean = NAN};
}

static void decide(Run *run, int64_t seen, const char *region, const char *state, const char *reason)
{
    g_autoptr(GError) error = NULL;
    const ReviewWrite write = at(seen);
    const ReviewDecision to = decision(region, state, reason);
    review_decide(run->store, &write, &to, NULL, &error);
    g_assert_no_error(error);
}

static Review *get(Run *run)
{
    g_autoptr(GError) error = NULL;
    Review *review = review_get(run->store, "a", &error);
    g_assert_no_error(error);
    return review;
}

static void test_empty(Run *run, gconstpointer unused)
{
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->revision, ==, 0);
    g_assert_cmpstr(review->state, ==, "open");
    g_assert_cmpstr(review->note, ==, "");
    g_assert_cmpuint(review->decisions->len + review->drawn->len, ==, 0);
    g_autoptr(GPtrArray) list = review_list(run->store, NULL), log = review_log(run->store, "a", NULL);
    g_assert_cmpuint(list->len + log->len, ==, 0);
}

static void test_changes(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    const ReviewWrite none = at(0), second = at(2);
    g_assert_true(review_mark(run->store, &none, "in progress", "pen \"here\"\n", &error));
    decide(run, 1, "r1", "rejected", "pen");
    decide(run, 1, "r2", "confirmed", ""); /* another item: what was seen is still true of it */
    int id = 0;
    g_assert_true(review_draw(run->store, &none, "lesion", "[[1,1],[2,1],[2,2]]", NULL, &id, &error));
    g_assert_cmpint(id, ==, 1);
    decide(run, 2, "r1", "rejected", "pen"); /* no change */
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->revision, ==, 4);
    g_assert_cmpstr(review->note, ==, "pen \"here\"\n");
    g_assert_cmpuint(review->decisions->len, ==, 2);
    const ReviewDecision *first = review->decisions->pdata[0];
    g_assert_cmpstr(first->region, ==, "r1");
    g_assert_cmpstr(first->reason, ==, "pen");
    g_assert_cmpstr(first->reviewer, ==, "ada");
    g_assert_cmpint(first->revision, ==, 2);
    g_assert_cmpfloat(first->maximum, ==, 3.25);
    g_assert_true(isnan(first->mean));
    g_assert_cmpfloat(fabs(first->changed - (double)g_get_real_time() / 1e6), <, 60);

    /* An erased region keeps its number, and its row. */
    g_assert_true(review_erase(run->store, &(ReviewWrite){"a", 4, "bob"}, 1, &error));
    g_assert_true(review_erase(run->store, &(ReviewWrite){"a", 4, "bob"}, 1, &error)); /* no change */
    g_assert_false(review_erase(run->store, &(ReviewWrite){"a", 5, "bob"}, 7, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    g_clear_error(&error);
    g_assert_true(review_draw(run->store, &second, "normal", "[[1,1],[2,1],[2,2]]", NULL, &id, &error));
    g_assert_cmpint(id, ==, 2);
    g_autoptr(GPtrArray) list = review_list(run->store, &error);
    const ReviewCounts *counts = list->pdata[0];
    g_assert_cmpint(counts->confirmed, ==, 1);
    g_assert_cmpint(counts->rejected, ==, 1);
    g_assert_cmpint(counts->drawn, ==, 1);
    g_assert_cmpint(counts->revision, ==, 6);
    g_assert_cmpint(counts->exported, ==, 0);
}

static void test_stale(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    const ReviewWrite none = at(0), first = at(1);
    decide(run, 0, "r1", "confirmed", "");
    const ReviewDecision other = decision("r1", "rejected", "fold");
    g_assert_false(review_decide(run->store, &none, &other, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_LOST);
    g_clear_error(&error);
    g_assert_true(review_mark(run->store, &none, "done", "first", &error));
    g_assert_false(review_mark(run->store, &first, "done", "second", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_LOST);
    g_clear_error(&error);
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->revision, ==, 2); /* nothing of it was written */
    g_assert_cmpstr(review->note, ==, "first");
    g_assert_cmpstr(((ReviewDecision *)review->decisions->pdata[0])->state, ==, "confirmed");
    g_assert_true(review_decide(run->store, &first, &other, NULL, &error));
}

/* What a change replaced can be read from the log. */
static void test_log(Run *run, gconstpointer unused)
{
    decide(run, 0, "r1", "confirmed", "");
    decide(run, 1, "r1", "rejected", "blood");
    decide(run, 2, "r1", "open", "");
    g_autoptr(GPtrArray) log = review_log(run->store, "a", NULL);
    g_assert_cmpuint(log->len, ==, 3);
    const ReviewChange *first = log->pdata[0], *second = log->pdata[1];
    g_assert_null(first->before);
    g_assert_cmpstr(second->item, ==, "region r1");
    g_assert_cmpstr(second->before, ==, first->after);
    g_assert_nonnull(strstr(second->after, "\"reason\":\"blood\""));
    g_assert_nonnull(strstr(second->after, "\"mean\":null"));
}

static void test_superseded(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    const ReviewWrite first = at(1);
    const char *const old[] = {"r1", NULL};
    const ReviewDecision new = decision("r2", "rejected", "pen");
    decide(run, 0, "r1", "confirmed", "");
    g_assert_true(review_decide(run->store, &first, &new, old, &error));
    g_autoptr(Review) review = get(run);
    g_assert_cmpuint(review->decisions->len, ==, 2);
    g_assert_cmpstr(((ReviewDecision *)review->decisions->pdata[0])->superseded, ==, "r2");
    g_autoptr(GPtrArray) list = review_list(run->store, NULL);
    g_assert_cmpint(((ReviewCounts *)list->pdata[0])->confirmed, ==, 0);
    /* The same decision again is a change now: it counts again. */
    decide(run, 2, "r1", "confirmed", "");
    g_autoptr(GPtrArray) again = review_list(run->store, NULL);
    g_assert_cmpint(((ReviewCounts *)again->pdata[0])->confirmed, ==, 1);
}

static void test_refused(Run *run, gconstpointer unused)
{
    static const struct {
        const char *state, *reason, *message;
    } cases[] = {{"conformed", "", "did you mean \"confirmed\""},
                 {"rejected", "pne", "did you mean \"pen\""},
                 {"rejected", "", "unknown reason"},
                 {"confirmed", "pen", "only a rejected region has a reason"}};
    const ReviewWrite none = at(0);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const ReviewDecision to = decision("r1", cases[i].state, cases[i].reason);
        g_assert_false(review_decide(run->store, &none, &to, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, cases[i].message));
    }
    g_autoptr(GError) error = NULL;
    g_assert_false(review_mark(run->store, &none, "Done", "", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->revision, ==, 0);
}

/* A plan, also one without the slide, leaves the review as it is. */
static void test_plan(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    decide(run, 0, "r1", "confirmed", "");
    g_assert_true(review_set_exported(run->store, "a", 1, &error));
    g_assert_true(review_set_exported(run->store, "a", 0, &error)); /* never backwards */
    g_assert_true(store_plan(run->store, base_jobs + 1, 1, NULL, 0, &error));
    store_free(run->store);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->exported, ==, 1);
    g_assert_cmpuint(review->decisions->len, ==, 1);
}

/* A table of an earlier version gets what is missing, and keeps what it has. */
static void test_upgrade(Run *run, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    plan(run, base_jobs);
    store_free(run->store);
    g_autofree char *path = g_build_filename(run->directory, "wsiflow.db", NULL);
    sqlite3 *table;
    g_assert_cmpint(sqlite3_open(path, &table), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(table, SCHEMA_2, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(table);
    run->store = store_open(run->directory, &error);
    g_assert_no_error(error);
    assert_states(run, "rrwww");
    decide(run, 0, "r1", "confirmed", "");
}

/* Writers of different regions from several threads: each change is one revision, and none is lost. */
enum { WRITERS = 4, EACH = 8 };

static gpointer write_many(gpointer data)
{
    g_autoptr(GError) error = NULL;
    const char *const *of = data;
    g_autoptr(Store) store = store_open(of[0], &error);
    g_assert_no_error(error);
    for (int i = 0; i < EACH; i++) {
        g_autofree char *region = g_strdup_printf("%s-%d", of[1], i);
        const ReviewDecision to = decision(region, "confirmed", "");
        const ReviewWrite write = at(0);
        g_assert_true(review_decide(store, &write, &to, NULL, &error));
    }
    return NULL;
}

static void test_writers(Run *run, gconstpointer unused)
{
    const char *of[WRITERS][2] = {{0, "a"}, {0, "b"}, {0, "c"}, {0, "d"}};
    GThread *threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        of[i][0] = run->directory;
        threads[i] = g_thread_new("writer", write_many, of[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        g_thread_join(threads[i]);
    }
    g_autoptr(Review) review = get(run);
    g_assert_cmpint(review->revision, ==, WRITERS * EACH);
    g_assert_cmpuint(review->decisions->len, ==, WRITERS * EACH);
    g_autoptr(GPtrArray) log = review_log(run->store, "a", NULL);
    g_assert_cmpuint(log->len, ==, WRITERS * EACH);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*test)(Run *, gconstpointer);
    } tests[] = {{"empty", test_empty}, {"changes", test_changes},       {"stale", test_stale},
                 {"log", test_log},     {"superseded", test_superseded}, {"refused", test_refused},
                 {"plan", test_plan},   {"upgrade", test_upgrade},       {"writers", test_writers}};
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/review/%s", tests[i].name);
        g_test_add(path, Run, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
