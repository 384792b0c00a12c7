/* Lesion detection: FROC as the organisers of Camelyon16 define it.
 *
 * Source: Ehteshami Bejnordi et al.: Diagnostic assessment of deep learning algorithms for detection of lymph node metastases in women with breast
 * cancer (JAMA 318, 2017), with the evaluation scripts that the organisers published.
 *
 * Lesions are the regions of an evaluation mask with pixels of 0.243 um * 2^5: pixels nearer than half of 75 um to an outlined metastasis, holes
 * filled, connected by eight neighbours, so lesions within 75 um of each other are one.  A region whose major axis is below 275 um (200 um and
 * the 75 um that were added) is isolated tumour cells (ITC).  A detection outside of all regions is a false positive; in a lesion it is a
 * hit, and only the most confident one of a lesion counts; in ITC it is ignored.
 *
 * The organisers published two scripts, which differ (FrocRule).  Pure functions; any thread. */
#pragma once
#include "flows/metrics/components.h"

#define FROC_PIXEL_UM (0.243 * 32)
#define FROC_JOIN_UM 75.0
#define FROC_ITC_UM 275.0
#define FROC_RATES 6
extern const double froc_rates[FROC_RATES]; /* 1/4, 1/2, 1, 2, 4, 8 false positives per slide */

/* The regions of a mask of lesions (1 channel, pixels of FROC_PIXEL_UM); the mask needs a margin of FROC_JOIN_UM around the lesions, except
 * at the border of the slide. */
Components *froc_regions(const Image *lesions, GError **error);

typedef struct {
    double confidence; /* >= 0 */
    double x, y;       /* in pixels of the evaluation mask */
} Detection;

typedef enum {
    FROC_2016, /* positions are cut off; the smallest confidence is no threshold (0 stands for a lesion without a hit, so usually no detection
                * is lost); sensitivity is interpolated linearly between the points of the curve */
    FROC_STEP /* positions are rounded; the sensitivity at a rate is that of the first point of the curve at or above it, or of the last point */
} FrocRule;

/* One slide. */
typedef struct {
    int regions;
    double *hit;   /* (regions) the highest confidence in each; 0 = none */
    gboolean *itc; /* (regions) */
    int false_positives;
    double *false_positive; /* their confidences */
    int in_itc;             /* detections that are in ITC */
} FrocSlide;

/* Assigns detections (n) to regions; NULL regions: a normal slide.  major_um (regions->count + 1): components_major_axes in um.  With
 * include_itc, ITC are lesions like others.  Caller frees. */
FrocSlide *froc_slide_new(const Components *regions, const double *major_um, const Detection *detections,
                          int n, FrocRule rule, gboolean include_itc);
void froc_slide_free(FrocSlide *slide);

typedef struct {
    int lesions;                    /* those that count */
    double sensitivity[FROC_RATES]; /* at froc_rates */
    double score;                   /* their mean; NaN without lesions */
} Froc;
typedef struct {
    double threshold, false_positives, sensitivity; /* false positives per slide */
} FrocPoint;

/* The detections of several slides in their order: what is the same in every draw of a bootstrap. */
typedef struct FrocSample FrocSample;
/* Of slides (n), which must outlive it.  Caller frees. */
FrocSample *froc_sample_new(FrocSlide *const *slides, int n, FrocRule rule);
void froc_sample_free(FrocSample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FrocSample, froc_sample_free)
/* weight (slides) = how often each counts, NULL = once.  curve: NULL, or receives an array of FrocPoint by descending threshold,
 * beginning with (infinity, 0, 0); the caller unrefs it. */
void froc_compute(const FrocSample *sample, const int *weight, Froc *out, GArray **curve);
/* The sensitivity (n) at these rates (n, ascending) of a curve of this sample. */
void froc_at_rates(const FrocSample *sample, const GArray *curve, const double *rates, int n, double *out);
