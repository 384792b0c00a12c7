/* What the groups of annotations mean: the rules of slides.groups and the built-in ones. */
#pragma once
#include "annotations/outline/outline.h"
#include "pipeline/config/groups.h"

/* What of an annotation is wanted.  For lesions, all that is `not`, `hard` or `unknown` is cut out of them.  For the others, only outlines of that
 * kind count, and they get the label of lesions. */
typedef enum {
    PART_LESIONS,
    PART_REGIONS, /* roi: regions of interest */
    PART_HARD,    /* hard: normal tissue, or an artefact, that looks like lesion */
    PART_UNKNOWN  /* unknown: nobody has said what is there */
} AnnotationPart;

/* The rules in the order in which they apply, ended by a rule without a group: those of `groups` (GroupName*, may be NULL), the built-in
 * ones, and last the one for all other groups ("*").  is_mask: the built-in rules are those of label masks, where 1 and 255 are lesions;
 * otherwise they are the groups of a review (review_groups.h) and of Camelyon16.  Array of GroupRule, which borrow the names; caller unrefs. */
GArray *annotation_rules_new(const GPtrArray *groups, gboolean is_mask, AnnotationPart part);
/* Whether the group is one of a review. */
gboolean annotation_rules_is_review(const char *group);
