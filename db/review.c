/* Reading reviews: the names that they use, and the plain values of a slide's review.
 *
 * A slide's revision and its items are read by several statements, so they run in one read transaction: a writer between them would give a
 * revision that does not belong to the items, and the reader's next write would overwrite unseen what that writer did. */
#include "db/review.h"
#include "db/store_private.h"
#include <math.h>

const char *const review_slide_states[] = {"open", "in progress", "done", "excluded", NULL};
const char *const review_region_states[] = {"open", "confirmed", "rejected", NULL};
const char *const review_drawn_labels[] = {"lesion", "normal", NULL};
const char *const review_reasons[] = {"pen",   "fold", "blood", "out of focus", "normal structure",
                                      "other", NULL};

static void decision_free(gpointer data)
{
    ReviewDecision *decision = data;
    g_free(decision->region);
    g_free(decision->state);
    g_free(decision->reason);
    g_free(decision->outline);
    g_free(decision->superseded);
    g_free(decision->reviewer);
    g_free(decision);
}

static void drawn_free(gpointer data)
{
    ReviewDrawn *drawn = data;
    g_free(drawn->key);
    g_free(drawn->label);
    g_free(drawn->ring);
    g_free(drawn->reviewer);
    g_free(drawn);
}

void review_free(Review *review)
{
    if (review) {
        g_free(review->slide);
        g_free(review->state);
        g_free(review->note);
        g_ptr_array_unref(review->decisions);
        g_ptr_array_unref(review->drawn);
        g_free(review);
    }
}

static double number_or_nan(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL ? NAN : sqlite3_column_double(query, column);
}

static gboolean read_slide(Store *store, Review *review, GError **error)
{
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT state, note, revision, marked, exported, changed FROM review WHERE slide = ?", "s",
                  review->slide);
    int found = query ? sql_step(query, error) : -1;
    if (found == 1) {
        review->state = sql_text(query, 0);
        review->note = sql_text(query, 1);
        review->revision = sqlite3_column_int64(query, 2);
        review->marked = sqlite3_column_int64(query, 3);
        review->exported = sqlite3_column_int64(query, 4);
        review->changed = sqlite3_column_double(query, 5);
        sql_end(query);
    } else if (found == 0) {
        review->state = g_strdup(review_slide_states[0]);
        review->note = g_strdup("");
    }
    return found >= 0;
}

static gboolean read_decisions(Store *store, Review *review, GError **error)
{
    sqlite3_stmt *query = sql_query(store->sql, error,
                                    "SELECT region, state, reason, outline, x, y, area_um2, maximum, mean,"
                                    " superseded, reviewer, revision, changed"
                                    " FROM review_region WHERE slide = ? ORDER BY region",
                                    "s", review->slide);
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        ReviewDecision *decision = g_new0(ReviewDecision, 1);
        *decision = (ReviewDecision){.region = sql_text(query, 0),
                                     .state = sql_text(query, 1),
                                     .reason = sql_text(query, 2),
                                     .outline = sql_text(query, 3),
                                     .x = sqlite3_column_double(query, 4),
                                     .y = sqlite3_column_double(query, 5),
                                     .area_um2 = number_or_nan(query, 6),
                                     .maximum = number_or_nan(query, 7),
                                     .mean = number_or_nan(query, 8),
                                     .superseded = sql_text(query, 9),
                                     .reviewer = sql_text(query, 10),
                                     .revision = sqlite3_column_int64(query, 11),
                                     .changed = sqlite3_column_double(query, 12)};
        g_ptr_array_add(review->decisions, decision);
    }
    return more == 0;
}

