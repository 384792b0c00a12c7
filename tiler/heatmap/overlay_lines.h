/* Outlines that are drawn on an overlay.  For this folder only. */
#pragma once
#include "base/ring.h"
#include <glib.h>
#include <stdint.h>

typedef struct OverlayLines OverlayLines;

/* Copies the outlines, which are in cells of the map.  scale_*: px of the overlay's level 0 per cell; width, height: of level 0.  NULL with WSI_ERROR_MEMORY. */
OverlayLines *overlay_lines_new(const Ring *rings, int count, double scale_x, double scale_y, int64_t width,
                                int64_t height, GError **error);
void overlay_lines_free(OverlayLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OverlayLines, overlay_lines_free)
/* Draws on the width x rows RGB pixels at (x, y) of the level, `stride` bytes from row to row: a black line with a white border on each
 * side, which shows on every colour, with the same width in px on every level.  Any number of threads. */
void overlay_lines_draw(const OverlayLines *lines, int level, int64_t x, int64_t y, int width, int rows,
                        void *pixels, size_t stride);
