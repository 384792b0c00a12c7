/* Stain normalisation: gives tiles of different laboratories the colours of one.
 *
 * A fit describes the stain of a slide, or of a target.  It is made once from a sample of the slide's pixels, never from a single tile:
 * neighbouring tiles then change alike, and a blank tile cannot spoil the fit.
 *   STAIN_MACENKO   Macenko et al., A method for normalizing histology slides for quantitative analysis, ISBI 2009: two stain vectors in
 *                   optical density (I0 = 240, alpha = 1 %, beta = 0.15) and the 99th percentiles of their concentrations.  Colour that
 *                   belongs to neither stain is lost.
 *   STAIN_REINHARD  Reinhard et al., Color transfer between images, 2001: means and standard deviations; here in CIELAB (D65) and of
 *                   tissue only.  Glass keeps its colour; the change sets in gradually up to a density of beta. */
#pragma once
#include "base/image.h"
#include <jansson.h>

typedef enum { STAIN_NONE, STAIN_MACENKO, STAIN_REINHARD } StainMethod;
gboolean stain_method_parse(const char *name, StainMethod *out); /* "none", "macenko", "reinhard" */
const char *stain_method_name(StainMethod method);

typedef struct {
    StainMethod method;    /* STAIN_NONE: too little tissue for a fit; it changes nothing */
    double stains[2][3];   /* Macenko: unit vectors of haematoxylin and eosin (R, G, B; natural logarithm) */
    double densities[2];   /* Macenko: the 99th percentiles of their concentrations */
    double mean[3], sd[3]; /* Reinhard: L, a, b */
} StainFit;
/* The reference of Macenko's own program. */
extern const StainFit stain_macenko_reference;

/* Pixels for a fit: the tissue of the tiles that were added, in their order. */
typedef struct StainSample StainSample;
StainSample *stain_sample_new(void);
void stain_sample_free(StainSample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StainSample, stain_sample_free)
/* Adds every step-th pixel (row by row) that is readable (readable may be NULL) and has a density of at least beta in all channels. */
gboolean stain_sample_add(StainSample *sample, const Image *rgb, const Image *readable, int step,
                          GError **error);
/* Makes the fit.  With fewer than 1000 pixels, pixels of one colour only, or (Macenko) of one stain only, its method is STAIN_NONE, which is
 * not an error. */
gboolean stain_fit(const StainSample *sample, StainMethod method, StainFit *out, GError **error);

/* Changes an image of `source` to look like `target`, in place.  Pixels of (255, 255, 255) stay: no data has this colour.  Both fits
 * have the same method; nothing happens when one of them is STAIN_NONE.  Thread-safe. */
void stain_apply(const StainFit *source, const StainFit *target, Image *rgb);

/* As JSON, new reference. */
json_t *stain_fit_json(const StainFit *fit);
/* The fit of such JSON.  FALSE with WSI_ERROR_INPUT that names `name`. */
gboolean stain_fit_parse(const json_t *json, const char *name, StainFit *out, GError **error);
