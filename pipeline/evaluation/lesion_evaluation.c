/* FROC of folders.
 *
 * The evaluation mask of a slide covers the box around its lesions with a margin, not the whole slide: nothing outside of it can be a hit.  So the size of the
 * slide need not be known, and memory follows the lesions. */
#include "pipeline/evaluation/lesion_evaluation.h"
#include "annotations/raster/raster.h"
#include "base/error.h"
#include "base/listing.h"
#include "flows/metrics/bootstrap.h"
#include "flows/metrics/staging.h"
#include "pipeline/cohort/camelyon.h"
#include "pipeline/cohort/folder_files.h"
#include "pipeline/evaluation/detection_table.h"
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/slide/lesions.h"
#include <math.h>
#include <string.h>

#define MARGIN ((int)(FROC_JOIN_UM / FROC_PIXEL_UM) + 2) /* px of the mask around the lesions */
#define MOST_PX (1 << 28)

/* The four ways to count: both scripts, with and without ITC. */
static const struct {
    FrocRule rule;
    gboolean include_itc;
    const char *name, *itc;
} ways[] = {{FROC_2016, FALSE, "2016", "ignored"},
            {FROC_STEP, FALSE, "step", "ignored"},
            {FROC_2016, TRUE, "2016", "lesions"},
            {FROC_STEP, TRUE, "step", "lesions"}};
enum { WAYS = G_N_ELEMENTS(ways) };

/* What is evaluated. */
typedef struct {
    GPtrArray *slides[WAYS]; /* FrocSlide* */
    json_t *by_slide, *left_out;
    int normal, regions, itc, detections;
} Evaluated;

static void free_slide(gpointer slide)
{
    froc_slide_free(slide);
}

/* ---- one slide ---- */

/* The box of the lesions in px of the mask, with a margin; FALSE when there is no lesion. */
static gboolean lesion_box(const Annotation *annotation, double factor, Rect *box)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (guint i = 0; i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        for (int k = 0; outline->closed && outline->label == LABEL_LESION && k < 2 * outline->points; k++) {
            low[k % 2] = fmin(low[k % 2], outline->xy[k] / factor);
            high[k % 2] = fmax(high[k % 2], outline->xy[k] / factor);
        }
    }
    if (!(low[0] <= high[0])) {
        return FALSE;
    }
    box->x = fmax(0, floor(low[0]) - MARGIN);
    box->y = fmax(0, floor(low[1]) - MARGIN);
    box->width = ceil(high[0]) + MARGIN - box->x;
    box->height = ceil(high[1]) + MARGIN - box->y;
    return box->width > 0 && box->height > 0;
}

/* The regions of an annotation and their box in px of the mask; *regions is NULL when there is no lesion. */
static gboolean read_regions(const LesionEvaluation *spec, const char *path, Components **regions, Rect *box,
                             GError **error)
{
    double factor = FROC_PIXEL_UM / spec->mpp;
    SlideFrame frame = {.mpp_x = spec->mpp, .mpp_y = spec->mpp, .offset_x_nm = NAN, .offset_y_nm = NAN};
    g_autoptr(Annotation) annotation = lesions_load(path, spec->groups, spec->field, &frame, error);
    g_autoptr(Raster) raster = annotation ? raster_build(annotation, error) : NULL;
    *regions = NULL;
    if (!raster) {
        return FALSE;
    }
    if (!lesion_box(annotation, factor, box)) {
        return TRUE;
    }
    if (box->width * box->height > MOST_PX) {
        return wsi_error_input(error, "%s: its lesions span %.0f x %.0f px of %g um: is --mpp %g right?",
                               path, box->width, box->height, FROC_PIXEL_UM, spec->mpp);
    }
    g_autoptr(Image) mask = image_new((int)box->width, (int)box->height, 1, error);
    if (!mask) {
        return FALSE;
    }
    Rect area = {box->x * factor, box->y * factor, box->width * factor, box->height * factor};
    raster_fill(raster, &area, mask);
    *regions = froc_regions(mask, error);
    return *regions != NULL;
}

static int hits_of(const FrocSlide *slide)
{
    int hits = 0;
    for (int k = 0; k < slide->regions; k++) {
        hits += slide->hit[k] > 0;
    }
    return hits;
}

/* Adds a slide that was read.  detections: in px of the mask. */
static gboolean add_slide(Evaluated *out, const char *name, gboolean annotated, const Components *regions,
                          const GArray *detections, GError **error)
{
    int count = regions ? regions->count : 0, itc = 0;
    g_autofree double *major = g_new0(double, count + 1);
    double largest = 0;
    if (regions && !components_major_axes(regions, major, error)) {
        return FALSE;
    }
    for (int k = 1; k <= count; k++) {
        major[k] *= FROC_PIXEL_UM;
        itc += major[k] < FROC_ITC_UM;
        /* A region of a few pixels can be shorter than what was added to it, and is a lesion all the same. */
        largest = fmax(largest, fmax(major[k] - FROC_JOIN_UM, FROC_PIXEL_UM));
    }
    for (int w = 0; w < WAYS; w++) {
        g_ptr_array_add(out->slides[w],
                        froc_slide_new(regions, major, (const Detection *)(void *)detections->data,
                                       (int)detections->len, ways[w].rule, ways[w].include_itc));
    }
    const FrocSlide *first = out->slides[0]->pdata[out->slides[0]->len - 1];
    json_array_append_new(out->by_slide,
                          json_pack("{s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s}", "slide", name,
                                    "annotated", annotated, "regions", count, "itc", itc, "detections",
                                    (int)detections->len, "hits", hits_of(first), "in_itc", first->in_itc,
                                    "false_positives", first->false_positives, "diameter_um", largest,
                                    "class", staging_class_name(staging_class(largest))));
    out->normal += !annotated;
    out->regions += count;
    out->itc += itc;
    out->detections += (int)detections->len;
    return TRUE;
}

