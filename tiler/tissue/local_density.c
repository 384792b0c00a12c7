/* Means of optical density over a square, by sliding sums: one row enters, one leaves, whatever the radius.
 *
 * Densities are summed as whole numbers of 1e-5, or of 1e-4 where a square could overflow 32 bits, so sliding sums are exact and the result
 * does not depend on the order.  Running sums along a row may wrap around; their differences are still right. */
#include "tiler/tissue/local_density.h"
#include "tiler/raster/thread_scratch.h"
#include "tiler/raster/vectorised.h"
#include <math.h>
#include <string.h>

static const double SMOOTH_UM = 8;
enum { FINE = 100000, COARSE = 10000, FINE_RADIUS = 46, MAX_RADIUS = 147 };

enum { SMALL = 1 << 20 /* px */ };

gboolean local_density_init(LocalDensity *local, const Image *rgb, const uint8_t *readable, double mpp,
                            GError **error)
{
    const size_t width = (size_t)rgb->width;
    *local = (LocalDensity){.rgb = rgb, .readable = readable};
    local->radius = (int)CLAMP(lround(SMOOTH_UM / mpp), 0, MAX_RADIUS);
    local->rows = 2 * local->radius + 1;
    local->unit = local->radius <= FINE_RADIUS ? FINE : COARSE;
    for (int i = 0; i < 256; i++) {
        local->density[i] = (uint32_t)lround(-log10((i + 1) / 256.0) * local->unit);
    }
    local->small = (int64_t)rgb->width * rgb->height <= SMALL;
    const size_t rows = (size_t)local->rows, od_rows = local->small ? (size_t)rgb->height : 1;
    /* Each member points into the thread's memory; nothing is freed here. */
    const struct {
        void *memory; /* a pointer's */
        ScratchUse use;
        size_t count, size;
    } parts[] = {
        {&local->kept, SCRATCH_DENSITY, 3 * width * rows, sizeof(uint32_t)},
        {&local->kept_readable, SCRATCH_DENSITY_READABLE, width * rows, 1},
        {&local->columns, SCRATCH_DENSITY_COLUMNS, 3 * width + 1, sizeof(uint32_t)},
        {&local->counts, SCRATCH_DENSITY_COUNTS, width, sizeof(uint32_t)},
        {&local->running, SCRATCH_DENSITY_RUNNING, 3 * (width + rows) + 1, sizeof(uint32_t)},
        {&local->factors, SCRATCH_DENSITY_FACTORS, 3 * width, sizeof(double)},
        {&local->od, SCRATCH_DENSITY_ROWS, 3 * width * od_rows, sizeof(float)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        void *memory = thread_scratch(parts[i].use, parts[i].count, parts[i].size, "a row of a slide", error);
        if (!memory) {
            return FALSE;
        }
        memcpy(parts[i].memory, &memory, sizeof memory);
    }
    return TRUE;
}

/* A row enters the columns, and the row that it replaces in `kept` leaves them.  density: of each byte value. */
VECTORISED static void change_row(uint32_t *restrict columns, uint32_t *restrict kept,
                                  const uint32_t *restrict density, const uint8_t *restrict bytes, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t value = density[bytes[i]];
        columns[i] += value - kept[i];
        kept[i] = value;
    }
}

/* Removes the densities of unreadable pixels from a row that has just entered. */
static void hide_unreadable(uint32_t *columns, uint32_t *kept, const uint8_t *readable, size_t width)
{
    for (size_t i = 0; i < 3 * width; i++) {
        uint32_t hidden = readable[i / 3] ? 0 : kept[i];
        columns[i] -= hidden;
        kept[i] -= hidden;
    }
}

/* A row leaves the columns. */
VECTORISED static void take_row(uint32_t *restrict columns, const uint32_t *restrict kept, int n)
{
    for (int i = 0; i < n; i++) {
        columns[i] -= kept[i];
    }
}

/* The factor of each sample: 1 / (readable pixels in the square x unit). */
static void find_factors(LocalDensity *local)
{
    const int width = local->rgb->width, radius = local->radius;
    uint32_t count = 0;
    local->changed = FALSE;
    for (int x = 0; x < MIN(radius, width); x++) {
        count += local->counts[x];
    }
    for (int x = 0; x < width; x++) {
        count += x + radius < width ? local->counts[x + radius] : 0;
        count -= x > radius ? local->counts[x - radius - 1] : 0;
        double unit = 1 / ((double)MAX(count, 1) * local->unit); /* without readable pixels the sums are 0 */
        for (int c = 0; c < 3; c++) {
            local->factors[3 * x + c] = unit;
        }
    }
}

