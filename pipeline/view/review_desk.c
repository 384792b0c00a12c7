/* One Store, guarded by one lock: reviews are small, and people are slow.
 *
 * Files follow the table.  A slide's file shows one revision, and the table notes which (`exported`).  Whoever changes a review writes the files
 * afterwards, under a lock of the folder, from what the table says then; so of two processes the later one writes what both changed.  A process
 * that dies in between leaves `exported` behind the revision, which the next one sees. */
#include "pipeline/view/review_desk.h"
#include "base/durable.h"
#include "base/error.h"
#include "pipeline/cohort/folder_files.h"
#include "pipeline/view/review_export.h"
#include "pipeline/view/review_match.h"
#include "pipeline/write/json.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LOCK_SECONDS = 10, MOST_DRAWN = 10000 };

struct ReviewDesk {
    char *folder, *reviewer;
    GHashTable *by_id; /* id -> SlideEntry* */
    GMutex lock;
    Store *store;
    char *read_only;   /* why, or NULL */
    char *not_written; /* why files are behind the table, or NULL */
    struct {
        char *slide;
        GStatBuf file;
        GPtrArray *regions; /* Region*, of `slide`: people look at one slide for a while */
    } last;
    GHashTable *places; /* of all slides, as review_places_new: small, and slow to find again */
};

/* ---- opening ---- */

static gboolean open_store(ReviewDesk *desk, GError **error)
{
    g_autofree char *table = g_build_filename(desk->folder, "wsiflow.db", NULL);
    if (g_access(table, W_OK) == 0 && g_access(desk->folder, W_OK) == 0) {
        desk->store = store_open(desk->folder, error);
        if (desk->store) {
            store_bound_wait(desk->store, LOCK_SECONDS);
        }
        return desk->store != NULL;
    }
    desk->read_only = g_strdup_printf("%s cannot be written to: %s", desk->folder, g_strerror(errno));
    desk->store = store_open_existing(desk->folder, error);
    return desk->store != NULL;
}

static gboolean export(ReviewDesk *desk, const char *slide, GError **error);

/* Writes the files of all slides that are behind the table. */
static gboolean export_all(ReviewDesk *desk, GError **error)
{
    g_autoptr(GPtrArray) list = review_list(desk->store, error);
    for (guint i = 0; list && i < list->len; i++) {
        const ReviewCounts *counts = list->pdata[i];
        if (counts->exported < counts->revision && !export(desk, counts->slide, error)) {
            return FALSE;
        }
    }
    return list != NULL;
}

/* Completes what an earlier process left behind, and removes its temporary files. */
static gboolean catch_up(ReviewDesk *desk, GError **error)
{
    g_autofree char *files = g_build_filename(desk->folder, "review", NULL);
    durable_sweep(files);
    return export_all(desk, error);
}

ReviewDesk *review_desk_open(const char *folder, const GPtrArray *slides, const char *reviewer,
                             GError **error)
{
    g_autoptr(ReviewDesk) desk = g_new0(ReviewDesk, 1);
    desk->folder = g_strdup(folder);
    desk->reviewer = g_strdup(reviewer);
    desk->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    desk->places = review_places_new();
    g_mutex_init(&desk->lock);
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        g_hash_table_insert(desk->by_id, entry->id, (gpointer)entry);
    }
    return open_store(desk, error) && (desk->read_only || catch_up(desk, error)) ? g_steal_pointer(&desk)
                                                                                 : NULL;
}

static void forget_last(ReviewDesk *desk)
{
    g_clear_pointer(&desk->last.slide, g_free);
    g_clear_pointer(&desk->last.regions, g_ptr_array_unref);
}

void review_desk_free(ReviewDesk *desk)
{
    if (desk) {
        forget_last(desk);
        store_free(desk->store);
        g_hash_table_unref(desk->by_id);
        g_hash_table_unref(desk->places);
        g_mutex_clear(&desk->lock);
        g_free(desk->folder);
        g_free(desk->reviewer);
        g_free(desk->read_only);
        g_free(desk->not_written);
        g_free(desk);
    }
}

