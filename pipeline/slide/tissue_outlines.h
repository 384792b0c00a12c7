/* The tissue mask as outlines: written for QuPath, and read back where a person has edited or drawn them. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/tissue/tissue.h"

/* Writes the pieces of a mask (0 or not 0, over the whole slide) as annotation objects of class "Tissue", with their holes and areas.  They
 * follow the mask's pixels exactly, so reading the file gives the same mask.  The frame is regions.frame.  Durable; sha256 may be NULL. */
gboolean tissue_outlines_write(const char *path, const Config *config, const char *id, const Slide *slide,
                               const Image *mask, char sha256[65], GError **error);

/* The file of a slide in tissue.outlines: STEM.geojson, the stem being that of the slide's file.  NULL when the key is empty; the file need
 * not exist.  Caller frees. */
char *tissue_outlines_path(const Config *config, const char *slide_path);
/* Replaces the mask by the outlines in that file; *found: whether there is one.  Outlines of the classes "Exclusion" and "Ignore*" are cut out,
 * all others are tissue.  The frame is the one that the file states, otherwise regions.frame.  Warnings (char*) are appended. */
gboolean tissue_outlines_apply(const Config *config, const char *slide_path, const Slide *slide,
                               Tissue *tissue, gboolean *found, GPtrArray *warnings, GError **error);
