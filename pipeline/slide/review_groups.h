/* The groups of a review's outlines: what the review page writes and what annotations are read by.  Names of two parts are derived classes in
 * QuPath, so they survive a round through it. */
#pragma once

#define REVIEW_CONFIRMED "Review: confirmed"       /* lesion: a region that a person confirmed */
#define REVIEW_DRAWN_LESION "Review: drawn lesion" /* lesion: drawn by hand */
#define REVIEW_DRAWN_NORMAL "Review: drawn normal" /* normal: drawn by hand */
#define REVIEW_NORMAL "Review: normal"             /* a whole slide on which nothing was found */
#define REVIEW_REJECTED \
    "Review: rejected" /* normal, although the model found it; a reason follows after ", " */
#define REVIEW_UNKNOWN "Review: unknown" /* nobody has said what is there */
