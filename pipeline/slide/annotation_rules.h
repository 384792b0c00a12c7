/* What the groups of annotations mean: the rules of slides.groups and the built-in ones. */
#pragma once
#include "annotations/outline/outline.h"
#include "pipeline/config/groups.h"

/* The rules in the order in which they apply, ended by a rule without a group: those of `groups` (GroupName*, may be NULL), the built-in
 * ones, and last the one for all other groups ("*").  is_mask: the built-in rules are those of label masks, where 1 and 255 are lesions;
 * otherwise they are the groups of Camelyon16.  region: regions of interest take the place of lesions.  Array of GroupRule, which borrow the
 * names; caller unrefs. */
GArray *annotation_rules_new(const GPtrArray *groups, gboolean is_mask, gboolean region);
