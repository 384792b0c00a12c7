/* Label masks of any program, TIFF or PNG, as one label from 0 to 255 a pixel, row by row.
 *
 * Whole numbers of 1 to 32 bits, signed or not, with values from 0 to 255; palettes whose first colour is black or transparent (the
 * index counts).  Images of RGB, and with any other palette: black and what is transparent is label 0, each other colour a label, at
 * most 255 of them.  TIFF tiled or in strips, with any compression of libtiff; the first directory is read, and the others must be
 * smaller copies of it, by their sizes.  Rows and columns are in order: an orientation tag is an error, as for slides. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct LabelMask LabelMask;

/* Whether the file begins as TIFF or PNG do.  FALSE with error when the system fails to read it. */
gboolean label_mask_detect(const char *path, gboolean *found, GError **error);
/* Errors: WSI_ERROR_INPUT (broken geometry; floats, 0 as white, YCbCr and what else is no label, by its name), or what the system
 * failed with. */
LabelMask *label_mask_open(const char *path, GError **error);
void label_mask_free(LabelMask *labels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LabelMask, label_mask_free)
int64_t label_mask_width(const LabelMask *labels);
int64_t label_mask_height(const LabelMask *labels);

/* Gets row y: width bytes, borrowed.  FALSE with error stops. */
typedef gboolean (*LabelMaskRow)(void *data, int64_t y, const uint8_t *values, GError **error);
/* Gives all rows in ascending order, from the calling thread; memory for one row of tiles. A part that cannot be decoded is an
 * error: a mask with gaps would say "no lesion" where nobody knows. */
gboolean label_mask_read(LabelMask *labels, LabelMaskRow row, void *data, GError **error);
/* After label_mask_read: what a label (1 to 255) is called: its number, or #rrggbb where the image has colours that are no greys.  Caller
 * frees. */
char *label_mask_name(const LabelMask *labels, int label);
/* What was taken for what, to be reported; NULL when a label is just the value of its pixels. */
const char *label_mask_note(const LabelMask *labels);
