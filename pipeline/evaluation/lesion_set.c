/* FROC of slides, counted in four ways. */
#include "pipeline/evaluation/lesion_set.h"
#include "base/error.h"
#include "flows/metrics/froc_bootstrap.h"
#include "flows/metrics/staging.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include <math.h>

#define MARGIN ((int)(FROC_JOIN_UM / FROC_PIXEL_UM) + 2) /* px of the mask around the lesions */
#define MOST_PX (1 << 28)

/* Both scripts, with and without ITC. */
static const struct {
    FrocRule rule;
    gboolean include_itc;
    const char *name, *itc;
} ways[] = {{FROC_2016, FALSE, "2016", "ignored"},
            {FROC_STEP, FALSE, "step", "ignored"},
            {FROC_2016, TRUE, "2016", "lesions"},
            {FROC_STEP, TRUE, "step", "lesions"}};
enum { WAYS = G_N_ELEMENTS(ways) };

/* The rates of a band: 0 to 8 false positives per slide in steps of 1/8. */
enum { BAND = 65 };

struct LesionSet {
    GPtrArray *slides[WAYS]; /* FrocSlide* */
    GPtrArray *patients;     /* char*, of each slide; NULL = not known */
    json_t *by_slide, *left_out;
    int normal, regions, itc, detections;
};

static void free_slide(gpointer slide)
{
    froc_slide_free(slide);
}

LesionSet *lesion_set_new(void)
{
    LesionSet *set = g_new0(LesionSet, 1);
    for (int w = 0; w < WAYS; w++) {
        set->slides[w] = g_ptr_array_new_with_free_func(free_slide);
    }
    set->patients = g_ptr_array_new_with_free_func(g_free);
    set->by_slide = json_array();
    set->left_out = json_array();
    return set;
}

void lesion_set_free(LesionSet *set)
{
    if (!set) {
        return;
    }
    for (int w = 0; w < WAYS; w++) {
        g_ptr_array_unref(set->slides[w]);
    }
    g_ptr_array_unref(set->patients);
    json_decref(set->by_slide);
    json_decref(set->left_out);
    g_free(set);
}

int lesion_set_count(const LesionSet *set)
{
    return (int)set->patients->len;
}

/* ---- regions ---- */

gboolean lesion_regions(const Raster *raster, double mpp_x, double mpp_y, const char *what,
                        Components **regions, double *left, double *top, GError **error)
{
    const Rect lesions = raster_bounds(raster);
    double px = FROC_PIXEL_UM / mpp_x, py = FROC_PIXEL_UM / mpp_y; /* level-0 px of a pixel of the mask */
    *regions = NULL;
    *left = fmax(0, floor(lesions.x / px) - MARGIN);
    *top = fmax(0, floor(lesions.y / py) - MARGIN);
    double width = ceil((lesions.x + lesions.width) / px) + MARGIN - *left,
           height = ceil((lesions.y + lesions.height) / py) + MARGIN - *top;
    if (lesions.width == 0 || width <= 0 || height <= 0) {
        return TRUE;
    }
    if (width * height > MOST_PX) {
        return wsi_error_input(error, "%s: its lesions span %.0f x %.0f px of %g um: is --mpp %g right?",
                               what, width, height, FROC_PIXEL_UM, mpp_x);
    }
    g_autoptr(Image) mask = image_new((int)width, (int)height, 1, error);
    if (!mask) {
        return FALSE;
    }
    Rect area = {*left * px, *top * py, width * px, height * py};
    raster_fill(raster, &area, mask);
    *regions = froc_regions(mask, error);
    return *regions != NULL;
}

gboolean lesion_axes(const Components *regions, double *major_um, double *largest_um, GError **error)
{
    *largest_um = 0;
    if (regions && !components_major_axes(regions, major_um, error)) {
        return FALSE;
    }
    for (int k = 1; regions && k <= regions->count; k++) {
        major_um[k] *= FROC_PIXEL_UM;
        /* A region of a few pixels can be shorter than what was added to it, and is a lesion all the same. */
        *largest_um = fmax(*largest_um, fmax(major_um[k] - FROC_JOIN_UM, FROC_PIXEL_UM));
    }
    return TRUE;
}

/* ---- one slide ---- */

static int hits_of(const FrocSlide *slide)
{
    int hits = 0;
    for (int k = 0; k < slide->regions; k++) {
        hits += slide->hit[k] > 0;
    }
    return hits;
}

/* The detections in px of the mask. */
static GArray *in_mask(const LesionSlide *slide)
{
    GArray *out = g_array_sized_new(FALSE, FALSE, sizeof(Detection), slide->detections->len);
    for (guint i = 0; i < slide->detections->len; i++) {
        Detection d = g_array_index(slide->detections, Detection, i);
        d.x = d.x * slide->mpp_x / FROC_PIXEL_UM - slide->left;
        d.y = d.y * slide->mpp_y / FROC_PIXEL_UM - slide->top;
        g_array_append_val(out, d);
    }
    return out;
}

