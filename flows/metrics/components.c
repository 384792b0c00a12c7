/* Connected regions: labels by union and find over the pixels, moments, growing and filling. */
#include "flows/metrics/components.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* ---- labels ---- */

/* The root of a label's tree; halves the path on the way. */
static int find(int *parent, int label)
{
    while (parent[label] != label) {
        parent[label] = parent[parent[label]];
        label = parent[label];
    }
    return label;
}

/* The smaller root wins, so a root is the label of the region's first pixel. */
static int join(int *parent, int a, int b)
{
    a = find(parent, a);
    b = find(parent, b);
    parent[MAX(a, b)] = MIN(a, b);
    return MIN(a, b);
}

/* The label of pixel (x, y) by its neighbours that were visited before, or a new one. */
static int label_of(Components *c, GArray *parents, int x, int y)
{
    static const int before[4][2] = {{-1, 0}, {-1, -1}, {0, -1}, {1, -1}};
    int label = 0;
    for (int k = 0; k < 4; k++) {
        int i = x + before[k][0], j = y + before[k][1];
        int other = i >= 0 && i < c->width && j >= 0 ? c->label[(size_t)j * c->width + i] : 0;
        if (other && label) {
            label = join((int *)(void *)parents->data, label, other);
        } else if (other) {
            label = other;
        }
    }
    if (!label) {
        label = (int)parents->len;
        g_array_append_val(parents, label);
    }
    return label;
}

/* Replaces provisional labels by 1..count and counts the pixels. */
static void number(Components *c, GArray *parents)
{
    int *parent = (int *)(void *)parents->data;
    g_autofree int *final = g_new0(int, parents->len);
    for (int label = 1; label < (int)parents->len; label++) { /* a root comes before its other labels */
        int root = find(parent, label);
        final[label] = root == label ? ++c->count : final[root];
    }
    c->size = g_new0(int, c->count + 1);
    for (size_t i = 0; i < (size_t)c->width * c->height; i++) {
        c->label[i] = final[c->label[i]];
        c->size[c->label[i]]++;
    }
}

Components *components_new(const Image *mask, GError **error)
{
    g_autoptr(Components) c = g_new0(Components, 1);
    c->width = mask->width;
    c->height = mask->height;
    c->label = wsi_try_alloc((size_t)c->width * c->height, sizeof(int), "regions of a mask", error);
    if (!c->label) {
        return NULL;
    }
    int none = 0;
    g_autoptr(GArray) parents = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_val(parents, none);
    for (int y = 0; y < c->height; y++) {
        for (int x = 0; x < c->width; x++) {
            size_t at = (size_t)y * c->width + x;
            c->label[at] = mask->pixels[at] ? label_of(c, parents, x, y) : 0;
        }
    }
    number(c, parents);
    return g_steal_pointer(&c);
}

void components_free(Components *components)
{
    if (components) {
        g_free(components->label);
        g_free(components->size);
        g_free(components);
    }
}

/* ---- moments ---- */

typedef struct {
    double x, y, xx, xy, yy;
} Moments;

gboolean components_major_axes(const Components *c, double *out, GError **error)
{
    g_autofree Moments *of =
        wsi_try_alloc((size_t)c->count + 1, sizeof(Moments), "moments of regions", error);
    if (!of) {
        return FALSE;
    }
    for (int pass = 0; pass < 2; pass++) { /* the means, then the squares around them */
        for (size_t i = 0; i < (size_t)c->width * c->height; i++) {
            if (c->label[i] == 0) { /* the background is most of a mask, and has no axis */
                continue;
            }
            Moments *m = &of[c->label[i]];
            double n = c->size[c->label[i]], x = (double)(i % (size_t)c->width),
                   y = (double)(i / (size_t)c->width);
            if (pass == 0) {
                m->x += x;
                m->y += y;
            } else {
                double dx = x - m->x / n, dy = y - m->y / n;
                m->xx += dx * dx;
                m->xy += dx * dy;
                m->yy += dy * dy;
            }
        }
    }
    out[0] = 0;
    for (int k = 1; k <= c->count; k++) {
        double n = c->size[k], xx = of[k].xx / n, xy = of[k].xy / n, yy = of[k].yy / n;
        out[k] = 4 * sqrt((xx + yy) / 2 + sqrt((xx - yy) * (xx - yy) / 4 + xy * xy));
    }
    return TRUE;
}

