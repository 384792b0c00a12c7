/* Label masks of any program, TIFF or PNG, as one label from 0 to 255 a pixel, row by row.
 *
 * Whole numbers of 1 to 32 bits, signed or not, with values from 0 to 255; palettes whose first colour is black or transparent (the
 * index counts).  Images of RGB, and with any other palette: black and what is transparent is label 0, each other colour a label, at
 * most 255 of them.  TIFF tiled or in strips, with any compression of libtiff; the first directory is read, and the others must be
 * smaller copies of it, by their sizes.  Rows and columns are in order: an orientation tag is an error, as for slides. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Labels Labels;

/* Whether the file begins as TIFF or PNG do.  FALSE with error when the system fails to read it. */
gboolean labels_detect(const char *path, gboolean *found, GError **error);
/* Errors: WSI_ERROR_INPUT (broken geometry; floats, 0 as white, YCbCr and what else is no label, by its name), or what the system
 * failed with. */
Labels *labels_open(const char *path, GError **error);
void labels_free(Labels *labels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Labels, labels_free)
int64_t labels_width(const Labels *labels);
int64_t labels_height(const Labels *labels);

/* Gets row y: width bytes, borrowed.  FALSE with error stops. */
typedef gboolean (*LabelsRow)(void *data, int64_t y, const uint8_t *values, GError **error);
/* Gives all rows in ascending order, from the calling thread; memory for one row of tiles. A part that cannot be decoded is an
 * error: a mask with gaps would say "no lesion" where nobody knows. */
gboolean labels_read(Labels *labels, LabelsRow row, void *data, GError **error);
/* After labels_read: what a label (1 to 255) is called: its number, or #rrggbb where the image has colours that are no greys.  Caller
 * frees. */
char *labels_name(const Labels *labels, int label);
/* What was taken for what, to be reported; NULL when a label is just the value of its pixels. */
const char *labels_note(const Labels *labels);
