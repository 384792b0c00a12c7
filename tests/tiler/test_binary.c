/* Operations on masks against their definitions, on random masks of awkward sizes. */
#include "tiler/tissue/binary.h"
#include "base/rng.h"
#include <string.h>

static Image *random_mask(Rng *rng, double fraction)
{
    Image *mask = image_new(1 + (int)rng_below(rng, 40), 1 + (int)rng_below(rng, 40), 1, NULL);
    for (size_t i = 0; i < image_bytes(mask); i++) {
        mask->pixels[i] = rng_uniform(rng) < fraction ? 255 : 0;
    }
    return mask;
}

static Image *copy_of(const Image *mask)
{
    Image *copy = image_new(mask->width, mask->height, 1, NULL);
    memcpy(copy->pixels, mask->pixels, image_bytes(mask));
    return copy;
}

static int count_around(const Image *mask, int x, int y, int radius, int *all)
{
    int count = 0;
    *all = 0;
    for (int j = MAX(0, y - radius); j <= MIN(mask->height - 1, y + radius); j++) {
        for (int i = MAX(0, x - radius); i <= MIN(mask->width - 1, x + radius); i++) {
            count += mask->pixels[j * mask->width + i] != 0;
            ++*all;
        }
    }
    return count;
}

/* Closing: dilation by a square, then erosion; nothing outside of the raster erodes. */
static void test_close(void)
{
    Rng rng = rng_at(1, 0, 0);
    for (int round = 0; round < 200; round++) {
        int all, radius = (int)rng_below(&rng, 6);
        g_autoptr(Image) mask = random_mask(&rng, 0.1), wide = copy_of(mask), closed = copy_of(mask);
        g_assert_true(binary_close(closed, radius, NULL));
        for (int i = 0; i < mask->width * mask->height; i++) {
            wide->pixels[i] = count_around(mask, i % mask->width, i / mask->width, radius, &all) ? 255 : 0;
        }
        for (int i = 0; i < mask->width * mask->height; i++) {
            gboolean full = count_around(wide, i % mask->width, i / mask->width, radius, &all) == all;
            g_assert_cmpint(closed->pixels[i], ==, full ? 255 : 0);
        }
    }
}

static void test_majority(void)
{
    Rng rng = rng_at(2, 0, 0);
    for (int round = 0; round < 200; round++) {
        int all, radius = (int)rng_below(&rng, 50);
        g_autoptr(Image) mask = random_mask(&rng, 0.5), out = copy_of(mask);
        g_assert_true(binary_majority(out, radius, 0.4, 0.6, NULL));
        for (int i = 0; i < mask->width * mask->height; i++) {
            double fraction =
                (double)count_around(mask, i % mask->width, i / mask->width, radius, &all) / all;
            g_assert_cmpint(out->pixels[i], ==, fraction >= 0.6 ? 255 : fraction < 0.4 ? 0 : mask->pixels[i]);
        }
    }
}

/* Collects the piece that holds `start` by walking; returns its pixels, marks them in `seen`. */
static int walk_piece(const Image *mask, int start, uint8_t *seen, gboolean *border)
{
    g_autofree int *stack = g_new(int, image_bytes(mask));
    uint8_t value = mask->pixels[start];
    int depth = 0, count = 0, width = mask->width, height = mask->height;
    *border = FALSE;
    stack[depth++] = start;
    seen[start] = 1;
    while (depth > 0) {
        int at = stack[--depth], x = at % width, y = at / width;
        count++;
        *border |= x == 0 || y == 0 || x == width - 1 || y == height - 1;
        for (int k = 0; k < 9; k++) {
            int i = x + k % 3 - 1, j = y + k / 3 - 1, to = j * width + i;
            gboolean diagonal = k % 2 == 0;
            if (i >= 0 && j >= 0 && i < width && j < height && !(diagonal && !value) &&
                mask->pixels[to] == value && !seen[to]) {
                seen[to] = 1;
                stack[depth++] = to;
            }
        }
    }
    return count;
}

static void test_filter(void)
{
    Rng rng = rng_at(3, 0, 0);
    for (int round = 0; round < 400; round++) {
        g_autoptr(Image) mask = random_mask(&rng, 0.45), out = copy_of(mask);
        uint8_t value = round % 2 ? 255 : 0;
        const BinaryFilter filter = {.min_pixels = rng_below(&rng, 20), .spare_border = round % 3 == 0};
        g_assert_true(binary_filter(out, value, &filter, NULL));
        for (int i = 0; i < mask->width * mask->height; i++) {
            g_autofree uint8_t *seen = g_malloc0(image_bytes(mask));
            gboolean border, stays = TRUE;
            if (mask->pixels[i] == value) {
                int count = walk_piece(mask, i, seen, &border);
                stays = count >= filter.min_pixels || (filter.spare_border && border);
            }
            g_assert_cmpint(out->pixels[i], ==, stays ? mask->pixels[i] : 255 - value);
        }
    }
}

/* Pieces stay by their seeds. */
static void test_seeds(void)
{
    g_autoptr(Image) mask = image_new(9, 3, 1, NULL), seed = image_new(9, 3, 1, NULL);
    memcpy(mask->pixels + 9, (uint8_t[9]){255, 255, 0, 255, 255, 0, 255, 255, 255}, 9);
    seed->pixels[9 + 1] = seed->pixels[9 + 6] = seed->pixels[9 + 8] = 255;
    const BinaryFilter filter = {.seed = seed, .min_seeds = 2};
    g_assert_true(binary_filter(mask, 255, &filter, NULL));
    g_assert_cmpmem(mask->pixels + 9, 9, ((uint8_t[9]){0, 0, 0, 0, 0, 0, 255, 255, 255}), 9);
}

/* Growth stays on what is allowed and ends after so many steps. */
static void test_grow(void)
{
    g_autoptr(Image) allowed = image_new(9, 1, 1, NULL);
    memcpy(allowed->pixels, (uint8_t[9]){255, 255, 0, 0, 255, 255, 255, 255, 0}, 9);
    for (int steps = 0; steps < 6; steps++) {
        g_autoptr(Image) mask = image_new(9, 1, 1, NULL);
        mask->pixels[3] = 255; /* need not be allowed itself */
        g_assert_true(binary_grow(mask, allowed, steps, NULL));
        for (int x = 0; x < 9; x++) {
            g_assert_cmpint(mask->pixels[x], ==, x == 3 || (x >= 4 && x <= 7 && x - 3 <= steps) ? 255 : 0);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/binary/close", test_close);
    g_test_add_func("/binary/majority", test_majority);
    g_test_add_func("/binary/filter", test_filter);
    g_test_add_func("/binary/seeds", test_seeds);
    g_test_add_func("/binary/grow", test_grow);
    return g_test_run();
}