const char *review_desk_read_only(const ReviewDesk *desk)
{
    return desk->read_only;
}

/* ---- slides and regions ---- */

/* Whether the slide's annotation is the review of this very run, which a later run in the same folder has read. */
static gboolean annotation_is_own(const ReviewDesk *desk, const SlideEntry *entry)
{
    g_autofree char *own = g_build_filename(desk->folder, "review", NULL);
    g_autofree char *folder = entry->annotation ? g_path_get_dirname(entry->annotation) : NULL;
    return folder && folder_same(folder, own);
}

/* Size and frame of a slide, from the record of the stage `ingest`. */
static gboolean facts_of(const ReviewDesk *desk, const SlideEntry *entry, ReviewSlide *out, GError **error)
{
    g_autofree char *path = g_build_filename(desk->folder, "slides", entry->id, "content.json", NULL);
    json_auto_t *facts = json_read(path, error);
    const json_t *bounds = json_object_get(facts, "bounds");
    const gboolean own = annotation_is_own(desk, entry);
    *out = (ReviewSlide){.slide = entry->id,
                         .width = json_number_value(json_object_get(facts, "width")),
                         .height = json_number_value(json_object_get(facts, "height")),
                         .bounds_x = json_number_value(json_object_get(bounds, "x")),
                         .bounds_y = json_number_value(json_object_get(bounds, "y")),
                         .mpp_x = json_number_value(json_object_get(facts, "mpp_x")),
                         .mpp_y = json_number_value(json_object_get(facts, "mpp_y")),
                         .annotated = entry->annotation && !own,
                         .normal = entry->label_given && (entry->label == SLIDE_NORMAL || own)};
    return facts != NULL;
}

/* The slide's present regions; borrowed until the next call. */
static const GPtrArray *regions_of(ReviewDesk *desk, const char *slide, GError **error)
{
    g_autofree char *path = g_build_filename(desk->folder, "slides", slide, "regions.geojson", NULL);
    GStatBuf now = {0};
    gboolean there = g_stat(path, &now) == 0, found;
    if (there && desk->last.regions && g_str_equal(desk->last.slide, slide) &&
        review_same_file(&now, &desk->last.file)) {
        return desk->last.regions;
    }
    forget_last(desk);
    desk->last.regions = region_list_read(path, &found, error);
    desk->last.slide = g_strdup(slide);
    desk->last.file = now;
    return desk->last.regions;
}

/* Which orphans are on which region, as review_match_all; `regions` are those that regions_of gave last. */
static GHashTable *matches_of(ReviewDesk *desk, const GPtrArray *orphans, const GPtrArray *regions,
                              GError **error)
{
    GHashTable *places = review_places_of(desk->places, desk->last.slide, &desk->last.file);
    return review_match_all(places, orphans, regions, error);
}

/* ---- files ---- */

/* Keeps other processes from writing the files; closing the descriptor ends it.  -1 with error. */
static int lock_files(const ReviewDesk *desk, GError **error)
{
    g_autofree char *path = g_build_filename(desk->folder, "review", NULL);
    if (!durable_folder(path, error)) {
        return -1;
    }
    int lock = g_open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0);
    const gint64 until = g_get_monotonic_time() + LOCK_SECONDS * G_USEC_PER_SEC;
    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EINTR && errno != EWOULDBLOCK) || g_get_monotonic_time() > until) {
            wsi_error_errno(error, "cannot lock", path);
            close(lock);
            return -1;
        }
        g_usleep(5000);
    }
    if (lock < 0) {
        wsi_error_errno(error, "cannot open", path);
    }
    return lock;
}

