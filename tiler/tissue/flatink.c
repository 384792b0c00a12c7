/* The variance of density in a window, E[d^2] - E[d]^2, by sliding sums of densities and of their squares.  The sums are whole numbers, so
 * they are exact. */
#include "tiler/tissue/flatink.h"
#include "base/error.h"
#include "tiler/tissue/pixel_flags.h"
#include <math.h>

static const double FLAT_UM = 16, FLAT = 0.1;
enum { UNIT = 1000 /* of a density of 1 */ };

/* The densities of red and green and their squares, summed over the rows of a window (at most 257, so 32 bits suffice). */
typedef uint32_t Column __attribute__((vector_size(4 * sizeof(uint32_t))));
/* The same, summed over a window. */
typedef uint64_t Window __attribute__((vector_size(4 * sizeof(uint64_t))));

/* A macro, because passing such vectors to a function depends on the processor. */
#define WIDENED(column) __builtin_convertvector(column, Window)

/* Adds a row to the columns, or subtracts it. */
static void change_columns(Column *columns, const uint8_t *rgb, int width, const uint32_t *density,
                           gboolean add)
{
    for (int x = 0; x < width; x++) {
        const uint32_t red = density[rgb[3 * x]], green = density[rgb[3 * x + 1]];
        const Column pixel = {red, green, red * red, green * green};
        columns[x] = add ? columns[x] + pixel : columns[x] - pixel;
    }
}

/* Whether the standard deviation of the denser channel is less than FLAT times its mean. */
static gboolean is_flat(const Window *sums, int64_t count)
{
    const Window window = *sums;
    const gboolean green = window[1] > window[0];
    /* Variance < (FLAT mean)^2, so the standard deviation is below FLAT times the mean. */
    double mean = (double)(green ? window[1] : window[0]) / (double)count;
    double squares = (double)(green ? window[3] : window[2]) / (double)count;
    return squares - mean * mean < FLAT * FLAT * mean * mean;
}

/* Whether a row needs resolve_row(); most do not. */
static gboolean any_maybe(const uint8_t *flags, int width)
{
    int any = 0;
    for (int x = 0; x < width; x++) {
        any |= flags[x];
    }
    return any & PIXEL_PEN_MAYBE;
}

/* Decides every PIXEL_PEN_MAYBE of a row.  rows: how many rows the window has inside the image. */
static void resolve_row(uint8_t *flags, const Column *columns, int width, int radius, int rows)
{
    /* Slide the window along the row. */
    Window window = {0};
    for (int x = 0; x < MIN(radius, width); x++) {
        window += WIDENED(columns[x]);
    }
    for (int x = 0; x < width; x++) {
        if (x + radius < width) {
            window += WIDENED(columns[x + radius]);
        }
        if (x > radius) {
            window -= WIDENED(columns[x - radius - 1]);
        }
        if (flags[x] & PIXEL_PEN_MAYBE) {
            int64_t count = (int64_t)rows * (MIN(x + radius, width - 1) - MAX(x - radius, 0) + 1);
            flags[x] = (uint8_t)((flags[x] & ~PIXEL_PEN_MAYBE) | (is_flat(&window, count) ? PIXEL_PEN : 0));
        }
    }
}

gboolean flatink_finish(const Image *rgb, Image *flags, double mpp, GError **error)
{
    const int width = rgb->width, height = rgb->height, radius = (int)CLAMP(lround(FLAT_UM / mpp), 1, 128);
    g_autofree Column *columns = wsi_try_alloc((size_t)width, sizeof *columns, "a row of a slide", error);
    uint32_t density[256];
    if (!columns) {
        return FALSE;
    }
    for (int i = 0; i < 256; i++) {
        density[i] = (uint32_t)lround(-log10((i + 1) / 256.0) * UNIT);
    }
    /* Slide the window down: row y + radius enters, row y - radius - 1 leaves. */
    for (int y = -radius; y < height; y++) {
        if (y + radius < height) {
            change_columns(columns, rgb->pixels + 3 * (size_t)(y + radius) * (size_t)width, width, density,
                           TRUE);
        }
        if (y > radius) {
            change_columns(columns, rgb->pixels + 3 * (size_t)(y - radius - 1) * (size_t)width, width,
                           density, FALSE);
        }
        if (y >= 0 && any_maybe(flags->pixels + (size_t)y * (size_t)width, width)) {
            resolve_row(flags->pixels + (size_t)y * (size_t)width, columns, width, radius,
                        MIN(y + radius, height - 1) - MAX(y - radius, 0) + 1);
        }
    }
    return TRUE;
}
