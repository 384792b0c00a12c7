/* What people say of the results of a run: states and notes of slides, decisions on regions, regions drawn by hand.
 *
 * The only part of the job table that no run computes and no run removes.  A decision keeps a copy of its region's outline and scores as they
 * were when it was made, so it outlives a later run in which the region has changed.  Nothing is deleted: a decision that is taken back is
 * "open", a drawn region that is erased keeps its row, and each change is a row of a log with what it replaced.
 *
 * revision: counts the changes of one slide's review from 1; 0: there was none.  Each item also keeps the revision at which it last changed.
 * A writer says which revision it saw; when the item that it writes has changed since, nothing is written and the error is WSI_ERROR_LOST.
 * Two writers of different items of a slide do not disturb each other.  WSI_ERROR_INPUT: a state, reason or number that is not allowed.
 * Texts are stored as given; coordinates are level-0 px of the uncropped slide.  Threads as in store.h. */
#pragma once
#include "db/store.h"

/* Lists of names; the last entry is NULL. */
extern const char *const review_slide_states[];  /* open, in progress, done, excluded */
extern const char *const review_region_states[]; /* open, confirmed, rejected */
extern const char *const review_reasons[];       /* why a region is rejected: pen, fold, ... */
extern const char *const review_drawn_labels[];  /* lesion, normal */

typedef struct {
    char *region;         /* its UUID */
    char *state, *reason; /* reason: "" unless rejected */
    char *outline;        /* rings as a JSON array [[[x,y],...],...], the outer ring and then its holes */
    double x, y;          /* level-0 px: its centroid */
    double area_um2;      /* NAN: not known, as for the next two */
    double maximum, mean; /* scores */
    char *superseded;     /* UUID of the region whose decision replaced this one, or NULL */
    char *reviewer;       /* who decided; "" = not known */
    int64_t revision;     /* of the last change */
    double changed;       /* when: seconds since 1970 */
} ReviewDecision;

typedef struct {
    int id;      /* from 1, unique in the slide, never used again */
    char *key;   /* what its writer calls it, or NULL */
    char *label; /* of review_drawn_labels */
    char *ring;  /* [[x,y],...] */
    char *reviewer;
    int64_t revision;
    double changed;
} ReviewDrawn;

typedef struct {
    char *slide, *state, *note;
    int64_t revision;     /* of the slide's review */
    int64_t marked;       /* at which state or note last changed */
    int64_t exported;     /* the last one whose files are complete */
    double changed;       /* when the revision was made; 0: never */
    GPtrArray *decisions; /* ReviewDecision*, owned, by region; also those that are open or superseded */
    GPtrArray *drawn;     /* ReviewDrawn*, owned, by id; without erased ones */
} Review;
void review_free(Review *review);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Review, review_free)

/* The review of a slide; an empty one when there is none.  Caller frees; NULL with error. */
Review *review_get(Store *store, const char *slide, GError **error);

/* Counts for a list of slides; decisions that are superseded do not count. */
typedef struct {
    char *slide, *state, *note;
    int64_t revision, exported;
    int confirmed, rejected, drawn;
} ReviewCounts;
/* Of all slides that have a review, by name: array of ReviewCounts*, owned.  Caller unrefs; NULL with error. */
GPtrArray *review_list(Store *store, GError **error);

/* Who writes what, and what they saw. */
typedef struct {
    const char *slide;
    int64_t seen;         /* the revision that the writer saw */
    const char *reviewer; /* "" = not known */
} ReviewWrite;
/* Each is one transaction and adds 1 to the revision.  A change to what is already there is none: TRUE, and no new revision. */
gboolean review_mark(Store *store, const ReviewWrite *write, const char *state, const char *note,
                     GError **error);
/* decision: region, state, reason, outline, x, y, area_um2, maximum, mean; the rest is ignored.  When the region has a decision, its outline
 * and scores are replaced too; the log keeps them.  supersedes: UUIDs whose decisions this one replaces; NULL-terminated; NULL: none. */
gboolean review_decide(Store *store, const ReviewWrite *write, const ReviewDecision *decision,
                       const char *const *supersedes, GError **error);
/* Adds a region and sets *id.  `seen` is ignored: nothing can be lost.  key: unique in the slide, chosen by the writer, so that the same region
 * sent again is added once; NULL: none.  WSI_ERROR_INPUT when another region has the key. */
gboolean review_draw(Store *store, const ReviewWrite *write, const char *label, const char *ring,
                     const char *key, int *id, GError **error);
/* WSI_ERROR_ABSENT when there never was such a region; one that is erased already stays so. */
gboolean review_erase(Store *store, const ReviewWrite *write, int id, GError **error);
/* The files that show this revision, or a later one, are complete. */
gboolean review_set_exported(Store *store, const char *slide, int64_t revision, GError **error);

/* The log of a slide, oldest first.  before, after: JSON of the item; before is NULL for a new one, after for an erased one. */
typedef struct {
    int64_t revision;
    double changed;
    char *reviewer, *item; /* item: "slide", "region UUID", "drawn N" */
    char *before, *after;
} ReviewChange;
/* Array of ReviewChange*, owned.  Caller unrefs; NULL with error. */
GPtrArray *review_log(Store *store, const char *slide, GError **error);
