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

/* Columns to the nearest set pixel of each row; reach + 1 = none within reach.  out (height, width). */
static void columns_away(const Image *mask, int reach, int *out)
{
    for (int y = 0; y < mask->height; y++) {
        const uint8_t *row = mask->pixels + (size_t)y * mask->width;
        int *away = out + (size_t)y * mask->width;
        for (int x = 0; x < mask->width; x++) {
            int left = x ? away[x - 1] : reach + 1;
            away[x] = row[x] ? 0 : MIN(left + 1, reach + 1);
        }
        for (int x = mask->width - 2; x >= 0; x--) {
            away[x] = MIN(away[x], away[x + 1] + 1);
        }
    }
}

/* Whether a set pixel is nearer than `radius`: dx from columns_away, dy over the rows in reach. */
static gboolean is_near(const int *away, const Image *mask, int x, int y, int reach, double radius)
{
    for (int j = MAX(0, y - reach); j <= MIN(mask->height - 1, y + reach); j++) {
        double dx = away[(size_t)j * mask->width + x], dy = j - y;
        if (dx <= reach && sqrt(dx * dx + dy * dy) < radius) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Sets what a flood of the background from the border does not reach. */
static void fill_holes(Image *mask)
{
    enum { OUTSIDE = 2 };
    static const int step[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(int[2]));
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            uint8_t *pixel = &mask->pixels[(size_t)y * mask->width + x];
            if (*pixel == 0 && (x == 0 || y == 0 || x + 1 == mask->width || y + 1 == mask->height)) {
                *pixel = OUTSIDE;
                g_array_append_vals(queue, (int[2]){x, y}, 1);
            }
        }
    }
    while (queue->len > 0) {
        const int *at = (const int *)(void *)(queue->data + (queue->len - 1) * sizeof(int[2]));
        int x = at[0], y = at[1];
        g_array_set_size(queue, queue->len - 1);
        for (int k = 0; k < 4; k++) {
            int i = x + step[k][0], j = y + step[k][1];
            if (i >= 0 && j >= 0 && i < mask->width && j < mask->height &&
                mask->pixels[(size_t)j * mask->width + i] == 0) {
                mask->pixels[(size_t)j * mask->width + i] = OUTSIDE;
                g_array_append_vals(queue, (int[2]){i, j}, 1);
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
    g_autofree int *away = out ? wsi_try_alloc(image_bytes(mask), sizeof(int), "distances", error) : NULL;
    if (!away) {
        return NULL;
    }
    columns_away(mask, reach, away);
    for (int y = 0; y < mask->height; y++) {
        for (int x = 0; x < mask->width; x++) {
            size_t at = (size_t)y * mask->width + x;
            out->pixels[at] = mask->pixels[at] || is_near(away, mask, x, y, reach, radius_px);
        }
    }
    fill_holes(out);
    return g_steal_pointer(&out);
}
