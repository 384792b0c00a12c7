/* Inside annotations/: outlines for a dialect that has no holes. */
#pragma once
#include "annotations/outline/outline.h"

/* The annotation's outlines without holes and families, for ASAP.  They cover the same lesion.  Array of Outline*, owned; caller unrefs.  NULL
 * with WSI_ERROR_INPUT where no such outlines exist, or WSI_ERROR_MEMORY. */
GPtrArray *slits_outlines(const Annotation *annotation, GError **error);