static gboolean write_table(ReviewDesk *desk, GError **error)
{
    g_autoptr(GPtrArray) list = review_list(desk->store, error);
    g_autoptr(GPtrArray) reviews = g_ptr_array_new_with_free_func((GDestroyNotify)review_free);
    g_autoptr(GArray) slides = g_array_new(FALSE, TRUE, sizeof(ReviewSlide));
    for (guint i = 0; list && i < list->len; i++) {
        const char *id = ((const ReviewCounts *)list->pdata[i])->slide;
        const SlideEntry *entry = g_hash_table_lookup(desk->by_id, id);
        ReviewSlide slide = {.mpp_x = NAN, .mpp_y = NAN}; /* of a slide that is not in the run any more */
        Review *review = review_get(desk->store, id, error);
        if (!review || (entry && !facts_of(desk, entry, &slide, error))) {
            review_free(review);
            return FALSE;
        }
        slide.slide = review->slide;
        g_ptr_array_add(reviews, review);
        g_array_append_val(slides, slide);
    }
    return list &&
           review_export_table(desk->folder, reviews, (const ReviewSlide *)(void *)slides->data, error);
}

/* Writes the files of a slide as the table has it now.  A slide that is not in the run any more keeps its file. */
static gboolean export(ReviewDesk *desk, const char *slide, GError **error)
{
    int lock = lock_files(desk, error);
    g_autoptr(Review) review = lock >= 0 ? review_get(desk->store, slide, error) : NULL;
    const SlideEntry *entry = g_hash_table_lookup(desk->by_id, slide);
    ReviewSlide facts;
    gboolean good = review && (!entry || (facts_of(desk, entry, &facts, error) &&
                                          review_export_slide(desk->folder, &facts, review, error)));
    good =
        good && write_table(desk, error) && review_set_exported(desk->store, slide, review->revision, error);
    if (lock >= 0) {
        close(lock);
    }
    return good;
}

/* ---- reading ---- */

GPtrArray *review_desk_list(ReviewDesk *desk, GError **error)
{
    g_mutex_lock(&desk->lock);
    GPtrArray *list = review_list(desk->store, error);
    g_mutex_unlock(&desk->lock);
    return list;
}

static gboolean add_state(ReviewDesk *desk, const char *slide, ReviewState *state, GError **error)
{
    g_autoptr(Review) review = review_get(desk->store, slide, error);
    const GPtrArray *regions = review ? regions_of(desk, slide, error) : NULL;
    if (!regions) {
        return FALSE;
    }
    for (guint i = 0; i < review->decisions->len; i++) {
        const ReviewDecision *decision = review->decisions->pdata[i];
        state->decisions += !decision->superseded && !g_str_equal(decision->state, "open");
    }
    g_autoptr(GPtrArray) orphans = review_match_orphans(review, regions);
    g_autoptr(GHashTable) matches = matches_of(desk, orphans, regions, error);
    state->orphaned += (int)orphans->len;
    for (guint i = 0; matches && i < regions->len; i++) {
        const Region *region = regions->pdata[i];
        const GPtrArray *found = g_hash_table_lookup(matches, region->id);
        state->matched += found && !review_match_own(review, region->id) ? (int)found->len : 0;
    }
    int overruled = 0;
    const gboolean good = matches && review_export_overruled(review, &overruled, error);
    state->overruled += overruled;
    return good;
}

gboolean review_desk_state(ReviewDesk *desk, ReviewState *state, GError **error)
{
    *state = (ReviewState){0};
    g_autoptr(GPtrArray) list = review_desk_list(desk, error);
    gboolean good = list != NULL;
    for (guint i = 0; good && i < list->len; i++) {
        const char *slide = ((const ReviewCounts *)list->pdata[i])->slide;
        gboolean listed = g_hash_table_contains(desk->by_id, slide);
        state->unlisted += !listed;
        g_mutex_lock(&desk->lock); /* for one slide at a time: a large cohort takes seconds */
        good = !listed || add_state(desk, slide, state, error);
        g_mutex_unlock(&desk->lock);
    }
    return good;
}

/* The members of a decision that the page shows; new reference.  from: the region that it was made on, when that is another one. */
static json_t *decision_json(const ReviewDecision *decision, const char *from)
{
    json_t *object = json_pack("{s:s, s:s, s:I}", "state", decision->state, "reason", decision->reason,
                               "revision", (json_int_t)decision->revision);
    if (from) {
        json_object_set_new(object, "from", json_string(from));
    }
    return object;
}

