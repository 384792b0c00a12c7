/* Pixels of score maps.  All maps are in memory at once: metrics over thresholds need the order of all pixels. */
#include "pipeline/evaluation/pixel_set.h"
#include "base/error.h"
#include "flows/metrics/aupro.h"
#include "flows/metrics/aupro_bootstrap.h"
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/components.h"
#include "flows/metrics/metrics.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include <limits.h>
#include <math.h>

/* A map and the regions of its mask (NULL = normal). */
typedef struct {
    Map *map;
    Components *regions;
} Scored;

static void scored_free(gpointer data)
{
    Scored *scored = data;
    map_free(scored->map);
    components_free(scored->regions);
    g_free(scored);
}

/* The pixels that have a score: value i of each array is of pixel i. */
struct PixelSet {
    GPtrArray *images;   /* Scored* */
    GPtrArray *patients; /* char*, of each image; NULL = not known */
    double *score;
    int *region, *label, *image; /* region: 0 = normal, else a region of all images; image: its number */
    int n, regions, without_mask;
    gint64 all; /* pixels of all maps */
};

PixelSet *pixel_set_new(void)
{
    PixelSet *set = g_new0(PixelSet, 1);
    set->images = g_ptr_array_new_with_free_func(scored_free);
    set->patients = g_ptr_array_new_with_free_func(g_free);
    return set;
}

void pixel_set_free(PixelSet *set)
{
    if (set) {
        g_ptr_array_unref(set->images);
        g_ptr_array_unref(set->patients);
        g_free(set->score);
        g_free(set->region);
        g_free(set->label);
        g_free(set->image);
        g_free(set);
    }
}

gboolean pixel_set_add(PixelSet *pixels, Map *map, const Image *mask, const char *patient, GError **error)
{
    Scored *scored = g_new0(Scored, 1);
    scored->map = map;
    g_ptr_array_add(pixels->images, scored);
    g_ptr_array_add(pixels->patients, g_strdup(patient));
    pixels->without_mask += !mask;
    pixels->all += (gint64)map->width * map->height;
    if (pixels->all > INT_MAX) {
        return wsi_error_input(error, "the maps have more pixels than can be evaluated at once (%d)",
                               INT_MAX);
    }
    return !mask || (scored->regions = components_new(mask, error));
}

/* Fills the arrays from the maps. */
static gboolean flatten(PixelSet *pixels, GError **error)
{
    size_t all = (size_t)pixels->all;
    if (!(pixels->score = wsi_try_alloc(all, sizeof(double), "scores of pixels", error)) ||
        !(pixels->region = wsi_try_alloc(all, sizeof(int), "regions of pixels", error)) ||
        !(pixels->label = wsi_try_alloc(all, sizeof(int), "labels of pixels", error)) ||
        !(pixels->image = wsi_try_alloc(all, sizeof(int), "images of pixels", error))) {
        return FALSE;
    }
    for (guint k = 0; k < pixels->images->len; k++) {
        const Scored *scored = pixels->images->pdata[k];
        for (size_t i = 0; i < (size_t)scored->map->width * (size_t)scored->map->height; i++) {
            int region = scored->regions ? scored->regions->label[i] : 0;
            if (!isnan(scored->map->values[i])) {
                pixels->score[pixels->n] = scored->map->values[i];
                pixels->region[pixels->n] = region ? pixels->regions + region : 0;
                pixels->label[pixels->n] = region > 0;
                pixels->image[pixels->n++] = (int)k;
            }
        }
        pixels->regions += scored->regions ? scored->regions->count : 0;
    }
    return TRUE;
}

/* Fills *unit (pixels), the caller's to free, with what is drawn; name: that of an image. */
static gboolean find_units(const PixelSet *pixels, const char *name, int **unit, int *units,
                           const char **drawn, GError **error)
{
    g_autofree int *of_image = g_new(int, pixels->images->len + 1);
    *drawn = patient_units(pixels->patients, name, of_image, units);
    *unit = wsi_try_alloc((size_t)pixels->n, sizeof(int), "patients of pixels", error);
    for (int i = 0; *unit && i < pixels->n; i++) {
        (*unit)[i] = of_image[pixels->image[i]];
    }
    return *unit != NULL;
}