static gboolean read_drawn(Store *store, Review *review, GError **error)
{
    sqlite3_stmt *query = sql_query(store->sql, error,
                                    "SELECT id, label, ring, reviewer, revision, changed, key"
                                    " FROM review_drawn WHERE slide = ? AND erased = 0 ORDER BY id",
                                    "s", review->slide);
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        ReviewDrawn *drawn = g_new0(ReviewDrawn, 1);
        *drawn = (ReviewDrawn){.id = sqlite3_column_int(query, 0),
                               .label = sql_text(query, 1),
                               .ring = sql_text(query, 2),
                               .reviewer = sql_text(query, 3),
                               .revision = sqlite3_column_int64(query, 4),
                               .changed = sqlite3_column_double(query, 5),
                               .key = sql_text(query, 6)};
        g_ptr_array_add(review->drawn, drawn);
    }
    return more == 0;
}

Review *review_get(Store *store, const char *slide, GError **error)
{
    g_autoptr(Review) review = g_new0(Review, 1);
    review->slide = g_strdup(slide);
    review->decisions = g_ptr_array_new_with_free_func(decision_free);
    review->drawn = g_ptr_array_new_with_free_func(drawn_free);
    if (!sql_exec(store->sql, "BEGIN", error)) {
        return NULL;
    }
    gboolean good = read_slide(store, review, error) && read_decisions(store, review, error) &&
                    read_drawn(store, review, error);
    sql_exec(store->sql, "ROLLBACK", NULL); /* nothing was written */
    return good ? g_steal_pointer(&review) : NULL;
}

static void counts_free(gpointer data)
{
    ReviewCounts *counts = data;
    g_free(counts->slide);
    g_free(counts->state);
    g_free(counts->note);
    g_free(counts);
}

GPtrArray *review_list(Store *store, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(counts_free);
    sqlite3_stmt *query = sql_query(
        store->sql, error,
        "SELECT slide, state, note, revision, exported,"
        " (SELECT count(*) FROM review_region AS r WHERE r.slide = review.slide AND superseded IS NULL"
        "  AND r.state = 'confirmed'),"
        " (SELECT count(*) FROM review_region AS r WHERE r.slide = review.slide AND superseded IS NULL"
        "  AND r.state = 'rejected'),"
        " (SELECT count(*) FROM review_drawn AS d WHERE d.slide = review.slide AND erased = 0)"
        " FROM review ORDER BY slide",
        "");
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        ReviewCounts *counts = g_new0(ReviewCounts, 1);
        *counts = (ReviewCounts){.slide = sql_text(query, 0),
                                 .state = sql_text(query, 1),
                                 .note = sql_text(query, 2),
                                 .revision = sqlite3_column_int64(query, 3),
                                 .exported = sqlite3_column_int64(query, 4),
                                 .confirmed = sqlite3_column_int(query, 5),
                                 .rejected = sqlite3_column_int(query, 6),
                                 .drawn = sqlite3_column_int(query, 7)};
        g_ptr_array_add(list, counts);
    }
    return more < 0 ? NULL : g_steal_pointer(&list);
}

static void change_free(gpointer data)
{
    ReviewChange *change = data;
    g_free(change->reviewer);
    g_free(change->item);
    g_free(change->before);
    g_free(change->after);
    g_free(change);
}

GPtrArray *review_log(Store *store, const char *slide, GError **error)
{
    g_autoptr(GPtrArray) log = g_ptr_array_new_with_free_func(change_free);
    sqlite3_stmt *query = sql_query(store->sql, error,
                                    "SELECT revision, changed, reviewer, item, before, after"
                                    " FROM review_change WHERE slide = ? ORDER BY revision",
                                    "s", slide);
    int more = query ? sql_step(query, error) : -1;
    for (; more > 0; more = sql_step(query, error)) {
        ReviewChange *change = g_new0(ReviewChange, 1);
        *change = (ReviewChange){.revision = sqlite3_column_int64(query, 0),
                                 .changed = sqlite3_column_double(query, 1),
                                 .reviewer = sql_text(query, 2),
                                 .item = sql_text(query, 3),
                                 .before = sql_text(query, 4),
                                 .after = sql_text(query, 5)};
        g_ptr_array_add(log, change);
    }
    return more < 0 ? NULL : g_steal_pointer(&log);
}
