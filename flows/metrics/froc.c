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
    int slide;
    gboolean hit, counts; /* counts: of a hit, whether its region is a lesion (not ITC) */
} Event;

struct FrocSample {
    FrocSlide *const *slides;
    int n;
    FrocRule rule;
    GArray *events; /* Event, by descending confidence */
};

static int descending(const void *a, const void *b)
{
    double x = ((const Event *)a)->confidence, y = ((const Event *)b)->confidence;
    return (x < y) - (x > y);
}

/* A region without a hit, also ITC, has confidence 0 in the script of 2016, where 0 then is the smallest threshold. */
FrocSample *froc_sample_new(FrocSlide *const *slides, int n, FrocRule rule)
{
    FrocSample *sample = g_new(FrocSample, 1);
    *sample = (FrocSample){slides, n, rule, g_array_new(FALSE, FALSE, sizeof(Event))};
    for (int s = 0; s < n; s++) {
        for (int k = 0; k < slides[s]->regions; k++) {
            Event hit = {slides[s]->hit[k], s, TRUE, !slides[s]->itc[k]};
            g_array_append_val(sample->events, hit);
        }
        for (int i = 0; i < slides[s]->false_positives; i++) {
            Event wrong = {slides[s]->false_positive[i], s, FALSE, TRUE};
            g_array_append_val(sample->events, wrong);
        }
    }
    g_array_sort(sample->events, descending);
    return sample;
}

void froc_sample_free(FrocSample *sample)
{
    if (sample) {
        g_array_unref(sample->events);
        g_free(sample);
    }
}

static int weight_of(const int *weight, int slide)
{
    return weight ? weight[slide] : 1;
}

/* How many lesions and slides count. */
static void count(const FrocSample *sample, const int *weight, int *lesions, int *slides)
{
    *lesions = *slides = 0;
    for (int s = 0; s < sample->n; s++) {
        int w = weight_of(weight, s);
        *slides += w;
        for (int k = 0; k < sample->slides[s]->regions; k++) {
            *lesions += sample->slides[s]->itc[k] ? 0 : w;
        }
    }
}

/* Confidences at or below this one are no thresholds: see FrocRule. */
static double smallest_of(const FrocSample *sample, const int *weight)
{
    for (guint i = sample->events->len; sample->rule == FROC_2016 && i > 0; i--) {
        const Event *event = &g_array_index(sample->events, Event, i - 1);
        if (weight_of(weight, event->slide) > 0) {
            return event->confidence;
        }
    }
    return 0;
}

/* Points by descending threshold. */
static GArray *curve_of(const FrocSample *sample, const int *weight, int lesions, int slides)
{
    const Event *events = (const Event *)(void *)sample->events->data;
    GArray *curve = g_array_new(FALSE, FALSE, sizeof(FrocPoint));
    FrocPoint none = {INFINITY, 0, 0};
    g_array_append_val(curve, none);
    double smallest = smallest_of(sample, weight);
    int64_t hits = 0, wrong = 0;
    gboolean any = FALSE; /* whether one of this confidence was drawn */
    for (guint i = 0; i < sample->events->len && events[i].confidence > smallest; i++) {
        int w = weight_of(weight, events[i].slide);
        *(events[i].hit ? &hits : &wrong) += events[i].counts ? w : 0;
        any = any || w > 0;
        if (any && (i + 1 == sample->events->len || events[i + 1].confidence < events[i].confidence)) {
            FrocPoint point = {events[i].confidence, (double)wrong / slides, (double)hits / lesions};
            g_array_append_val(curve, point);
            any = FALSE;
        }
    }
    return curve;
}

/* As numpy.interp over the points by ascending false positives: of several at one rate the last, beyond the last point its value.  *at: the point
 * from which the search begins, and where it ends. */
static double interpolated(const GArray *curve, double rate, guint *at)
{
    guint j = *at;
    while (j + 1 < curve->len && g_array_index(curve, FrocPoint, j + 1).false_positives <= rate) {
        j++;
    }
    *at = j;
    FrocPoint a = g_array_index(curve, FrocPoint, j);
    if (j + 1 == curve->len) {
        return a.sensitivity;
    }
    FrocPoint b = g_array_index(curve, FrocPoint, j + 1);
    double slope = (b.sensitivity - a.sensitivity) / (b.false_positives - a.false_positives);
    return slope * (rate - a.false_positives) + a.sensitivity;
}

/* The first point at or above the rate; of several with equal false positives that of the highest threshold. */
static double stepped(const GArray *curve, double rate, guint *at)
{
    guint j = *at;
    while (j + 1 < curve->len && g_array_index(curve, FrocPoint, j).false_positives < rate) {
        j++;
    }
    *at = j;
    return g_array_index(curve, FrocPoint, j).sensitivity;
}

void froc_at_rates(const FrocSample *sample, const GArray *curve, const double *rates, int n, double *out)
{
    guint at = 0;
    for (int r = 0; r < n; r++) {
        out[r] =
            sample->rule == FROC_2016 ? interpolated(curve, rates[r], &at) : stepped(curve, rates[r], &at);
    }
}

void froc_compute(const FrocSample *sample, const int *weight, Froc *out, GArray **curve)
{
    int slides;
    *out = (Froc){.score = NAN};
    count(sample, weight, &out->lesions, &slides);
    g_autoptr(GArray) points = curve_of(sample, weight, out->lesions, slides);
    if (out->lesions > 0) {
        froc_at_rates(sample, points, froc_rates, FROC_RATES, out->sensitivity);
        out->score = 0;
    }
    for (int r = 0; r < FROC_RATES; r++) {
        out->sensitivity[r] = out->lesions > 0 ? out->sensitivity[r] : NAN;
        out->score += out->sensitivity[r] / FROC_RATES;
    }
    if (curve) {
        *curve = g_steal_pointer(&points);
    }
}
