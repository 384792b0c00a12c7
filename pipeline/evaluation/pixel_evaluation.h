/* Pixel-level metrics: AUROC, average precision, best F1 and AUPRO from score maps and masks. */
#pragma once
#include <glib.h>
#include <jansson.h>

/* maps: folder of NAME.npy (float32, two dimensions; NaN = no score, not counted).  masks: folder of a label mask of each
 * (tiler/label_mask/label_mask.h), NAME.png, NAME.tif or NAME.tiff, of the same size; what is not 0 is anomalous.  A map without a mask is
 * normal.  As pixel_set_metrics for images (pixel_set.h); NULL with error. */
json_t *pixel_evaluation(const char *maps, const char *masks, GError **error);
/* The same as lines of text.  Caller frees. */
char *pixel_evaluation_text(const json_t *metrics);
