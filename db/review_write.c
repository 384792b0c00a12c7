/* Changes of a review.
 *
 * Each is one transaction: the check of what the writer saw, the item, the log with what it replaced, and the slide's revision.  The check is
 * against the revision of the item, not of the slide: two people who decide on different regions of a slide do not disturb each other, and
 * two who decide on the same one see each other's decision. */
#include "db/review.h"
#include "base/error.h"
#include "base/nearest.h"
#include "db/store_private.h"
#include <jansson.h>
#include <math.h>

typedef struct {
    const ReviewWrite *write;
    const char *state, *note; /* of the slide */
    const ReviewDecision *decision;
    const char *const *supersedes;
    const char *label, *ring, *key;
    int *id; /* of a drawn region */
} Change;

static gboolean known_name(const char *name, const char *const *names, const char *what, GError **error)
{
    if (g_strv_contains(names, name)) {
        return TRUE;
    }
    g_autofree char *hint = nearest_hint(name, names), *all = g_strjoinv(", ", (char **)names);
    return wsi_error_input(error, "unknown %s \"%s\" (known: %s)%s", what, name, all, hint);
}

static char *json_line(json_t *object)
{
    json_auto_t *own = object;
    return json_dumps(own, JSON_COMPACT | JSON_SORT_KEYS);
}

/* `last`: the revision at which the item last changed; 0: it is new. */
static gboolean check_seen(const ReviewWrite *write, int64_t last, const char *item, GError **error)
{
    if (last > write->seen) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_LOST,
                    "%s of %s was changed by somebody else at revision %" G_GINT64_FORMAT
                    ", after revision %" G_GINT64_FORMAT " that this change is based on",
                    item, write->slide, last, write->seen);
    }
    return last <= write->seen;
}

/* The slide's row, made when there is none, with its next revision. */
static gboolean next_revision(Store *store, const ReviewWrite *write, int64_t *revision, double *now,
                              GError **error)
{
    *now = store_now();
    if (sql_run(store->sql, error,
                "INSERT INTO review(slide, revision, changed, state, note, marked)"
                " VALUES(?1, 1, ?2, ?3, '', 0)"
                " ON CONFLICT DO UPDATE SET revision = revision + 1, changed = excluded.changed",
                "sds", write->slide, *now, review_slide_states[0]) < 0) {
        return FALSE;
    }
    sqlite3_stmt *query =
        sql_query(store->sql, error, "SELECT revision FROM review WHERE slide = ?", "s", write->slide);
    int found = query ? sql_step(query, error) : -1;
    if (found == 1) {
        *revision = sqlite3_column_int64(query, 0);
        sql_end(query);
    }
    return found == 1;
}

static gboolean log_change(Store *store, const ReviewWrite *write, int64_t revision, double now,
                           const char *item, const char *before, const char *after, GError **error)
{
    return sql_run(store->sql, error,
                   "INSERT INTO review_change(slide, revision, changed, reviewer, item, before, after)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?)",
                   "sldssss", write->slide, revision, now, write->reviewer, item, before, after) >= 0;
}

/* ---- state and note ---- */

static char *mark_line(const char *state, const char *note)
{
    return json_line(json_pack("{s:s, s:s}", "state", state, "note", note));
}

static gboolean mark(Store *store, const void *data, GError **error)
{
    const Change *change = data;
    const ReviewWrite *write = change->write;
    sqlite3_stmt *query = sql_query(
        store->sql, error, "SELECT state, note, marked FROM review WHERE slide = ?", "s", write->slide);
    int found = query ? sql_step(query, error) : -1;
    g_autofree char *before = NULL;
    int64_t last = 0, revision;
    double now;
    gboolean same = FALSE;
    if (found == 1) {
        g_autofree char *state = sql_text(query, 0), *note = sql_text(query, 1);
        last = sqlite3_column_int64(query, 2);
        before = mark_line(state, note);
        same = g_str_equal(state, change->state) && g_str_equal(note, change->note);
        sql_end(query);
    }
    if (found < 0 || same) {
        return same;
    }
    g_autofree char *after = mark_line(change->state, change->note);
    return check_seen(write, last, "the state or the note", error) &&
           next_revision(store, write, &revision, &now, error) &&
           sql_run(store->sql, error, "UPDATE review SET state = ?, note = ?, marked = ? WHERE slide = ?",
                   "ssls", change->state, change->note, revision, write->slide) >= 0 &&
           log_change(store, write, revision, now, "slide", before, after, error);
}

gboolean review_mark(Store *store, const ReviewWrite *write, const char *state, const char *note,
                     GError **error)
{
    return known_name(state, review_slide_states, "state of a slide", error) &&
           store_write(store, mark, &(Change){.write = write, .state = state, .note = note}, error);
}