/* ---- growing and filling ---- */

/* Whether a set pixel has a neighbour above, below or beside it that is not set.  The set pixel that is nearest to one that is not set always has: one
 * step from it towards the other is nearer still. */
static gboolean is_edge(const Image *mask, int x, int y)
{
    const uint8_t *at = mask->pixels + (size_t)y * mask->width + x;
    return (x > 0 && !at[-1]) || (x + 1 < mask->width && !at[1]) || (y > 0 && !at[-mask->width]) ||
           (y + 1 < mask->height && !at[mask->width]);
}

/* Sets all pixels that are nearer than `radius` to (x, y). */
static void paint_disc(Image *out, int x, int y, int reach, double radius)
{
    for (int j = MAX(0, y - reach); j <= MIN(out->height - 1, y + reach); j++) {
        for (int i = MAX(0, x - reach); i <= MIN(out->width - 1, x + reach); i++) {
            double dx = i - x, dy = j - y;
            if (sqrt(dx * dx + dy * dy) < radius) {
                out->pixels[(size_t)j * out->width + i] = 1;
            }
        }
    }
}

enum { OUTSIDE = 2 };

/* Notes where runs of 0 begin in columns x0..x1 of a row. */
static void push_runs(const Image *mask, int x0, int x1, int y, GArray *seeds)
{
    const uint8_t *row = mask->pixels + (size_t)y * mask->width;
    for (int x = x0; x <= x1; x++) {
        if (row[x] == 0 && (x == x0 || row[x - 1] != 0)) {
            g_array_append_vals(seeds, (int[2]){x, y}, 1);
        }
    }
}

/* Marks all background that is connected to the seeds, run by run. */
static void flood(Image *mask, GArray *seeds)
{
    while (seeds->len > 0) {
        const int *at = (const int *)(void *)(seeds->data + (seeds->len - 1) * sizeof(int[2]));
        int left = at[0], right = at[0], y = at[1];
        uint8_t *row = mask->pixels + (size_t)y * mask->width;
        g_array_set_size(seeds, seeds->len - 1);
        if (row[left] != 0) { /* reached on another way */
            continue;
        }
        for (; left > 0 && row[left - 1] == 0; left--) {
        }
        for (; right + 1 < mask->width && row[right + 1] == 0; right++) {
        }
        memset(row + left, OUTSIDE, (size_t)(right - left + 1));
        if (y > 0) {
            push_runs(mask, left, right, y - 1, seeds);
        }
        if (y + 1 < mask->height) {
            push_runs(mask, left, right, y + 1, seeds);
        }
    }
}

/* Sets what a flood of the background from the border does not reach. */
static void fill_holes(Image *mask)
{
    g_autoptr(GArray) seeds = g_array_new(FALSE, FALSE, sizeof(int[2]));
    for (int y = 0; y < mask->height; y++) {
        gboolean whole = y == 0 || y + 1 == mask->height;
        for (int x = 0; x < mask->width; x += whole || mask->width == 1 ? 1 : mask->width - 1) {
            if (mask->pixels[(size_t)y * mask->width + x] == 0) {
                g_array_append_vals(seeds, (int[2]){x, y}, 1);
                flood(mask, seeds);
            }
        }
    }
    for (size_t i = 0; i < image_bytes(mask); i++) {
        mask->pixels[i] = mask->pixels[i] != OUTSIDE;
    }
}

Image *components_grow(const Image *mask, double radius_px, GError **error)
{
    int reach = MAX(0, (int)ceil(radius_px) - 1); /* the largest whole distance < radius */
    g_autoptr(Image) out = image_new(mask->width, mask->height, 1, error);
    if (!out) {
        return NULL;
    }
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            size_t at = (size_t)y * mask->width + x;
            if (mask->pixels[at]) {
                out->pixels[at] = 1;
                if (is_edge(mask, x, y)) {
                    paint_disc(out, x, y, reach, radius_px);
                }
            }
        }
    }
    fill_holes(out);
    return g_steal_pointer(&out);
}
