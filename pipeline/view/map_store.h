/* The score maps of slides, kept in memory as long as they fit. */
#pragma once
#include "pipeline/view/map_tiles.h"
#include "pipeline/view/view.h"

/* The map of the slide in a run, as bytes for map_tiles_hold.  Caller unrefs.  NULL without error when it has none; NULL with error when it cannot
 * be read.  Thread-safe. */
GBytes *map_store_get(const View *view, const RunView *run, const RunState *state, const char *slide,
                      GError **error);
