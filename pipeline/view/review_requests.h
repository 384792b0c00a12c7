/* Requests of the review page: JSON in, JSON out.  The web server is not needed for them. */
#pragma once
#include "pipeline/view/review_desk.h"

/* Limits of what a request may say. */
enum { REVIEW_NOTE_BYTES = 4000, REVIEW_RING_POINTS = 5000, REVIEW_KEY_BYTES = 64 };

/* Each returns the slide's review after the change (review_desk_json), or {"error": TEXT}, and the HTTP status:
 *   200: the change is kept, and its files are written unless "exported" is false; 400 the request is wrong; 404 no such region; 409 somebody else has changed the same item since: {"error", "review": the review as it
 *   is now}; 403 the run can only be read; 507 the disk is full, 503 the system failed. */
json_t *review_request_get(ReviewDesk *desk, const SlideEntry *entry, int *status);
/* {"state", "note", "revision"} */
json_t *review_request_mark(ReviewDesk *desk, const SlideEntry *entry, const char *body, size_t bytes,
                            int *status);
/* {"state", "reason", "revision"}; reason only with state "rejected" */
json_t *review_request_decide(ReviewDesk *desk, const SlideEntry *entry, const char *region, const char *body,
                              size_t bytes, int *status);
/* {"ring": [[x,y],...], "label": "lesion" or "normal", "key": TEXT}; label may be left out: "lesion".  A region with a key that the slide has
 * already is not added again, so a request whose answer was lost can be repeated. */
json_t *review_request_draw(ReviewDesk *desk, const SlideEntry *entry, const char *body, size_t bytes,
                            int *status);
/* {"revision"} */
json_t *review_request_erase(ReviewDesk *desk, const SlideEntry *entry, int id, const char *body,
                             size_t bytes, int *status);