/* The states of the present regions: their own, or that of an orphan on the same place. */
static json_t *regions_json(const Review *review, const GPtrArray *regions, GHashTable *matches)
{
    json_t *object = json_object();
    for (guint i = 0; i < regions->len; i++) {
        const Region *region = regions->pdata[i];
        const ReviewDecision *own = review_match_own(review, region->id);
        const GPtrArray *found = g_hash_table_lookup(matches, region->id);
        const ReviewDecision *shown = own ? own : found ? found->pdata[0] : NULL;
        if (shown) {
            json_object_set_new(object, region->id, decision_json(shown, own ? NULL : shown->region));
        }
    }
    return object;
}

/* New reference; the outline is an array of rings. */
static json_t *orphans_json(const GPtrArray *orphans)
{
    json_t *list = json_array();
    for (guint i = 0; i < orphans->len; i++) {
        const ReviewDecision *decision = orphans->pdata[i];
        json_t *object = decision_json(decision, NULL);
        json_object_set_new(object, "id", json_string(decision->region));
        json_object_set_new(object, "outline", json_loads(decision->outline, 0, NULL));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *drawn_json(const Review *review)
{
    json_t *list = json_array();
    for (guint i = 0; i < review->drawn->len; i++) {
        const ReviewDrawn *drawn = review->drawn->pdata[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:s*, s:s, s:o, s:I}", "id", drawn->id, "key", drawn->key,
                                        "label", drawn->label, "ring", json_loads(drawn->ring, 0, NULL),
                                        "revision", (json_int_t)drawn->revision));
    }
    return list;
}

static json_t *review_json(ReviewDesk *desk, const char *slide, GError **error)
{
    g_autoptr(Review) review = review_get(desk->store, slide, error);
    const GPtrArray *regions = review ? regions_of(desk, slide, error) : NULL;
    g_autoptr(GPtrArray) orphans = regions ? review_match_orphans(review, regions) : NULL;
    g_autoptr(GHashTable) matches = orphans ? matches_of(desk, orphans, regions, error) : NULL;
    const gboolean written = review && review->exported == review->revision;
    return !matches ? NULL
                    : json_pack("{s:s, s:s, s:s, s:I, s:f, s:b, s:s*, s:o, s:o, s:i, s:o}", "slide", slide,
                                "state", review->state, "note", review->note, "revision",
                                (json_int_t)review->revision, "changed", review->changed, "exported", written,
                                "export_error", written ? NULL : desk->not_written, "regions",
                                regions_json(review, regions, matches), "drawn", drawn_json(review),
                                "orphaned", (int)orphans->len, "orphans", orphans_json(orphans));
}

json_t *review_desk_json(ReviewDesk *desk, const SlideEntry *entry, GError **error)
{
    g_mutex_lock(&desk->lock);
    json_t *object = review_json(desk, entry->id, error);
    g_mutex_unlock(&desk->lock);
    return object;
}

/* ---- changes ---- */

/* Begins a change: takes the lock.  FALSE with error, and without the lock, when nothing may be changed. */
static gboolean begin(ReviewDesk *desk, GError **error)
{
    if (desk->read_only) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "the review can only be read: %s", desk->read_only);
        return FALSE;
    }
    g_mutex_lock(&desk->lock);
    /* Otherwise the table of one run would change, and the files of another. */
    if (!store_in_place(desk->store, error)) {
        g_mutex_unlock(&desk->lock);
        g_prefix_error(error, "start wsiflow view again: ");
        return FALSE;
    }
    return TRUE;
}

/* Ends a change: what was changed is in the table even when its files cannot be written now.  Once they can, those of other slides that are
 * behind are written too. */
static gboolean end(ReviewDesk *desk, const SlideEntry *entry, gboolean changed)
{
    g_autoptr(GError) why = NULL;
    if (changed && export(desk, entry->id, &why) && (!desk->not_written || export_all(desk, &why))) {
        g_clear_pointer(&desk->not_written, g_free);
    } else if (changed) {
        g_free(desk->not_written);
        desk->not_written = g_strdup(why->message);
    }
    g_mutex_unlock(&desk->lock);
    return changed;
}