static gboolean add_intervals(json_t *out, const PixelSet *pixels, const int *unit, int units, GError **error)
{
    MetricIntervals intervals;
    Interval aupro;
    if (!bootstrap_metrics(pixels->score, pixels->label, unit, pixels->n, units, EVALUATION_SEED, &intervals,
                           error) ||
        !aupro_bootstrap(pixels->score, pixels->region, unit, pixels->n, pixels->regions, units, AUPRO_LIMIT,
                         EVALUATION_SEED, &aupro, error)) {
        return FALSE;
    }
    json_object_set_new(out, "level", json_real(BOOTSTRAP_LEVEL));
    json_object_set_new(out, "auroc", evaluation_interval(&intervals.auroc));
    json_object_set_new(out, "average_precision", evaluation_interval(&intervals.average_precision));
    json_object_set_new(out, "best_f1", evaluation_interval(&intervals.best_f1));
    json_object_set_new(out, "aupro", evaluation_interval(&aupro));
    return TRUE;
}

/* NULL with error. */
static json_t *intervals_json(const PixelSet *pixels, const char *name, GError **error)
{
    g_autofree int *unit = NULL;
    int units;
    const char *drawn;
    if (!find_units(pixels, name, &unit, &units, &drawn, error)) {
        return NULL;
    }
    g_autofree char *names = g_strconcat(drawn, "s", NULL), *refusal = bootstrap_refusal(units, names);
    json_t *out = json_pack("{s:s, s:i}", "unit", drawn, "units", units);
    if (refusal) {
        json_object_set_new(out, "absent", json_string(refusal));
    } else if (!add_intervals(out, pixels, unit, units, error)) {
        json_decref(out);
        return NULL;
    }
    return out;
}

/* Adds what needs both classes. */
static gboolean add_metrics(json_t *out, const PixelSet *pixels, const char *name, GError **error)
{
    const double *score = pixels->score;
    int n = pixels->n;
    Metrics m;
    double aupro;
    if (!metrics_compute(score, pixels->label, n, &m, error)) {
        return FALSE;
    }
    json_object_set_new(out, "prevalence", json_real(m.prevalence));
    if (m.positives == 0 || m.positives == n) {
        json_object_set_new(out, "absent",
                            json_string(m.positives ? "no pixel with a score is normal"
                                                    : "no pixel with a score is anomalous"));
        return TRUE;
    }
    if (!aupro_compute(score, pixels->region, n, pixels->regions, AUPRO_LIMIT, &aupro, error)) {
        return FALSE;
    }
    json_object_update_new(out,
                           json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "auroc", m.auroc, "average_precision",
                                     m.average_precision, "best_f1", m.best_f1, "threshold",
                                     m.best_f1_threshold, "aupro", aupro, "aupro_limit", AUPRO_LIMIT));
    json_t *intervals = intervals_json(pixels, name, error);
    return intervals && json_object_set_new(out, "intervals", intervals) == 0;
}

json_t *pixel_set_metrics(PixelSet *pixels, const char *name, const char *names, GError **error)
{
    if (!flatten(pixels, error)) {
        return NULL;
    }
    json_t *out = json_pack("{s:i, s:i, s:i, s:I, s:i}", names, (int)pixels->images->len, "without_mask",
                            pixels->without_mask, "pixels", pixels->n, "without_score",
                            (json_int_t)(pixels->all - pixels->n), "regions", pixels->regions);
    if (pixels->n == 0) {
        json_object_set_new(out, "absent", json_string("no pixel has a score"));
    } else if (!add_metrics(out, pixels, name, error)) {
        json_decref(out);
        return NULL;
    }
    return out;
}
