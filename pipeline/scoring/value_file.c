/* The values of a map as an OME-TIFF. */
#include "pipeline/scoring/value_file.h"
#include "base/error.h"
#include "tiler/pyramid/pyramid.h"
#include <math.h>

/* ---- the fraction of tissue ---- */

/* Adds to sum, the values of columns at unit distance, the part of row `y` of the mask that is in [top, bottom). */
static void add_row(const Image *tissue, int y, double top, double bottom, double *sum)
{
    double height = fmin(bottom, y + 1) - fmax(top, y);
    const uint8_t *row = tissue->pixels + (size_t)y * tissue->width;
    for (int x = 0; height > 0 && x < tissue->width; x++) {
        sum[x] += row[x] ? height : 0;
    }
}

/* The integral of columns from left to right. */
static double integral(const double *sum, int columns, double left, double right)
{
    double total = 0;
    for (int x = (int)left; x < columns && x < right; x++) {
        total += sum[x] * (fmin(right, x + 1) - fmax(left, x));
    }
    return total;
}

/* By area, without rounding to pixels of the mask: the mask may be coarser or finer than the map. */
static void tissue_fractions(const Image *tissue, const Map *scores, double *sum, Map *out)
{
    double wide = tissue->width / (double)out->width, high = tissue->height / (double)out->height;
    for (int y = 0; y < out->height; y++) {
        double top = y * high, bottom = (y + 1) * high;
        for (int x = 0; x < tissue->width; x++) {
            sum[x] = 0;
        }
        for (int row = (int)top; row < tissue->height && row < bottom; row++) {
            add_row(tissue, row, top, bottom, sum);
        }
        for (int x = 0; x < out->width; x++) {
            size_t cell = (size_t)y * out->width + x;
            double area = integral(sum, tissue->width, x * wide, (x + 1) * wide) / (wide * high);
            out->values[cell] = isnan(scores->values[cell]) ? 0 : (float)fmin(area, 1);
        }
    }
}

static Map *fractions_of(const ValueFile *file, GError **error)
{
    const Map *scores = file->scores;
    g_autoptr(Map) out = map_new(scores->width, scores->height, error);
    if (out && file->with.tissue) {
        g_autofree double *sum =
            wsi_try_alloc((size_t)file->with.tissue->width, sizeof(double), "a row of the tissue", error);
        if (!sum) {
            return NULL;
        }
        tissue_fractions(file->with.tissue, scores, sum, out);
    } else if (out) {
        for (size_t i = 0; i < (size_t)out->width * out->height; i++) {
            out->values[i] = !isnan(scores->values[i]);
        }
    }
    return g_steal_pointer(&out);
}

/* ---- the file ---- */

/* In the order of the file.  A viewer that shows all channels at once mixes their colours: red where the score is high, green where there is
 * tissue. */
static const PyramidPlane planes[VALUES] = {
    [VALUE_SCORE] = {"score (standard deviations of normal tiles)", 0xFF4040, PYRAMID_MEAN, TRUE},
    [VALUE_MAXIMUM] = {"maximum of score (standard deviations of normal tiles)", 0xFFC000, PYRAMID_MAXIMUM,
                       TRUE},
    [VALUE_PROBABILITY] = {"calibrated probability of an anomaly (0 to 1)", 0x4080FF, PYRAMID_MEAN, TRUE},
    [VALUE_FRACTION] = {"fraction of readable tissue (0 to 1)", 0x40A040, PYRAMID_MEAN, FALSE},
};

#define COMMENT                                                                                           \
    "Anomaly map of a slide. It covers all of level 0, also what QuPath crops. NaN means no data: no "    \
    "tissue, "                                                                                            \
    "or it could not be read. Pyramid levels of the score (and of the probability, if there is one) are " \
    "means over all cells with data, those of the "                                                       \
    "maximum are maxima, those of the fraction are means over all cells. For research use only."

/* Appends a number as text to the notes, which own it. */
static void note_number(GPtrArray *notes, const char *key, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ptr_array_add(notes, g_strdup(key));
    g_ptr_array_add(notes, g_strdup(g_ascii_formatd(text, sizeof text, "%.17g", value)));
}

static void note_text(GPtrArray *notes, const char *key, const char *value)
{
    g_ptr_array_add(notes, g_strdup(key));
    g_ptr_array_add(notes, g_strdup(value));
}

static GPtrArray *notes_of(const ValueFile *file)
{
    GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
    const SlideInfo *info = file->info;
    note_text(notes, "slide", file->title);
    note_text(notes, "program", file->provenance);
    note_text(notes, "no_data", "NaN");
    note_text(notes, "levels_score", "mean over the cells of level 0 that have a score; each counts once");
    note_text(notes, "levels_maximum", "maximum over the cells of level 0");
    note_text(notes, "levels_fraction", "mean over all cells of level 0");
    note_text(notes, "fraction",
              file->with.tissue
                  ? "area of tissue in the cell, by the tissue mask; 0 where the cell has no score"
                  : "1 where the cell has a score, otherwise 0: the tissue mask was not given");
    note_text(notes, "probability", file->with.probability_text);
    note_text(notes, "frame", "level 0 of the slide, not cropped to its bounds");
    note_number(notes, "slide_width_px", (double)info->levels[0].width);
    note_number(notes, "slide_height_px", (double)info->levels[0].height);
    note_number(notes, "bounds_x_px", info->bounds.x);
    note_number(notes, "bounds_y_px", info->bounds.y);
    note_number(notes, "bounds_width_px", info->bounds.width);
    note_number(notes, "bounds_height_px", info->bounds.height);
    g_ptr_array_add(notes, NULL);
    return notes;
}

gboolean value_file_write(const char *path, const ValueFile *file, char sha256[65], GError **error)
{
    g_autoptr(Map) fraction = fractions_of(file, error);
    if (!fraction) {
        return FALSE;
    }
    const SlideInfo *info = file->info;
    const Map *const maps[VALUES] = {file->scores, file->scores, fraction, file->with.probability};
    int count = file->with.probability ? VALUES : VALUE_PROBABILITY; /* it is the last one */
    g_autoptr(GPtrArray) notes = notes_of(file);
    const PyramidSpec spec = {.layout = PYRAMID_OME,
                              .pixels = PYRAMID_FLOAT,
                              .width = fraction->width,
                              .height = fraction->height,
                              .mpp_x = info->levels[0].width * info->mpp_x / fraction->width,
                              .mpp_y = info->levels[0].height * info->mpp_y / fraction->height,
                              .description = file->title,
                              .planes = planes,
                              .plane_count = count,
                              .comment = COMMENT,
                              .notes = (const char *const *)notes->pdata};
    return pyramid_write_maps(path, &spec, maps, count, sha256, error);
}