/* Row y enters the counts, and row y - rows, which is in `kept`, leaves them.  readable: of row y; NULL when it is below the image. */
static void change_counts(LocalDensity *local, uint8_t *kept, const uint8_t *readable)
{
    const size_t width = (size_t)local->rgb->width;
    if (readable && memcmp(kept, readable, width) == 0) {
        return;
    }
    for (size_t x = 0; x < width; x++) {
        local->counts[x] += (uint32_t)(readable ? readable[x] : 0) - kept[x];
        kept[x] = readable ? readable[x] : 0;
    }
    local->changed = TRUE;
}

/* Moves columns and counts one row down: row y enters, row y - rows leaves.  Either may be outside of the image. */
static void move_to_row(LocalDensity *local, int y)
{
    const size_t width = (size_t)local->rgb->width, slot = (size_t)(y % local->rows) * width,
                 at = (size_t)y * width;
    uint32_t *kept = local->kept + 3 * slot;
    uint8_t *kept_readable = local->kept_readable + slot;
    if (y < local->rgb->height) {
        const uint8_t *readable = local->readable + at;
        change_row(local->columns, kept, local->density, local->rgb->pixels + 3 * at, 3 * (int)width);
        if (memchr(readable, 0, width)) {
            hide_unreadable(local->columns, kept, readable, width);
        }
        change_counts(local, kept_readable, readable);
    } else if (y >= local->rows) {
        take_row(local->columns, kept, 3 * (int)width);
        change_counts(local, kept_readable, NULL);
    }
}

/* Running sums of the columns, with `radius` columns of zeros on the left and of the last sum on the right. */
static void add_up_columns(const LocalDensity *local)
{
    /* Three samples at a time in one vector of four. */
    typedef uint32_t Samples
        __attribute__((vector_size(4 * sizeof(uint32_t)))); /* the fourth belongs to the next pixel */
    const int width = local->rgb->width, radius = local->radius;
    uint32_t *out = local->running + 3 * ((size_t)radius + 1);
    Samples sums = {0}, column;
    memset(local->running, 0, 3 * ((size_t)radius + 1) * sizeof *out);
    for (int x = 0; x < width; x++, out += 3) {
        memcpy(&column, local->columns + 3 * x, sizeof column);
        sums += column;
        memcpy(out, &sums, sizeof sums);
    }
    for (int x = 0; x < radius; x++, out += 3) {
        memcpy(out, &sums, sizeof sums);
    }
}

/* od[i] = (running[i + reach] - running[i]) * factor; reach: samples between the ends of a square. */
VECTORISED static void means_of_row(float *restrict od, const uint32_t *restrict running, int reach,
                                    const double *restrict factors, int n)
{
    for (int i = 0; i < n; i++) {
        od[i] = (float)((int32_t)(running[i + reach] - running[i]) * factors[i]);
    }
}

/* Prepares a pass: the columns hold the rows above row `radius`, so that the next row completes the square of row 0. */
static void begin(LocalDensity *local)
{
    const size_t width = (size_t)local->rgb->width, rows = (size_t)local->rows;
    memset(local->kept, 0, 3 * width * rows * sizeof *local->kept);
    memset(local->kept_readable, 0, width * rows);
    memset(local->columns, 0, (3 * width + 1) * sizeof *local->columns);
    memset(local->counts, 0, width * sizeof *local->counts);
    local->changed = TRUE;
    for (int y = 0; y < local->radius; y++) {
        move_to_row(local, y);
    }
}

/* Densities of row y, three a pixel; rows are asked for in ascending order, from 0 again for another pass. */
const float *local_density_row(LocalDensity *local, int y)
{
    float *od = local->od + (local->small ? 3 * (size_t)y * (size_t)local->rgb->width : 0);
    if (!local->small || y >= local->made) {
        if (y == 0) {
            begin(local);
        }
        move_to_row(local, y + local->radius);
        add_up_columns(local);
        if (local->changed) {
            find_factors(local);
        }
        means_of_row(od, local->running, 3 * local->rows, local->factors, 3 * local->rgb->width);
        local->made = y + 1;
    }
    return od;
}
