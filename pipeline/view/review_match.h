/* Which decisions are on regions that no longer exist, and which present regions take them over. */
#pragma once
#include "db/review.h"
#include "pipeline/view/region_list.h"

/* The decision of the table for this region that holds (not superseded), or NULL. */
const ReviewDecision *review_match_own(const Review *review, const char *region);
/* The decisions that hold, are not "open", and whose region is none of `regions`: array of ReviewDecision*, borrowed. */
GPtrArray *review_match_orphans(const Review *review, const GPtrArray *regions);
/* The orphans that are on the same place as the region: area in both > 1/2 of the area in either.  Regions of one run do not overlap, so an orphan
 * is on the place of at most one of them.  Newest first; array of ReviewDecision*, borrowed.  NULL with error. */
GPtrArray *review_match_find(const GPtrArray *orphans, const Region *region, GError **error);