gboolean review_desk_mark(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, const char *state,
                          const char *note, GError **error)
{
    const ReviewWrite write = {entry->id, seen, desk->reviewer};
    return begin(desk, error) && end(desk, entry, review_mark(desk->store, &write, state, note, error));
}

/* The decision on a present region, with what it replaces; or on one of earlier settings, as it was. */
static gboolean decide(ReviewDesk *desk, const ReviewWrite *write, const char *id, const char *state,
                       const char *reason, GError **error)
{
    g_autoptr(Review) review = review_get(desk->store, write->slide, error);
    const GPtrArray *regions = review ? regions_of(desk, write->slide, error) : NULL;
    if (!regions) {
        return FALSE;
    }
    const Region *region = region_list_find(regions, id);
    const ReviewDecision *own = review_match_own(review, id);
    if (!region && !own) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_ABSENT, "%s has no region %s", write->slide, id);
        return FALSE;
    }
    ReviewDecision to = own ? *own : (ReviewDecision){.region = (char *)id};
    to.state = (char *)state;
    to.reason = (char *)reason;
    g_autofree char *outline = region ? shape_text(region->shape) : NULL;
    g_autoptr(GPtrArray) orphans = review_match_orphans(review, regions);
    g_autoptr(GHashTable) matches = matches_of(desk, orphans, regions, error);
    const GPtrArray *replaced = matches && region ? g_hash_table_lookup(matches, id) : NULL;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; replaced && i < replaced->len; i++) {
        g_ptr_array_add(ids, ((const ReviewDecision *)replaced->pdata[i])->region);
    }
    g_ptr_array_add(ids, NULL);
    if (region) {
        to.outline = outline;
        to.area_um2 = region->area_um2;
        to.maximum = region->maximum;
        to.mean = region->mean;
        shape_centre(region->shape, &to.x, &to.y);
    }
    return matches && review_decide(desk->store, write, &to, (const char *const *)ids->pdata, error);
}

gboolean review_desk_decide(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, const char *region,
                            const char *state, const char *reason, GError **error)
{
    const ReviewWrite write = {entry->id, seen, desk->reviewer};
    return begin(desk, error) && end(desk, entry, decide(desk, &write, region, state, reason, error));
}

/* What a drawn ring is kept as; caller frees. */
static char *check_ring(ReviewDesk *desk, const SlideEntry *entry, const json_t *ring, GError **error)
{
    ReviewSlide slide;
    g_autoptr(Shape) shape = facts_of(desk, entry, &slide, error)
                                 ? shape_read_drawn(ring, slide.width, slide.height, error)
                                 : NULL;
    g_autofree char *text = shape ? shape_text(shape) : NULL;
    return text ? g_strndup(text + 1, strlen(text) - 2) : NULL; /* the one ring */
}

static gboolean draw(ReviewDesk *desk, const SlideEntry *entry, const char *label, const json_t *ring,
                     const char *key, GError **error)
{
    const ReviewWrite write = {entry->id, 0, desk->reviewer};
    g_autofree char *text = check_ring(desk, entry, ring, error);
    g_autoptr(Review) review = text ? review_get(desk->store, entry->id, error) : NULL;
    int id;
    if (review && review->drawn->len >= MOST_DRAWN) {
        return wsi_error_input(error, "%s already has %d drawn regions, the most there can be", entry->id,
                               MOST_DRAWN);
    }
    return review && review_draw(desk->store, &write, label, text, key, &id, error);
}

gboolean review_desk_draw(ReviewDesk *desk, const SlideEntry *entry, const char *label, const json_t *ring,
                          const char *key, GError **error)
{
    return begin(desk, error) && end(desk, entry, draw(desk, entry, label, ring, key, error));
}

gboolean review_desk_erase(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, int id, GError **error)
{
    const ReviewWrite write = {entry->id, seen, desk->reviewer};
    return begin(desk, error) && end(desk, entry, review_erase(desk->store, &write, id, error));
}