/* ---- decisions ---- */

/* null for NAN, which JSON does not have. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static char *decision_line(const ReviewDecision *decision)
{
    return json_line(json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:s*}", "state", decision->state,
                               "reason", decision->reason, "outline", decision->outline, "x", decision->x,
                               "y", decision->y, "area_um2", number(decision->area_um2), "maximum",
                               number(decision->maximum), "mean", number(decision->mean), "superseded",
                               decision->superseded));
}

/* The region's row as JSON and its revision; NULL and 0 when there is none. */
static gboolean decision_before(Store *store, const char *slide, const char *region, char **before,
                                int64_t *last, GError **error)
{
    sqlite3_stmt *query = sql_query(
        store->sql, error,
        "SELECT state, reason, outline, x, y, coalesce(area_um2, 9e999), coalesce(maximum, 9e999),"
        " coalesce(mean, 9e999), revision, superseded FROM review_region WHERE slide = ? AND region = ?",
        "ss", slide, region);
    int found = query ? sql_step(query, error) : -1;
    *before = NULL;
    *last = 0;
    if (found == 1) {
        g_autofree char *state = sql_text(query, 0), *reason = sql_text(query, 1),
                        *outline = sql_text(query, 2), *superseded = sql_text(query, 9);
        *before = decision_line(&(ReviewDecision){.state = state,
                                                  .reason = reason,
                                                  .outline = outline,
                                                  .x = sqlite3_column_double(query, 3),
                                                  .y = sqlite3_column_double(query, 4),
                                                  .area_um2 = sqlite3_column_double(query, 5),
                                                  .maximum = sqlite3_column_double(query, 6),
                                                  .mean = sqlite3_column_double(query, 7),
                                                  .superseded = superseded});
        *last = sqlite3_column_int64(query, 8);
        sql_end(query);
    }
    return found >= 0;
}

static gboolean decide(Store *store, const void *data, GError **error)
{
    const Change *change = data;
    const ReviewWrite *write = change->write;
    const ReviewDecision *to = change->decision;
    ReviewDecision now_valid = *to;
    now_valid.superseded = NULL;
    g_autofree char *before = NULL, *after = decision_line(&now_valid);
    g_autofree char *item = g_strdup_printf("region %s", to->region);
    int64_t last, revision;
    double now;
    if (!decision_before(store, write->slide, to->region, &before, &last, error) ||
        g_strcmp0(before, after) == 0) {
        return before != NULL;
    }
    if (!check_seen(write, last, item, error) || !next_revision(store, write, &revision, &now, error) ||
        sql_run(store->sql, error,
                "INSERT INTO review_region(slide, region, state, reason, outline, x, y, area_um2, maximum,"
                " mean, reviewer, revision, changed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason,"
                " outline = excluded.outline, x = excluded.x, y = excluded.y, area_um2 = excluded.area_um2,"
                " maximum = excluded.maximum, mean = excluded.mean, superseded = NULL,"
                " reviewer = excluded.reviewer, revision = excluded.revision, changed = excluded.changed",
                "sssssdddddsld", write->slide, to->region, to->state, to->reason, to->outline, to->x, to->y,
                to->area_um2, to->maximum, to->mean, write->reviewer, revision, now) < 0) {
        return FALSE;
    }
    for (const char *const *old = change->supersedes; old && *old; old++) {
        if (sql_run(store->sql, error,
                    "UPDATE review_region SET superseded = ? WHERE slide = ? AND region = ?", "sss",
                    to->region, write->slide, *old) < 0) {
            return FALSE;
        }
    }
    return log_change(store, write, revision, now, item, before, after, error);
}

gboolean review_decide(Store *store, const ReviewWrite *write, const ReviewDecision *decision,
                       const char *const *supersedes, GError **error)
{
    gboolean rejected = g_str_equal(decision->state, "rejected");
    if (!known_name(decision->state, review_region_states, "state of a region", error) ||
        (rejected && !known_name(decision->reason, review_reasons, "reason", error))) {
        return FALSE;
    }
    if (!rejected && *decision->reason) {
        return wsi_error_input(error, "only a rejected region has a reason; this one is %s", decision->state);
    }
    if (!isfinite(decision->x) || !isfinite(decision->y)) {
        return wsi_error_input(error, "the position of region %s is not a number", decision->region);
    }
    return store_write(store, decide,
                       &(Change){.write = write, .decision = decision, .supersedes = supersedes}, error);
}

/* ---- regions drawn by hand ---- */

static char *drawn_line(const char *label, const char *ring)
{
    return json_line(json_pack("{s:s, s:s}", "label", label, "ring", ring));
}

