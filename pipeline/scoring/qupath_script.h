/* Scripts for QuPath 0.5 and later, in Groovy.
 *
 * wsiflow.groovy is in the folder of heatmap.ome.tif.  It lays the values of that file over the slide that is open, at its place in QuPath's frame, and adds
 * the objects of regions.geojson, if that file is there and says that it is of the same slide (look->title) and threshold.  It reads both from its own folder, so the folder of a run can be moved.  Running it
 * again replaces the overlay and adds no object twice.  The texts are pipeline/scoring/qupath/; the settings come before them. */
#pragma once
#include "pipeline/scoring/heatmap_look.h"
#include "tiler/slide/slide.h"

/* The name of the script of a slide. */
extern const char *const qupath_script_file;
/* Writes it into the folder.  sha256 may be NULL.  Errors as those of durable_write_file. */
gboolean qupath_script_write(const char *folder, const HeatmapLook *look, const SlideInfo *info,
                             char sha256[65], GError **error);
/* The script for all slides of the table images.csv (pipeline/cli/cmd_qupath.c).  Static. */
const char *qupath_script_cohort(void);
