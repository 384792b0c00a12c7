/* Inside annotations/: the checks between drafts and outlines, the same for all dialects. */
#pragma once
#include "annotations/read/annotation_read.h"
#include "annotations/read/source.h"

/* The checked annotation: labels by the rules, repairs, bounds.  Takes drafts and warnings out of the source.  Caller frees; NULL with
 * WSI_ERROR_INPUT or WSI_ERROR_MEMORY. */
Annotation *outline_check(Source *source, const char *dialect, const GroupSpec *groups, GError **error);

/* ---- its parts ---- */

/* Gives each draft its label (group_rules.c); an error that names all groups without one. */
gboolean groups_label(Source *source, const GroupSpec *groups, GError **error);
/* Reports the groups and their rules instead of checking them; parameters as for annotation_groups. */
void groups_survey(Source *source, const GroupSpec *groups, GroupFound found, void *data);
/* Finds out which outlines each hole is cut out of (holes.c); an error for a layer of negative regions alone. */
gboolean holes_resolve(Source *source, GError **error);
/* Warns of the area that is cut out of the lesions (lesion_loss.c); an error when less than 1 px is left. */
gboolean lesion_loss_check(Source *source, GError **error);
