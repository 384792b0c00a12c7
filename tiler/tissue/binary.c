/* Masks: pieces by union-find over pixels, closing and majority by running counts, growth by a breadth-first walk.  All
 * take time linear in the number of pixels, for any radius. */
#include "tiler/tissue/binary.h"
#include "base/error.h"
#include <string.h>

/* The root of the piece that has pixel `at`.  parent (H, W): links to earlier pixels; the root is the first pixel of its piece. */
static int32_t root_of(int32_t *parent, int32_t at)
{
    while (parent[at] != at) {
        /* Path halving: every second link is shortened, which keeps paths short. */
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    return at;
}

/* Joins two pieces; the earlier pixel becomes the root. */
static void join(int32_t *parent, int32_t a, int32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    /* Links always point to earlier pixels, which measure() relies on. */
    if (a < b) {
        parent[b] = a;
    } else {
        parent[a] = b;
    }
}

/* Links each pixel of `value` to its neighbours above and to the left. */
static void join_neighbours(const Image *mask, uint8_t value, int32_t *parent)
{
    const int width = mask->width;
    for (int y = 0; y < mask->height; y++) {
        /* Each pixel starts as its own root. */
        const uint8_t *row = mask->pixels + (size_t)y * width;
        for (int x = 0; x < width; x++) {
            int32_t at = y * width + x;
            parent[at] = at;
            if (row[x] != value) {
                continue;
            }
            if (x > 0 && row[x - 1] == value) {
                join(parent, at - 1, at);
            }
            if (y == 0) {
                continue;
            }
            if (row[x - width] == value) {
                join(parent, at - width, at);
            } else if (
                value) { /* 8-connected; if the pixel above is set, it has joined the diagonal ones already */
                if (x > 0 && row[x - width - 1] == value) {
                    join(parent, at - width - 1, at);
                }
                if (x + 1 < width && row[x - width + 1] == value) {
                    join(parent, at - width + 1, at);
                }
            }
        }
    }
}

typedef struct {
    uint32_t pixels, seeds;
    gboolean border;
} Piece;

/* Replaces the links in `parent` by numbers (piece + 1; 0 = no piece) and measures the pieces. */
static GArray *measure(const Image *mask, uint8_t value, const Image *seed, int32_t *parent)
{
    GArray *pieces = g_array_new(FALSE, TRUE, sizeof(Piece));
    const int width = mask->width;
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < width; x++) {
            int32_t at = y * width + x;
            if (mask->pixels[at] != value) {
                parent[at] = 0;
                continue;
            }
            /* The root precedes the other pixels of its piece, so it already holds the number. */
            if (parent[at] == at) {
                Piece fresh = {0};
                g_array_append_val(pieces, fresh);
                parent[at] = (int32_t)pieces->len;
            } else {
                parent[at] = parent[parent[at]];
            }
            Piece *piece = &g_array_index(pieces, Piece, parent[at] - 1);
            piece->pixels++;
            piece->seeds += seed && seed->pixels[at];
            piece->border |= x == 0 || y == 0 || x == width - 1 || y == mask->height - 1;
        }
    }
    return pieces;
}

gboolean binary_filter(Image *mask, uint8_t value, const BinaryFilter *filter, GError **error)
{
    size_t count = image_bytes(mask);
    if (count > G_MAXINT32) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "a mask of %d x %d px is too large", mask->width,
                    mask->height);
        return FALSE;
    }
    g_autofree int32_t *parent = wsi_try_alloc(count, sizeof *parent, "the pieces of a mask", error);
    if (!parent) {
        return FALSE;
    }
    join_neighbours(mask, value, parent);
    /* Make all links point to the root before numbers replace them. */
    for (size_t i = 0; i < count; i++) {
        if (mask->pixels[i] == value) {
            parent[i] = root_of(parent, (int32_t)i);
        }
    }
    g_autoptr(GArray) pieces = measure(mask, value, filter->seed, parent);
    for (size_t i = 0; i < count; i++) {
        if (!parent[i]) {
            continue;
        }
        /* A rejected piece changes its value, unless it may continue beyond the border. */
        const Piece *piece = &g_array_index(pieces, Piece, parent[i] - 1);
        gboolean stays =
            piece->pixels >= filter->min_pixels && (!filter->seed || piece->seeds >= filter->min_seeds);
        if (!stays && !(filter->spare_border && piece->border)) {
            mask->pixels[i] = (uint8_t)(255 - value);
        }
    }
    return TRUE;
}

