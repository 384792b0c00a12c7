/* Label masks of any program: the values of a TIFF with one 8-bit sample a pixel, row by row.
 *
 * Tiled or in strips, any compression of libtiff, grey or palette (the index counts); the first directory is read, the others are
 * taken for its smaller levels. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Labels Labels;

/* Whether the file begins as a TIFF does; FALSE also when it cannot be read. */
gboolean labels_detect(const char *path);
/* Errors: WSI_ERROR_INPUT (no TIFF, broken geometry, more than one sample or not of 8 bits), WSI_ERROR_IO. */
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
