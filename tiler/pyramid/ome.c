/* OME-XML, schema 2016-06, the minimum that Bio-Formats, QuPath and tifffile need: one Image whose Pixels are
 * one plane per channel.  It does not name the reduced levels (they are SubIFDs).  Numbers are written in the C locale,
 * and text is escaped.  Bytes of a name that are not UTF-8 are replaced, since a wrong byte makes readers drop all
 * metadata.  What OME has no element for, such as the value for "no data", is in an annotation of keys and values. */
#include "tiler/pyramid/ome.h"

#define NAMESPACE "http://www.openmicroscopy.org/Schemas/OME/2016-06"

/* The text as XML; characters that XML has no way to write become "?". */
static char *escaped(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (char *c = valid; *c; c++) {
        if ((unsigned char)*c < 0x20 && *c != '\t' && *c != '\n' && *c != '\r') {
            *c = '?';
        }
    }
    return g_markup_escape_text(valid, -1);
}

/* Appends name="escaped text" with a leading space; NULL text gives nothing. */
static void put_attribute(GString *out, const char *name, const char *text)
{
    if (text) {
        g_autofree char *value = escaped(text);
        g_string_append_printf(out, " %s=\"%s\"", name, value);
    }
}

static void put_size(GString *out, char axis, double mpp)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(text, sizeof text, "%.10g", mpp);
    g_string_append_printf(out, " PhysicalSize%c=\"%s\" PhysicalSize%cUnit=\"\xC2\xB5m\"", axis, text, axis);
}

static void put_channels(GString *out, const PyramidSpec *spec, int samples)
{
    for (int p = 0; p < MAX(spec->plane_count, 1); p++) {
        const PyramidPlane *plane = spec->planes ? &spec->planes[p] : NULL;
        g_string_append_printf(out, "<Channel ID=\"Channel:0:%d\"", p);
        put_attribute(out, "Name", plane ? plane->name : NULL);
        if (plane) { /* RGBA in a signed number */
            g_string_append_printf(out, " Color=\"%d\"", (int32_t)(plane->colour << 8 | 0xFF));
        }
        g_string_append_printf(out, " SamplesPerPixel=\"%d\"/>", samples);
    }
    for (int p = 0; p < MAX(spec->plane_count, 1); p++) {
        g_string_append_printf(out, "<TiffData FirstC=\"%d\" IFD=\"%d\" PlaneCount=\"1\"/>", p, p);
    }
}

static void put_notes(GString *out, const char *const *notes)
{
    g_string_append(out, "<StructuredAnnotations><MapAnnotation ID=\"Annotation:0\" "
                         "Namespace=\"wsiflow\"><Value>");
    for (const char *const *note = notes; *note; note += 2) {
        g_autofree char *value = escaped(note[1]);
        g_string_append(out, "<M");
        put_attribute(out, "K", note[0]);
        g_string_append_printf(out, ">%s</M>", value);
    }
    g_string_append(out, "</Value></MapAnnotation></StructuredAnnotations>");
}

char *ome_xml(const PyramidSpec *spec)
{
    gboolean rgb = spec->pixels == PYRAMID_RGB_JPEG || spec->pixels == PYRAMID_RGB_LOSSLESS;
    int samples = rgb ? 3 : 1;
    GString *out =
        g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                     "<OME xmlns=\"" NAMESPACE "\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
                     " xsi:schemaLocation=\"" NAMESPACE " " NAMESPACE "/ome.xsd\""
                     " Creator=\"wsiflow " WSIFLOW_VERSION "\"><Image ID=\"Image:0\"");
    put_attribute(out, "Name", spec->description);
    g_string_append_c(out, '>');
    if (spec->comment) {
        g_autofree char *comment = escaped(spec->comment);
        g_string_append_printf(out, "<Description>%s</Description>", comment);
    }
    g_string_append_printf(
        out,
        "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYCZT\" Type=\"%s\" BigEndian=\"false\"%s"
        " SizeX=\"%" G_GINT64_FORMAT "\" SizeY=\"%" G_GINT64_FORMAT "\" SizeC=\"%d\" SizeZ=\"1\" SizeT=\"1\"",
        spec->pixels == PYRAMID_FLOAT ? "float" : "uint8", rgb ? " Interleaved=\"true\"" : "", spec->width,
        spec->height, samples * MAX(spec->plane_count, 1));
    put_size(out, 'X', spec->mpp_x);
    put_size(out, 'Y', spec->mpp_y);
    g_string_append_c(out, '>');
    put_channels(out, spec, samples);
    g_string_append(out, "</Pixels>");
    if (spec->notes) {
        g_string_append(out, "<AnnotationRef ID=\"Annotation:0\"/>");
    }
    g_string_append(out, "</Image>");
    if (spec->notes) {
        put_notes(out, spec->notes);
    }
    g_string_append(out, "</OME>");
    return g_string_free(out, FALSE);
}