/* Adds (sign 1) or subtracts (-1) a row from the counts of set pixels per column. */
static void count_columns(const Image *mask, int y, int sign, int32_t *counts)
{
    if (y < 0 || y >= mask->height) {
        return;
    }
    for (int x = 0; x < mask->width; x++) {
        counts[x] += sign * (mask->pixels[(size_t)y * mask->width + (size_t)x] != 0);
    }
}

gboolean binary_majority(Image *mask, int radius, double keep, double fill, GError **error)
{
    const int width = mask->width, height = mask->height;
    g_autoptr(Image) before = image_new(width, height, 1, error);
    g_autofree int32_t *counts =
        before ? wsi_try_alloc((size_t)width, sizeof *counts, "a line of a mask", error) : NULL;
    if (!counts) {
        return FALSE;
    }
    /* The counts need the mask as it was. */
    memcpy(before->pixels, mask->pixels, image_bytes(mask));
    /* The rows above the first square. */
    for (int y = 0; y < MIN(radius, height); y++) {
        count_columns(before, y, 1, counts);
    }
    for (int y = 0; y < height; y++) {
        count_columns(before, y + radius, 1, counts);
        count_columns(before, y - radius - 1, -1, counts);
        /* Rows of the square that are inside the image. */
        double rows = MIN(y + radius, height - 1) - MAX(y - radius, 0) + 1;
        /* Slide a window of columns along the row. */
        int64_t sum = 0;
        for (int x = 0; x < MIN(radius, width); x++) {
            sum += counts[x];
        }
        for (int x = 0; x < width; x++) {
            sum += x + radius < width ? counts[x + radius] : 0;
            sum -= x - radius - 1 >= 0 ? counts[x - radius - 1] : 0;
            /* Set pixels per pixel of the square that is inside the image. */
            double fraction = (double)sum / (rows * (MIN(x + radius, width - 1) - MAX(x - radius, 0) + 1));
            uint8_t *pixel = &mask->pixels[(size_t)y * width + (size_t)x];
            *pixel = fraction >= fill ? 255 : fraction < keep ? 0 : *pixel;
        }
    }
    return TRUE;
}

gboolean binary_close(Image *mask, int radius, GError **error)
{
    /* Dilation: any pixel of the square is set; erosion: all are.  The bounds are half a pixel away from any fraction that can occur. */
    double half_pixel = 0.5 / ((2.0 * radius + 1) * (2.0 * radius + 1));
    return binary_majority(mask, radius, 0, half_pixel, error) &&
           binary_majority(mask, radius, 1 - half_pixel, 2, error);
}

gboolean binary_grow(Image *mask, const Image *allowed, int steps, GError **error)
{
    const int width = mask->width, height = mask->height;
    g_autoptr(GArray) front = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_autoptr(GArray) next = g_array_new(FALSE, FALSE, sizeof(int32_t));
    if (image_bytes(mask) > G_MAXINT32) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "a mask of %d x %d px is too large", width, height);
        return FALSE;
    }
    for (int32_t at = 0; at < width * height; at++) {
        if (mask->pixels[at]) {
            g_array_append_val(front, at);
        }
    }
    /* Breadth first: each step sets the allowed neighbours of the front, which become the next front. */
    for (int step = 0; step < steps && front->len > 0; step++) {
        for (guint i = 0; i < front->len; i++) {
            int32_t at = g_array_index(front, int32_t, i), x = at % width, y = at / width;
            /* A neighbour outside of the image is replaced by the pixel itself, which is already set. */
            const int32_t near[4] = {x > 0 ? at - 1 : at, x + 1 < width ? at + 1 : at,
                                     y > 0 ? at - width : at, y + 1 < height ? at + width : at};
            for (int k = 0; k < 4; k++) {
                if (!mask->pixels[near[k]] && allowed->pixels[near[k]]) {
                    mask->pixels[near[k]] = 255;
                    g_array_append_val(next, near[k]);
                }
            }
        }
        GArray *done = front;
        front = next;
        next = done;
        g_array_set_size(next, 0);
    }
    return TRUE;
}
