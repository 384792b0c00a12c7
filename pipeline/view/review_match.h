/* Which decisions are on regions that no longer exist, and which present regions take them over. */
#pragma once
#include "db/review.h"
#include "pipeline/view/region_list.h"
#include <glib/gstdio.h>

/* The decision of the table for this region that holds (not superseded), or NULL. */
const ReviewDecision *review_match_own(const Review *review, const char *region);
/* The decisions that hold, are not "open", and whose region is none of `regions`: array of ReviewDecision*, borrowed. */
GPtrArray *review_match_orphans(const Review *review, const GPtrArray *regions);
/* Whether two states of a file are the same: nobody has written it in between. */
gboolean review_same_file(const GStatBuf *a, const GStatBuf *b);
/* What is remembered of the places of orphans, of many slides.  Owned by the caller; one thread at a time. */
GHashTable *review_places_new(void);
/* Of one slide, and of the regions that this file had: starts over when the file is another one.  Borrowed. */
GHashTable *review_places_of(GHashTable *slides, const char *slide, const GStatBuf *file);
/* The orphans that are on the same place as a region: area in both > 1/2 of the area in either.  Regions of one run do not overlap, so an orphan
 * is on the place of at most one of them.  UUID of the region -> array of ReviewDecision*, borrowed, newest first; regions without an orphan have
 * no entry.  `places` (of review_places_of) receives what is computed, so the next call computes only what is new.  Caller unrefs; NULL with error. */
GHashTable *review_match_all(GHashTable *places, const GPtrArray *orphans, const GPtrArray *regions,
                             GError **error);
