/* Settings, then a text that the assembler puts into the program.
 *
 * Text from outside, the name of the slide's file, is percent-encoded: then it has no character that could end a string of Groovy, begin an
 * expression in it, or be an escape, which Groovy also reads in comments. */
#include "pipeline/scoring/qupath_script.h"
#include "base/durable.h"
#include "pipeline/scoring/value_file.h"
#include "tiler/heatmap/heatmap.h"
#include <math.h>
#include <string.h>

const char *const qupath_script_file = "wsiflow.groovy";

/* The program is built in the folder of the sources, which is where .incbin looks. */
#define EMBED(name)                                                  \
    __asm__(".section .rodata\n"                                     \
            "qupath_" #name ":\n"                                    \
            ".incbin \"pipeline/scoring/qupath/" #name ".groovy\"\n" \
            ".byte 0\n.previous\n");                                 \
    extern const char qupath_##name[] __attribute__((visibility("hidden")));
EMBED(heatmap)
EMBED(cohort)

#define INTRODUCTION                                                                                     \
    "// Lays the heatmap of a slide over the slide that is open in QuPath (0.5 or later), and adds its " \
    "regions as annotations.\n"                                                                          \
    "// Open this file in QuPath (Automate, Script editor) with the slide in the viewer, and run it. "   \
    "Running it again replaces the overlay\n"                                                            \
    "// and adds no region twice. It reads heatmap.ome.tif and regions.geojson in its own folder.\n"     \
    "// Written by wsiflow " WSIFLOW_VERSION ". For research use only.\n\n"

enum { COLOURS = 256, COLOURS_PER_LINE = 16 };

const char *qupath_script_cohort(void)
{
    return qupath_cohort;
}

/* Appends the colours of the map from low to high as RRGGBB. */
static gboolean put_colours(GString *out, const char *colours, GError **error)
{
    g_autoptr(Map) ramp = map_new(COLOURS, 1, error);
    for (int i = 0; ramp && i < COLOURS; i++) {
        ramp->values[i] = (float)i;
    }
    g_autoptr(Image) image = ramp ? heatmap_colour(ramp, 0, COLOURS - 1, colours, NULL, 1, error) : NULL;
    for (int i = 0; image && i < COLOURS; i++) {
        const uint8_t *rgb = image->pixels + 3 * i;
        g_string_append(out, i % COLOURS_PER_LINE ? "" : i ? "' +\n        '" : "'");
        g_string_append_printf(out, "%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    }
    g_string_append_c(out, '\'');
    return image != NULL;
}

static void put_number(GString *out, const char *before, double value, const char *after)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "%s%s%s", before, g_ascii_formatd(text, sizeof text, "%.10g", value), after);
}

static void put_settings(GString *out, const HeatmapLook *look)
{
    put_number(out, "// These may be changed.\ndef low = ", look->low, "d");
    put_number(out, ", high = ", look->high,
               "d // range of the colours, standard deviations of normal tiles\n");
    put_number(out, "def opacity = ", look->opacity, "d // of the colours\n");
    g_string_append(out, "def hideBelow = Double.NEGATIVE_INFINITY // lower values are not shown");
    if (!isnan(look->threshold.value)) {
        put_number(out, "; the threshold of the regions is ", look->threshold.value, "");
    }
    g_string_append(
        out, "\ndef mostCells = 16000000L // a larger map is shown by a coarser level\n"
             "def checkName = true // the file of the open slide has the name of this heatmap's slide\n"
             "def folderOfFiles = '' // the folder of heatmap.ome.tif; empty: the one of this script\n\n");
}

/* What the heatmap is of.  A DICOM slide has several files, of which QuPath may have opened any, so its name is empty. */
static gboolean put_map(GString *out, const HeatmapLook *look, const SlideInfo *info, GError **error)
{
    g_autofree char *file = g_path_get_basename(info->path),
                    *name = g_uri_escape_string(g_strcmp0(info->vendor, "dicom") ? file : "", NULL, FALSE),
                    *id = g_uri_escape_string(look->title, NULL, FALSE);
    char level[G_ASCII_DTOSTR_BUF_SIZE] = "null";
    const gboolean known = !isnan(look->threshold.value);
    if (known) { /* as many digits as regions.geojson has */
        g_ascii_formatd(level, sizeof level, "%.15g", look->threshold.value);
    }
    const Rect *bounds = &info->bounds;
    g_string_append_printf(
        out,
        "// What the heatmap is of: the file's name and the slide's in regions.geojson (percent-encoded), "
        "its threshold, level 0\n"
        "// and the scanned area in px, and the channel of heatmap.ome.tif that is shown: the maxima.\n"
        "def map = [slide: '%s', id: '%s', threshold: %s%s, width: %" G_GINT64_FORMAT
        ", height: %" G_GINT64_FORMAT
        ",\n    boundsX: %.0f, boundsY: %.0f, boundsWidth: %.0f, boundsHeight: %.0f, channel: %d,\n"
        "    colours: ",
        name, id, level, known ? "d" : "", info->levels[0].width, info->levels[0].height, bounds->x,
        bounds->y, bounds->width, bounds->height, VALUE_MAXIMUM);
    return put_colours(out, look->colours, error) && g_string_append(out, "]\n");
}

gboolean qupath_script_write(const char *folder, const HeatmapLook *look, const SlideInfo *info,
                             char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new(INTRODUCTION);
    put_settings(out, look);
    if (!put_map(out, look, info, error)) {
        return FALSE;
    }
    g_string_append(out, qupath_heatmap);
    g_autofree char *path = g_build_filename(folder, qupath_script_file, NULL);
    return durable_write_file(path, out->str, out->len, sha256, error);
}
