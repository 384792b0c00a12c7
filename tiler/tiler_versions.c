/* Versions of the libraries of this room, so that a result can be traced to the decoders and encoders that made it. */
#include "tiler/tiler_versions.h"
#include <glib.h>
#include <archive.h>
#include <cairo.h>
#include <hdf5.h>
#include <lcms2.h>
#include <libdeflate.h>
#include <openslide.h>
#include <pango/pango.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>

char *tiler_versions(void)
{
    /* "LIBTIFF, Version 4.5.0\nCopyright ...": the number alone. */
    const char *tiff = TIFFGetVersion(), *number = strstr(tiff, "Version ");
    unsigned major = 0, minor = 0, release = 0;
    number = number ? number + strlen("Version ") : tiff;
    H5get_libversion(&major, &minor, &release);
    int colours = cmsGetEncodedCMMversion(); /* 2140: 2.14 */
    return g_strdup_printf(
        "OpenSlide %s, libtiff %.*s, libjpeg-turbo %s, libpng %s, libdeflate %s, lcms2 %d.%d, %s, HDF5 "
        "%u.%u.%u, Pango %s, Cairo %s",
        openslide_get_version(), (int)strcspn(number, "\n"), number, G_STRINGIFY(LIBJPEG_TURBO_VERSION),
        png_get_libpng_ver(NULL), LIBDEFLATE_VERSION_STRING, colours / 1000, colours % 1000 / 10,
        archive_version_string(), major, minor, release, pango_version_string(), cairo_version_string());
}
