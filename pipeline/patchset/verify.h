/* Verification: is a patch set what its manifest says, and do the slides still give the same images? */
#pragma once
#include <glib.h>

/* The largest mean difference in grey levels between a JPEG and the tile that is cut and encoded again.  PNG must be equal. */
#define VERIFY_JPEG_TOLERANCE 2.0

/* Hashes all files of the patch set of the run in `folder` and cuts `sample` of its images again (drawn by run.seed).  Prints a line for each
 * file that differs, and a summary, to standard output.  *differ: how many differ. */
gboolean verify_dataset(const char *folder, int sample, int threads, int *differ, GError **error);
