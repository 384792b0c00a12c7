/* FROC.
 *
 * Hits and false positives of all slides are sorted by confidence.  A threshold is a distinct confidence and counts what is at or above it,
 * so ties enter together, and a monotone change of the confidences does not change the result. */
#include "flows/metrics/froc.h"
#include <math.h>
#include <stdlib.h>

const double froc_rates[FROC_RATES] = {0.25, 0.5, 1, 2, 4, 8};

Components *froc_regions(const Image *lesions, GError **error)
{
    g_autoptr(Image) grown = components_grow(lesions, FROC_JOIN_UM / FROC_PIXEL_UM / 2, error);
    return grown ? components_new(grown, error) : NULL;
}

/* ---- one slide ---- */

/* The region at a detection; 0 = none. */
static int region_at(const Components *regions, const Detection *d, FrocRule rule)
{
    double x = rule == FROC_2016 ? trunc(d->x) : nearbyint(d->x),
           y = rule == FROC_2016 ? trunc(d->y) : nearbyint(d->y);
    if (!regions || !(x >= 0 && y >= 0 && x < regions->width && y < regions->height)) {
        return 0;
    }
    return regions->label[(size_t)y * regions->width + (size_t)x];
}

FrocSlide *froc_slide_new(const Components *regions, const double *major_um, const Detection *detections,
                          int n, FrocRule rule, gboolean include_itc)
{
    FrocSlide *slide = g_new0(FrocSlide, 1);
    slide->regions = regions ? regions->count : 0;
    slide->hit = g_new0(double, slide->regions);
    slide->itc = g_new0(gboolean, slide->regions);
    slide->false_positive = g_new(double, n);
    for (int k = 0; k < slide->regions; k++) {
        slide->itc[k] = !include_itc && major_um[k + 1] < FROC_ITC_UM;
    }
    for (int i = 0; i < n; i++) {
        int k = region_at(regions, &detections[i], rule) - 1;
        if (k < 0) {
            slide->false_positive[slide->false_positives++] = detections[i].confidence;
        } else if (slide->itc[k]) {
            slide->in_itc++;
        } else {
            slide->hit[k] = fmax(slide->hit[k], detections[i].confidence);
        }
    }
    return slide;
}

void froc_slide_free(FrocSlide *slide)
{
    if (slide) {
        g_free(slide->hit);
        g_free(slide->itc);
        g_free(slide->false_positive);
        g_free(slide);
    }
}

/* ---- all slides ---- */

typedef struct {
    double confidence;
    int weight;
    gboolean hit;
} Event;

static int descending(const void *a, const void *b)
{
    double x = ((const Event *)a)->confidence, y = ((const Event *)b)->confidence;
    return (x < y) - (x > y);
}

/* All hits and false positives.  A region without a hit, also ITC, has confidence 0 in the script of 2016, where 0 then is the smallest threshold;
 * *lesions: regions that count. */
static GArray *events_of(FrocSlide *const *slides, const int *weight, int n, int *lesions, int *count)
{
    GArray *events = g_array_new(FALSE, FALSE, sizeof(Event));
    *lesions = *count = 0;
    for (int s = 0; s < n; s++) {
        int w = weight ? weight[s] : 1;
        *count += w;
        for (int k = 0; w > 0 && k < slides[s]->regions; k++) {
            Event hit = {slides[s]->hit[k], slides[s]->itc[k] ? 0 : w, TRUE};
            *lesions += hit.weight;
            g_array_append_val(events, hit);
        }
        for (int i = 0; w > 0 && i < slides[s]->false_positives; i++) {
            Event wrong = {slides[s]->false_positive[i], w, FALSE};
            g_array_append_val(events, wrong);
        }
    }
    g_array_sort(events, descending);
    return events;
}

/* Points by descending threshold. */
static GArray *curve_of(const GArray *events, int lesions, int slides, FrocRule rule)
{
    GArray *curve = g_array_new(FALSE, FALSE, sizeof(FrocPoint));
    FrocPoint none = {INFINITY, 0, 0};
    g_array_append_val(curve, none);
    double smallest =
        rule == FROC_STEP || events->len == 0 ? 0 : g_array_index(events, Event, events->len - 1).confidence;
    int64_t hits = 0, wrong = 0;
    for (guint i = 0; i < events->len; i++) {
        Event at = g_array_index(events, Event, i);
        if (at.confidence <= smallest) {
            break; /* no threshold: see FrocRule */
        }
        *(at.hit ? &hits : &wrong) += at.weight;
        if (i + 1 == events->len || g_array_index(events, Event, i + 1).confidence < at.confidence) {
            FrocPoint point = {at.confidence, (double)wrong / slides, (double)hits / lesions};
            g_array_append_val(curve, point);
        }
    }
    return curve;
}

/* As numpy.interp over the points by ascending false positives: of several at one rate the last, beyond the last point its value. */
static double interpolated(const GArray *curve, double rate)
{
    guint j = 0;
    while (j + 1 < curve->len && g_array_index(curve, FrocPoint, j + 1).false_positives <= rate) {
        j++;
    }
    FrocPoint a = g_array_index(curve, FrocPoint, j);
    if (j + 1 == curve->len) {
        return a.sensitivity;
    }
    FrocPoint b = g_array_index(curve, FrocPoint, j + 1);
    double slope = (b.sensitivity - a.sensitivity) / (b.false_positives - a.false_positives);
    return slope * (rate - a.false_positives) + a.sensitivity;
}

/* The first point at or above the rate; of several with equal false positives that of the highest threshold. */
static double stepped(const GArray *curve, double rate)
{
    guint j = 0;
    while (j + 1 < curve->len && g_array_index(curve, FrocPoint, j).false_positives < rate) {
        j++;
    }
    return g_array_index(curve, FrocPoint, j).sensitivity;
}

void froc_compute(FrocSlide *const *slides, const int *weight, int n, FrocRule rule, Froc *out,
                  GArray **curve)
{
    int count;
    *out = (Froc){.score = NAN};
    g_autoptr(GArray) events = events_of(slides, weight, n, &out->lesions, &count);
    g_autoptr(GArray) points = curve_of(events, out->lesions, count, rule);
    if (out->lesions > 0) {
        out->score = 0;
    }
    for (int r = 0; r < FROC_RATES; r++) {
        out->sensitivity[r] = out->lesions == 0   ? NAN
                              : rule == FROC_2016 ? interpolated(points, froc_rates[r])
                                                  : stepped(points, froc_rates[r]);
        out->score += out->sensitivity[r] / FROC_RATES;
    }
    if (curve) {
        *curve = g_steal_pointer(&points);
    }
}
