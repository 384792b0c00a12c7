/* Parallel loops: every item once, the lowest error, results in order. */
#include "base/error.h"
#include "base/pool.h"

enum { ITEMS = 1000 };

typedef struct {
    int done[ITEMS]; /* how often */
    int threads, fail_from;
    gint bad_worker;
} Tally;

static gboolean tally(int64_t index, int worker, void *data, GError **error)
{
    Tally *t = data;
    __atomic_fetch_add(&t->done[index], 1, __ATOMIC_RELAXED);
    if (worker < 0 || worker >= t->threads) {
        g_atomic_int_set(&t->bad_worker, 1);
    }
    if (t->fail_from >= 0 && index >= t->fail_from) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "item %d", (int)index);
        return FALSE;
    }
    return TRUE;
}

static void test_every_item_once(void)
{
    const int threads[] = {0, 1, 2, 7, 64};
    for (gsize t = 0; t < G_N_ELEMENTS(threads); t++) {
        for (int pin = 0; pin < 2; pin++) {
            g_autoptr(GError) error = NULL;
            Tally result = {.threads = MAX(threads[t], 1), .fail_from = -1};
            g_assert_true(pool_run(threads[t], pin, ITEMS, tally, &result, &error));
            g_assert_no_error(error);
            g_assert_false(result.bad_worker);
            for (int i = 0; i < ITEMS; i++) {
                g_assert_cmpint(result.done[i], ==, 1);
            }
        }
    }
    g_assert_true(pool_run(4, FALSE, 0, tally, NULL, NULL));
    g_assert_cmpint(pool_processors(), >=, 1);
}

typedef struct {
    Tally tally;
    GThread *caller;
    int64_t ahead, taken;
    int64_t fail_take; /* -1 = none */
} InOrder;

static gboolean ordered_work(int64_t index, int worker, void *data, GError **error)
{
    InOrder *o = data;
    int64_t before = index - __atomic_load_n(&o->taken, __ATOMIC_RELAXED);
    g_assert_cmpint(before, <, o->ahead); /* `taken` only grows, so this is never too small */
    if (index % 7 == 3) {
        g_usleep(50); /* lets other items finish first */
    }
    return tally(index, worker, &o->tally, error);
}

static gboolean ordered_take(int64_t index, void *data, GError **error)
{
    InOrder *o = data;
    g_assert_true(g_thread_self() == o->caller);
    g_assert_cmpint(index, ==, o->taken);
    g_assert_cmpint(__atomic_load_n(&o->tally.done[index], __ATOMIC_RELAXED), ==, 1);
    if (index == o->fail_take) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "take %d", (int)index);
        return FALSE;
    }
    /* While an item is taken, it still counts. */
    __atomic_store_n(&o->taken, index + 1, __ATOMIC_RELAXED);
    return TRUE;
}

static void test_in_order(void)
{
    const int threads[] = {1, 2, 7};
    const int64_t ahead[] = {1, 2, 64, 5000};
    for (gsize i = 0; i < G_N_ELEMENTS(threads) * G_N_ELEMENTS(ahead); i++) {
        g_autoptr(GError) error = NULL;
        int n = threads[i % G_N_ELEMENTS(threads)];
        InOrder o = {.tally = {.threads = n, .fail_from = -1}, .fail_take = -1};
        o.caller = g_thread_self();
        o.ahead = ahead[i / G_N_ELEMENTS(threads)];
        g_assert_true(pool_run_ordered(n, ITEMS, o.ahead, ordered_work, ordered_take, &o, &error));
        g_assert_no_error(error);
        g_assert_cmpint(o.taken, ==, ITEMS);
    }
    g_assert_true(pool_run_ordered(2, 0, 4, ordered_work, ordered_take, NULL, NULL));
}

/* A failure ends the loop: no thread waits for ever, and nothing is taken after it. */
static void test_in_order_fails(void)
{
    for (int threads = 1; threads <= 4; threads++) {
        g_autoptr(GError) work = NULL, take = NULL;
        InOrder bad_work = {.tally = {.threads = threads, .fail_from = 100}, .fail_take = -1, .ahead = 4},
                bad_take = {.tally = {.threads = threads, .fail_from = -1}, .fail_take = 300, .ahead = 4};
        bad_work.caller = bad_take.caller = g_thread_self();
        g_assert_false(pool_run_ordered(threads, ITEMS, 4, ordered_work, ordered_take, &bad_work, &work));
        g_assert_error(work, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_cmpint(bad_work.taken, <=, 100);
        g_assert_false(pool_run_ordered(threads, ITEMS, 4, ordered_work, ordered_take, &bad_take, &take));
        g_assert_error(take, WSI_ERROR, WSI_ERROR_IO);
        g_assert_cmpint(bad_take.taken, ==, 300);
    }
}

static void test_lowest_error(void)
{
    for (int threads = 1; threads <= 8; threads++) {
        g_autoptr(GError) error = NULL;
        Tally result = {.threads = threads, .fail_from = 100};
        g_assert_false(pool_run(threads, FALSE, ITEMS, tally, &result, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_cmpstr(error->message, ==, "item 100");
        g_assert_cmpint(result.done[ITEMS - 1], ==, 0); /* it stopped */
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/every-item-once", test_every_item_once);
    g_test_add_func("/pool/lowest-error", test_lowest_error);
    g_test_add_func("/pool/in-order", test_in_order);
    g_test_add_func("/pool/in-order-fails", test_in_order_fails);
    return g_test_run();
}
