/* Label masks of other programs, TIFF or PNG, as one label from 0 to 255 per pixel, row by row.
 *
 * Accepted are
 *   - whole numbers of 1 to 32 bits, signed or not, with values from 0 to 255;
 *   - palettes whose first colour is black or transparent: the index is the label;
 *   - RGB, and all other palettes: black and transparent pixels are label 0, and each other colour is a label, at most 255 of them.
 * A TIFF is tiled or in strips, with any lossless compression of libtiff.  Its first directory is read; all others must be
 * smaller copies of it, by their sizes.  Rows and columns must be in order: another orientation is an error, as for slides. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct LabelMask LabelMask;

/* Whether the file begins like a TIFF or PNG.  FALSE with error when the system fails to read it. */
gboolean label_mask_detect(const char *path, gboolean *found, GError **error);
/* NULL with WSI_ERROR_INPUT for broken geometry, and for pixels that are not labels (floats, 0 as white, YCbCr, ...), with the reason; or
 * with the error of the system. */
LabelMask *label_mask_open(const char *path, GError **error);
void label_mask_free(LabelMask *mask);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabelMask, label_mask_free)
int64_t label_mask_width(const LabelMask *mask);
int64_t label_mask_height(const LabelMask *mask);

/* Receives row y (width labels, borrowed).  FALSE with error stops the reading. */
typedef gboolean (*LabelMaskRow)(void *data, int64_t y, const uint8_t *values, GError **error);
/* Passes all rows to `row` in ascending order, from the calling thread; memory for one row of tiles.  A part that cannot be decoded is an
 * error, since a mask with gaps would say "no lesion" where this is not known. */
gboolean label_mask_read(LabelMask *mask, LabelMaskRow row, void *data, GError **error);
/* After label_mask_read(): the name of a label (1 to 255): its number, or #rrggbb when the image has colours that are not grey.  Caller
 * frees. */
char *label_mask_name(const LabelMask *mask, int label);
/* How labels were made from pixels, for the user; NULL when a label is simply the value of its pixels. */
const char *label_mask_note(const LabelMask *mask);
