/* Non-maximum suppression over the maxima alone: over all cells it would next take the slope around a disc that it has just suppressed. */
#include "pipeline/scoring/detections.h"
#include "base/durable.h"
#include <math.h>

/* Whether no neighbour is higher, and no equal one comes before it. */
static gboolean is_maximum(const Map *map, int x, int y)
{
    double value = map->values[(size_t)y * map->width + x];
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            int nx = x + dx, ny = y + dy;
            if ((dx == 0 && dy == 0) || nx < 0 || ny < 0 || nx >= map->width || ny >= map->height) {
                continue;
            }
            /* NaN is neither higher nor equal. */
            double other = map->values[(size_t)ny * map->width + nx];
            gboolean before = dy < 0 || (dy == 0 && dx < 0);
            if (other > value || (before && other == value)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

static int by_value(const void *a, const void *b)
{
    const Detection *one = a, *other = b;
    if (one->value != other->value) {
        return one->value > other->value ? -1 : 1;
    }
    return one->row != other->row ? one->row - other->row : one->column - other->column;
}

/* Squares as wide as the radius: whatever is near a point is in its square or in one of the eight around it. */
typedef struct {
    GHashTable
        *squares; /* int64_t* of (row, column) of a square -> GArray of indices of the detections in it */
    double radius, width, height;
} Near;

static int64_t square_key(double row, double column)
{
    return ((int64_t)row << 32) | (int64_t)column;
}

static gboolean is_near(const Near *near, const GArray *taken, double x, double y)
{
    double column = floor(x / near->radius), row = floor(y / near->radius);
    for (int i = 0; i < 9; i++) {
        if (row + i / 3 - 1 < 0 || column + i % 3 - 1 < 0) {
            continue;
        }
        int64_t key = square_key(row + i / 3 - 1, column + i % 3 - 1);
        const GArray *inside = g_hash_table_lookup(near->squares, &key);
        for (guint k = 0; inside && k < inside->len; k++) {
            const Detection *one = &g_array_index(taken, Detection, g_array_index(inside, guint, k));
            double dx = (one->column + 0.5) * near->width - x, dy = (one->row + 0.5) * near->height - y;
            if (dx * dx + dy * dy <= near->radius * near->radius) {
                return TRUE;
            }
        }
    }
    return FALSE;
}

static void add_near(const Near *near, guint index, double x, double y)
{
    int64_t key = square_key(floor(y / near->radius), floor(x / near->radius));
    GArray *inside = g_hash_table_lookup(near->squares, &key);
    if (!inside) {
        inside = g_array_new(FALSE, FALSE, sizeof(guint));
        g_hash_table_insert(near->squares, g_memdup2(&key, sizeof key), inside);
    }
    g_array_append_val(inside, index);
}

GArray *detections_find(const Map *map, double threshold, double radius_um, double cell_x_um,
                        double cell_y_um)
{
    g_autoptr(GArray) maxima = g_array_new(FALSE, FALSE, sizeof(Detection));
    GArray *taken = g_array_new(FALSE, FALSE, sizeof(Detection));
    for (int y = 0; y < map->height; y++) {
        for (int x = 0; x < map->width; x++) {
            double value = map->values[(size_t)y * map->width + x];
            if (isfinite(value) && value >= threshold && is_maximum(map, x, y)) {
                Detection one = {x, y, value};
                g_array_append_val(maxima, one);
            }
        }
    }
    g_array_sort(maxima, by_value);
    g_autoptr(GHashTable) squares =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_array_unref);
    const Near near = {squares, radius_um, cell_x_um, cell_y_um};
    for (guint i = 0; i < maxima->len; i++) {
        const Detection *one = &g_array_index(maxima, Detection, i);
        double x = (one->column + 0.5) * cell_x_um, y = (one->row + 0.5) * cell_y_um;
        if (radius_um > 0 && is_near(&near, taken, x, y)) {
            continue;
        }
        if (radius_um > 0) {
            add_near(&near, taken->len, x, y);
        }
        g_array_append_val(taken, *one);
    }
    return taken;
}

gboolean detections_write(const char *path, const GArray *detections, double cell_width, double cell_height,
                          char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < detections->len; i++) {
        const Detection *one = &g_array_index(detections, Detection, i);
        char value[G_ASCII_DTOSTR_BUF_SIZE];
        g_string_append_printf(out, "%s,%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "\n",
                               g_ascii_formatd(value, sizeof value, "%.9g", one->value),
                               (gint64)((one->column + 0.5) * cell_width),
                               (gint64)((one->row + 0.5) * cell_height));
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}
