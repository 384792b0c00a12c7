/* Sliding sums of densities and of their squares, in whole numbers, so that they are exact. */
#include "tiler/flatink.h"
#include "base/error.h"
#include "tiler/stain.h"
#include <math.h>

static const double FLAT_UM = 16, FLAT = 0.1;
enum { UNIT = 10000 /* of a density of 1 */ };

/* Sums of a window's densities of red and green, and of their squares. */
typedef struct {
    uint64_t sum[2], squares[2];
} Window;

static void add_to(Window *to, const Window *what, int sign)
{
    for (int c = 0; c < 2; c++) {
        to->sum[c] += sign > 0 ? what->sum[c] : -what->sum[c];
        to->squares[c] += sign > 0 ? what->squares[c] : -what->squares[c];
    }
}

static void change_columns(Window *columns, const uint8_t *rgb, int width, const uint32_t *density, int sign)
{
    for (int x = 0; x < width; x++) {
        const uint64_t red = density[rgb[3 * x]], green = density[rgb[3 * x + 1]];
        add_to(&columns[x], &(Window){{red, green}, {red * red, green * green}}, sign);
    }
}

/* Whether the denser of the two varies by less than FLAT of its mean. */
static gboolean is_flat(const Window *window, int64_t count)
{
    const int c = window->sum[1] > window->sum[0];
    double mean = (double)window->sum[c] / (double)count;
    return (double)window->squares[c] / (double)count - mean * mean < FLAT * FLAT * mean * mean;
}

static void settle_row(uint8_t *flags, const Window *columns, int width, int radius, int rows)
{
    Window window = {{0}, {0}};
    for (int x = 0; x < MIN(radius, width); x++) {
        add_to(&window, &columns[x], 1);
    }
    for (int x = 0; x < width; x++) {
        if (x + radius < width) {
            add_to(&window, &columns[x + radius], 1);
        }
        if (x > radius) {
            add_to(&window, &columns[x - radius - 1], -1);
        }
        int64_t count = (int64_t)rows * (MIN(x + radius, width - 1) - MAX(x - radius, 0) + 1);
        if (flags[x] & FLATINK_MAYBE && is_flat(&window, count)) {
            flags[x] |= STAIN_PEN;
        }
        flags[x] &= (uint8_t)~FLATINK_MAYBE;
    }
}

gboolean flatink_settle(const Image *rgb, Image *flags, double mpp, GError **error)
{
    const int width = rgb->width, height = rgb->height, radius = (int)CLAMP(lround(FLAT_UM / mpp), 1, 128);
    g_autofree Window *columns = wsi_try_alloc((size_t)width, sizeof *columns, "a row of a slide", error);
    uint32_t density[256];
    if (!columns) {
        return FALSE;
    }
    for (int i = 0; i < 256; i++) {
        density[i] = (uint32_t)lround(-log10((i + 1) / 256.0) * UNIT);
    }
    for (int y = -radius; y < height; y++) {
        if (y + radius < height) {
            change_columns(columns, rgb->pixels + 3 * (size_t)(y + radius) * (size_t)width, width, density,
                           1);
        }
        if (y > radius) {
            change_columns(columns, rgb->pixels + 3 * (size_t)(y - radius - 1) * (size_t)width, width,
                           density, -1);
        }
        if (y >= 0) {
            settle_row(flags->pixels + (size_t)y * (size_t)width, columns, width, radius,
                       MIN(y + radius, height - 1) - MAX(y - radius, 0) + 1);
        }
    }
    return TRUE;
}