/* Sets *change->id to the region that has the change's key already; 0: there is none.  FALSE with error, also when it is another region. */
static gboolean find_drawn(Store *store, const Change *change, GError **error)
{
    *change->id = 0;
    sqlite3_stmt *query =
        change->key ? sql_query(store->sql, error,
                                "SELECT id, label, ring FROM review_drawn WHERE slide = ? AND key = ?", "ss",
                                change->write->slide, change->key)
                    : NULL;
    const int found = query ? sql_step(query, error) : change->key ? -1 : 0;
    if (found == 1) {
        g_autofree char *label = sql_text(query, 1), *ring = sql_text(query, 2);
        *change->id = sqlite3_column_int(query, 0);
        sql_end(query);
        if (!g_str_equal(label, change->label) || !g_str_equal(ring, change->ring)) {
            return wsi_error_input(error,
                                   "the key \"%s\" belongs to drawn region %d of %s, which is another one",
                                   change->key, *change->id, change->write->slide);
        }
    }
    return found >= 0;
}

static gboolean draw(Store *store, const void *data, GError **error)
{
    const Change *change = data;
    const ReviewWrite *write = change->write;
    int64_t revision;
    double now;
    if (!find_drawn(store, change, error)) {
        return FALSE;
    }
    if (*change->id) {
        return TRUE;
    }
    sqlite3_stmt *query =
        sql_query(store->sql, error, "SELECT coalesce(max(id), 0) + 1 FROM review_drawn WHERE slide = ?", "s",
                  write->slide);
    if (!query || sql_step(query, error) != 1) {
        return FALSE;
    }
    *change->id = sqlite3_column_int(query, 0);
    sql_end(query);
    g_autofree char *item = g_strdup_printf("drawn %d", *change->id);
    g_autofree char *after = drawn_line(change->label, change->ring);
    return next_revision(store, write, &revision, &now, error) &&
           sql_run(store->sql, error,
                   "INSERT INTO review_drawn(slide, id, label, ring, reviewer, revision, changed, key)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                   "sissslds", write->slide, *change->id, change->label, change->ring, write->reviewer,
                   revision, now, change->key) >= 0 &&
           log_change(store, write, revision, now, item, NULL, after, error);
}

gboolean review_draw(Store *store, const ReviewWrite *write, const char *label, const char *ring,
                     const char *key, int *id, GError **error)
{
    return known_name(label, review_drawn_labels, "label", error) &&
           store_write(store, draw,
                       &(Change){.write = write, .label = label, .ring = ring, .key = key, .id = id}, error);
}

static gboolean erase(Store *store, const void *data, GError **error)
{
    const Change *change = data;
    const ReviewWrite *write = change->write;
    g_autofree char *item = g_strdup_printf("drawn %d", *change->id), *before = NULL;
    int64_t last = 0, revision;
    double now;
    gboolean erased = FALSE;
    sqlite3_stmt *query =
        sql_query(store->sql, error,
                  "SELECT label, ring, revision, erased FROM review_drawn WHERE slide = ? AND id = ?", "si",
                  write->slide, *change->id);
    int found = query ? sql_step(query, error) : -1;
    if (found == 1) {
        g_autofree char *label = sql_text(query, 0), *ring = sql_text(query, 1);
        before = drawn_line(label, ring);
        last = sqlite3_column_int64(query, 2);
        erased = sqlite3_column_int(query, 3) != 0;
        sql_end(query);
    } else if (found == 0) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_ABSENT, "%s has no drawn region %d", write->slide,
                    *change->id);
    }
    if (erased) {
        return TRUE; /* the same request again, whose answer was lost */
    }
    return found == 1 && check_seen(write, last, item, error) &&
           next_revision(store, write, &revision, &now, error) &&
           sql_run(store->sql, error,
                   "UPDATE review_drawn SET erased = 1, reviewer = ?, revision = ?, changed = ?"
                   " WHERE slide = ? AND id = ?",
                   "sldsi", write->reviewer, revision, now, write->slide, *change->id) >= 0 &&
           log_change(store, write, revision, now, item, before, NULL, error);
}

gboolean review_erase(Store *store, const ReviewWrite *write, int id, GError **error)
{
    return store_write(store, erase, &(Change){.write = write, .id = &id}, error);
}

/* ---- the files ---- */

static gboolean set_exported(Store *store, const void *data, GError **error)
{
    const ReviewWrite *write = data;
    return sql_run(store->sql, error, "UPDATE review SET exported = max(exported, ?) WHERE slide = ?", "ls",
                   write->seen, write->slide) >= 0;
}

gboolean review_set_exported(Store *store, const char *slide, int64_t revision, GError **error)
{
    return store_write(store, set_exported, &(ReviewWrite){.slide = slide, .seen = revision}, error);
}
