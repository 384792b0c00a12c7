/* Is a patch set what its manifest says, and do its slides still give it? */
#pragma once
#include <glib.h>

/* Largest mean difference (grey levels) of a JPEG image from the tile that is cut and encoded again; PNG must be equal. */
#define VERIFY_JPEG_TOLERANCE 2.0

/* Hashes the manifest of the run in `folder`, which its card names, and every image that it names, and cuts `sample` of them (drawn by run.seed) again.  Prints a line for each
 * that differs and a summary to standard output.  *differ: how many do. */
gboolean verify_dataset(const char *folder, int sample, int threads, int *differ, GError **error);