gboolean lesion_set_add(LesionSet *set, const LesionSlide *slide, GError **error)
{
    int count = slide->regions ? slide->regions->count : 0, itc = 0;
    g_autofree double *major = g_new0(double, count + 1);
    g_autoptr(GArray) detections = in_mask(slide);
    double largest;
    if (!lesion_axes(slide->regions, major, &largest, error)) {
        return FALSE;
    }
    for (int k = 1; k <= count; k++) {
        itc += major[k] < FROC_ITC_UM;
    }
    for (int w = 0; w < WAYS; w++) {
        g_ptr_array_add(set->slides[w],
                        froc_slide_new(slide->regions, major, (const Detection *)(void *)detections->data,
                                       (int)detections->len, ways[w].rule, ways[w].include_itc));
    }
    const FrocSlide *first = set->slides[0]->pdata[set->slides[0]->len - 1];
    json_array_append_new(set->by_slide,
                          json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "slide",
                                    slide->name, "annotated", slide->annotated, "regions", count, "itc", itc,
                                    "detections", (int)detections->len, "hits", hits_of(first), "in_itc",
                                    first->in_itc, "false_positives", first->false_positives, "diameter_um",
                                    largest, "class", staging_class_name(staging_class(largest))));
    g_ptr_array_add(set->patients, g_strdup(slide->patient));
    set->normal += !slide->annotated;
    set->regions += count;
    set->itc += itc;
    set->detections += (int)detections->len;
    return TRUE;
}

void lesion_set_leave_out(LesionSet *set, const char *name, const char *why)
{
    json_array_append_new(set->left_out, json_pack("{s:s, s:s}", "slide", name, "why", why));
}

json_t *lesion_set_left_out(const LesionSet *set)
{
    return set->left_out;
}

char *lesion_set_left_out_text(const LesionSet *set)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_t *one;
    size_t i;
    json_array_foreach(set->left_out, i, one)
    {
        g_string_append_printf(out, "%s%s: %s", i ? "; " : "",
                               json_string_value(json_object_get(one, "slide")),
                               json_string_value(json_object_get(one, "why")));
    }
    return out->len ? g_strdup(out->str) : NULL;
}

/* ---- results ---- */

/* Without points between two of the same sensitivity. */
static json_t *curve_json(const GArray *curve)
{
    json_t *rates = json_array(), *sensitivity = json_array();
    for (guint i = 0; i < curve->len; i++) {
        const FrocPoint *at = &g_array_index(curve, FrocPoint, i);
        gboolean inner = i > 0 && i + 1 < curve->len && at[-1].sensitivity == at->sensitivity &&
                         at[1].sensitivity == at->sensitivity;
        if (!inner) {
            json_array_append_new(rates, json_real(at->false_positives));
            json_array_append_new(sensitivity, json_real(at->sensitivity));
        }
    }
    return json_pack("{s:o, s:o}", "false_positives_per_slide", rates, "sensitivity", sensitivity);
}

static void add_intervals(json_t *out, const FrocSample *sample, const int *unit, int slides, int units)
{
    double rates[BAND];
    Interval score, at[BAND];
    json_t *rate = json_array(), *low = json_array(), *high = json_array();
    for (int r = 0; r < BAND; r++) {
        rates[r] = r / 8.0;
    }
    froc_bootstrap(sample, unit, slides, units, EVALUATION_SEED, &score, rates, BAND, at);
    for (int r = 0; r < BAND; r++) {
        json_array_append_new(rate, json_real(rates[r]));
        json_array_append_new(low, json_real(at[r].low));
        json_array_append_new(high, json_real(at[r].high));
    }
    json_object_set_new(out, "interval", evaluation_interval(&score));
    json_object_set_new(
        out, "band",
        json_pack("{s:o, s:o, s:o}", "false_positives_per_slide", rate, "low", low, "high", high));
}

static json_t *froc_json(const LesionSet *set, int way, const int *unit, int units, const char *refusal)
{
    int slides = lesion_set_count(set);
    Froc froc;
    g_autoptr(FrocSample) sample =
        froc_sample_new((FrocSlide *const *)set->slides[way]->pdata, slides, ways[way].rule);
    g_autoptr(GArray) curve = NULL;
    froc_compute(sample, NULL, &froc, &curve);
    json_t *out =
        json_pack("{s:s, s:s, s:i}", "rule", ways[way].name, "itc", ways[way].itc, "lesions", froc.lesions);
    if (froc.lesions == 0) {
        json_object_set_new(out, "absent",
                            json_string("no slide has a lesion that counts, so there is no sensitivity"));
        return out;
    }
    json_t *rates = json_array(), *sensitivity = json_array();
    for (int r = 0; r < FROC_RATES; r++) {
        json_array_append_new(rates, json_real(froc_rates[r]));
        json_array_append_new(sensitivity, json_real(froc.sensitivity[r]));
    }
    json_object_update_new(out, json_pack("{s:o, s:o, s:f, s:o}", "false_positives_per_slide", rates,
                                          "sensitivity", sensitivity, "score", froc.score, "curve",
                                          curve_json(curve)));
    if (refusal) {
        json_object_set_new(out, "intervals_absent", json_string(refusal));
    } else {
        add_intervals(out, sample, unit, slides, units);
    }
    return out;
}

json_t *lesion_set_metrics(const LesionSet *set)
{
    int slides = lesion_set_count(set);
    g_autofree int *unit = g_new(int, slides + 1);
    int units;
    const char *name = patient_units(set->patients, "slide", unit, &units);
    g_autofree char *names = g_strconcat(name, "s", NULL), *refusal = bootstrap_refusal(units, names);
    json_t *froc = json_array();
    for (int w = 0; w < WAYS; w++) {
        json_array_append_new(froc, froc_json(set, w, unit, units, refusal));
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:O, s:s, s:i, s:o, s:O}", "slides", slides, "normal",
                     set->normal, "regions", set->regions, "itc", set->itc, "detections", set->detections,
                     "left_out", set->left_out, "unit", name, "units", units, "froc", froc, "by_slide",
                     set->by_slide);
}
