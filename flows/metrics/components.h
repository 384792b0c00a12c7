/* Connected regions of a mask.  Pure; any thread. */
#pragma once
#include "base/image.h"

/* label (height, width): 0 = background, 1..count = the regions in the order of their first pixel, row by row. */
typedef struct {
    int width, height, count;
    int *label;
    int *size; /* pixels of region i at size[i]; size[0] = background */
} Components;

/* The regions of pixels of a mask (1 channel) that are not 0, connected by their eight neighbours.  Caller frees; NULL with
 * WSI_ERROR_MEMORY. */
Components *components_new(const Image *mask, GError **error);
void components_free(Components *components);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Components, components_free)
/* The length (px) of the major axis of the ellipse that has the region's second moments: 4 sqrt(larger eigenvalue of the covariance of its
 * pixel centres), as regionprops of scikit-image has it.  out (count + 1); out[0] is 0.  FALSE with WSI_ERROR_MEMORY. */
gboolean components_major_axes(const Components *components, double *out, GError **error);
/* Grows a mask to all pixels whose distance from the nearest pixel that is not 0 is < radius_px, and fills its holes: background that is
 * not connected to the border by four neighbours.  A new mask of 0 and 1; caller frees; NULL with WSI_ERROR_MEMORY. */
Image *components_grow(const Image *mask, double radius_px, GError **error);
