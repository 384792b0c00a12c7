/* OME-XML, schema 2016-06, the minimum that Bio-Formats, QuPath and tifffile need: one Image whose Pixels are
 * one plane.  It does not name the reduced levels (they are SubIFDs).  Numbers are written in the C locale,
 * and text is escaped.  Bytes of a name that are not UTF-8 are replaced, since a wrong byte makes readers drop all
 * metadata. */
#include "tiler/pyramid/ome.h"

/* name="escaped text" with a leading space; NULL text gives "". */
static char *attribute(const char *name, const char *text)
{
    if (!text) {
        return g_strdup("");
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *escaped = g_markup_escape_text(valid, -1);
    return g_strdup_printf(" %s=\"%s\"", name, escaped);
}

char *ome_xml(const PyramidSpec *spec)
{
    char mpp_x[G_ASCII_DTOSTR_BUF_SIZE], mpp_y[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(mpp_x, sizeof mpp_x, "%.10g", spec->mpp_x);
    g_ascii_formatd(mpp_y, sizeof mpp_y, "%.10g", spec->mpp_y);
    g_autofree char *name = attribute("Name", spec->description), *channel = attribute("Name", spec->channel);
    int samples = spec->pixels == PYRAMID_RGB_JPEG || spec->pixels == PYRAMID_RGB_LOSSLESS ? 3 : 1;
    return g_strdup_printf(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\""
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
        " xsi:schemaLocation=\"http://www.openmicroscopy.org/Schemas/OME/2016-06"
        " http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd\" Creator=\"wsiflow " WSIFLOW_VERSION
        "\">"
        "<Image ID=\"Image:0\"%s>"
        "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"%s\" BigEndian=\"false\"%s"
        " SizeX=\"%" G_GINT64_FORMAT "\" SizeY=\"%" G_GINT64_FORMAT "\" SizeC=\"%d\" SizeZ=\"1\" SizeT=\"1\""
        " PhysicalSizeX=\"%s\" PhysicalSizeXUnit=\"\xC2\xB5m\" PhysicalSizeY=\"%s\" "
        "PhysicalSizeYUnit=\"\xC2\xB5m\">"
        "<Channel ID=\"Channel:0:0\"%s SamplesPerPixel=\"%d\"/>"
        "<TiffData IFD=\"0\" PlaneCount=\"1\"/>"
        "</Pixels></Image></OME>",
        name, spec->pixels == PYRAMID_FLOAT ? "float" : "uint8", samples == 3 ? " Interleaved=\"true\"" : "",
        spec->width, spec->height, samples, mpp_x, mpp_y, channel, samples);
}
