/* Writes tiled TIFF pyramids that other programs open correctly.
 *
 * PYRAMID_MULTI_IFD: levels are successive directories, with NewSubfileType 1 from level 1 on; for OpenSlide,
 * ASAP, vips, QuPath (RGB).  PYRAMID_OME: level 0 with SubIFDs and OME-XML, plane by plane; for QuPath through Bio-Formats,
 * tifffile, napari.  The bytes depend only on the pixels, the options and the library versions: there is no date and no host
 * name.  Whether the file is BigTIFF is decided beforehand from the largest possible size. */
#pragma once
#include "tiler/pyramid/pyramid_spec.h"
#include "base/image.h"

/* Fills rows [y, y + rows) of level 0, (rows, width, channels), packed.  Called in ascending
 * order, once for each row, from one thread.  rows is at most the tile height. */
typedef gboolean (*PyramidSource)(void *data, int64_t y, int rows, void *pixels, GError **error);

/* Writes and publishes the file (base/durable.h).  Memory is limited to a few rows of tiles per level.  sha256 may be NULL. */
gboolean pyramid_write(const char *path, const PyramidSpec *spec, PyramidSource source, void *data,
                       char sha256[65], GError **error);
/* The same for `count` planes, one after the other; data: of the source, for each plane. */
gboolean pyramid_write_planes(const char *path, const PyramidSpec *spec, PyramidSource source,
                              void *const *data, int count, char sha256[65], GError **error);
/* The same from a whole image or map. */
gboolean pyramid_write_image(const char *path, const PyramidSpec *spec, const Image *image, char sha256[65],
                             GError **error);
gboolean pyramid_write_map(const char *path, const PyramidSpec *spec, const Map *map, char sha256[65],
                           GError **error);
/* A map per plane of the specification. */
gboolean pyramid_write_maps(const char *path, const PyramidSpec *spec, const Map *const *maps, int count,
                            char sha256[65], GError **error);