/* annotation: its path; NULL = normal. */
static gboolean evaluate_slide(const LesionEvaluation *spec, const char *name, const char *annotation,
                               Evaluated *out, GError **error)
{
    g_autofree char *file = g_strconcat(name, ".csv", NULL);
    g_autofree char *path = g_build_filename(spec->detections, file, NULL);
    g_autoptr(GArray) detections = detection_table_read(path, error);
    g_autoptr(Components) regions = NULL;
    Rect box = {0};
    if (!detections || (annotation && !read_regions(spec, annotation, &regions, &box, error))) {
        return FALSE;
    }
    for (guint i = 0; i < detections->len; i++) {
        Detection *d = &g_array_index(detections, Detection, i);
        d->x = d->x * spec->mpp / FROC_PIXEL_UM - box.x;
        d->y = d->y * spec->mpp / FROC_PIXEL_UM - box.y;
    }
    return add_slide(out, name, annotation != NULL, regions, detections, error);
}

/* ---- folders ---- */

/* NAME -> path of its annotation; two of one name are an error. */
static GHashTable *annotation_paths(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("--annotations", folder, error);
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; names && i < names->len; i++) {
        int rank;
        size_t stem =
            *(const char *)names->pdata[i] == '.' ? 0 : folder_annotation_stem(names->pdata[i], TRUE, &rank);
        g_autofree char *name = g_strndup(names->pdata[i], stem);
        if (stem > 0 && g_hash_table_contains(paths, name)) {
            wsi_error_input(error, "%s: %s has two annotations", folder, name);
            return NULL;
        }
        if (stem > 0) {
            g_hash_table_insert(paths, g_steal_pointer(&name),
                                g_build_filename(folder, names->pdata[i], NULL));
        }
    }
    return names ? g_steal_pointer(&paths) : NULL;
}

static gboolean evaluate_folder(const LesionEvaluation *spec, GHashTable *annotations, Evaluated *out,
                                GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("--detections", spec->detections, error);
    if (!names) {
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        if (!g_str_has_suffix(names->pdata[i], ".csv") || *(const char *)names->pdata[i] == '.') {
            continue;
        }
        g_autofree char *name = g_strndup(names->pdata[i], strlen(names->pdata[i]) - 4);
        g_autofree char *annotation = g_strdup(g_hash_table_lookup(annotations, name));
        g_hash_table_remove(annotations, name); /* what stays has no detections */
        if (camelyon16_use(name) != SLIDE_WHOLE) {
            json_array_append_new(out->left_out,
                                  json_pack("{s:s, s:s}", "slide", name, "why",
                                            "Camelyon16 withdrew it or annotated it only in part"));
        } else if (!evaluate_slide(spec, name, annotation, out, error)) {
            return FALSE;
        }
    }
    return out->slides[0]->len > 0 ||
           wsi_error_input(error, "%s has no NAME.csv with detections", spec->detections);
}

/* ---- results ---- */

typedef struct {
    FrocSlide *const *slides;
    int n;
    FrocRule rule;
} Sample;

static double score_of(const int *weight, void *data)
{
    const Sample *sample = data;
    Froc froc;
    froc_compute(sample->slides, weight, sample->n, sample->rule, &froc, NULL);
    return froc.score;
}

static json_t *froc_json(const GPtrArray *slides, int way)
{
    Sample sample = {(FrocSlide *const *)slides->pdata, (int)slides->len, ways[way].rule};
    Froc froc;
    froc_compute(sample.slides, NULL, sample.n, sample.rule, &froc, NULL);
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
    json_object_update_new(out, json_pack("{s:o, s:o, s:f}", "false_positives_per_slide", rates,
                                          "sensitivity", sensitivity, "score", froc.score));
    g_autofree char *refusal = bootstrap_refusal(sample.n, "slides");
    if (refusal) {
        json_object_set_new(out, "intervals_absent", json_string(refusal));
    } else {
        Interval interval = bootstrap_any(score_of, &sample, sample.n, EVALUATION_SEED);
        json_object_set_new(out, "interval", evaluation_interval(&interval));
    }
    return out;
}

static json_t *results(Evaluated *of, GHashTable *unused)
{
    json_t *without = json_array(), *froc = json_array();
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(unused), (GCompareFunc)strcmp);
    for (GList *name = names; name; name = name->next) {
        json_array_append_new(without, json_string(name->data));
    }
    for (int w = 0; w < WAYS; w++) {
        json_array_append_new(froc, froc_json(of->slides[w], w));
    }
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:O, s:o, s:o, s:O}", "slides", (int)of->slides[0]->len,
                     "normal", of->normal, "regions", of->regions, "itc", of->itc, "detections",
                     of->detections, "left_out", of->left_out, "annotations_without_detections", without,
                     "froc", froc, "by_slide", of->by_slide);
}

json_t *lesion_evaluation(const LesionEvaluation *spec, GError **error)
{
    g_autoptr(GHashTable) annotations = annotation_paths(spec->annotations, error);
    Evaluated of = {.by_slide = json_array(), .left_out = json_array()};
    for (int w = 0; w < WAYS; w++) {
        of.slides[w] = g_ptr_array_new_with_free_func(free_slide);
    }
    json_t *out =
        annotations && evaluate_folder(spec, annotations, &of, error) ? results(&of, annotations) : NULL;
    for (int w = 0; w < WAYS; w++) {
        g_ptr_array_unref(of.slides[w]);
    }
    json_decref(of.by_slide);
    json_decref(of.left_out);
    return out;
}
