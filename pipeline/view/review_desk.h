/* The review of a run folder while people work on it: the tables of db/review.h, the regions that they speak of, and the files.
 *
 * Every change is in the table before its files are written, and the files are complete before the call returns.  When a process dies between the
 * two, or the disk is full, the table knows, and the next change or the next start writes them.  Several processes may work on one run.
 * All functions may be called from any thread. */
#pragma once
#include "db/review.h"
#include "pipeline/cohort/cohort.h"
#include <jansson.h>

typedef struct ReviewDesk ReviewDesk;

/* slides: SlideEntry*, borrowed.  reviewer: who works here, "" = not known.  Brings files up to date that an earlier process left behind.
 * A run that cannot be written to is opened for reading.  NULL with error. */
ReviewDesk *review_desk_open(const char *folder, const GPtrArray *slides, const char *reviewer,
                             GError **error);
void review_desk_free(ReviewDesk *desk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReviewDesk, review_desk_free)
/* Why nothing can be changed, or NULL.  Borrowed. */
const char *review_desk_read_only(const ReviewDesk *desk);

/* Of all slides with a review: array of ReviewCounts*.  Caller unrefs; NULL with error. */
GPtrArray *review_desk_list(ReviewDesk *desk, GError **error);

/* How the decisions relate to the regions that the run has now. */
typedef struct {
    int decisions; /* that hold */
    int orphaned;  /* of these, on regions that no longer exist */
    int matched;   /* of these, the ones that a present region takes over */
    int overruled; /* decisions and drawn regions of which newer ones leave nothing, so that no outline is written */
    int unlisted; /* slides with a review that are not in the run any more */
} ReviewState;
/* Over all slides: reads the regions of each that has a review. */
gboolean review_desk_state(ReviewDesk *desk, ReviewState *state, GError **error);

/* The review of a slide as the page gets it (docs/REVIEW.md).  New reference; NULL with error. */
json_t *review_desk_json(ReviewDesk *desk, const SlideEntry *entry, GError **error);

/* Changes.  seen: the revision that the writer saw.  A change that is in the table is made, although its files may not be written: then the
 * review's member "exported" is false, and "export_error" says why.  Errors as in db/review.h; WSI_ERROR_ABSENT: the slide has no such region;
 * WSI_ERROR_LOST also: the folder was replaced (store_in_place), and nothing is written. */
gboolean review_desk_mark(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, const char *state,
                          const char *note, GError **error);
gboolean review_desk_decide(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, const char *region,
                            const char *state, const char *reason, GError **error);
/* key: as in review_draw. */
gboolean review_desk_draw(ReviewDesk *desk, const SlideEntry *entry, const char *label, const json_t *ring,
                          const char *key, GError **error);
gboolean review_desk_erase(ReviewDesk *desk, const SlideEntry *entry, int64_t seen, int id, GError **error);
