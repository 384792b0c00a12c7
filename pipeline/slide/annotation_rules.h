/* What the groups of annotations mean: the rules of slides.groups and those that are known without it. */
#pragma once
#include "annotations/outline.h"
#include "pipeline/config/groups.h"

/* The rules in the order in which they are asked, ended by one without a group: those of `groups` (GroupName*, may be NULL), those that
 * are known, and last the one for all other groups ("*").  is_mask: of a label mask, where the labels 1 and 255 are known as lesions; else
 * the groups of Camelyon16 are known.  region: the regions of interest take the place of lesions.  The names are borrowed.  Array of
 * GroupRule; caller unrefs. */
GArray *annotation_rules_new(const GPtrArray *groups, gboolean is_mask, gboolean region);
