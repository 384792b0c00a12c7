/* Stain normalisation: tiles of different laboratories in the colours of one.
 *
 * A fit describes the stain of a slide, or of a target: it is made once from a sample of pixels, never from a single tile, so that
 * neighbouring tiles are changed alike and a blank tile cannot give nonsense.
 *   STAIN_MACENKO   Macenko et al., A method for normalizing histology slides for quantitative analysis, ISBI 2009: two stain vectors in
 *                   optical density (I0 = 240, alpha = 1 %, beta = 0.15) and the 99th percentiles of their amounts.  What is
 *                   neither stain is lost.
 *   STAIN_REINHARD  Reinhard et al., Color transfer between images, 2001: means and deviations; here in CIELAB (D65) and of tissue
 *                   only; glass is left as it is, with a soft passage up to a density of beta. */
#pragma once
#include "base/image.h"
#include <jansson.h>

typedef enum { STAIN_NONE, STAIN_MACENKO, STAIN_REINHARD } StainMethod;
gboolean stain_method_parse(const char *name, StainMethod *out); /* "none", "macenko", "reinhard" */
const char *stain_method_name(StainMethod method);

typedef struct {
    StainMethod method;    /* STAIN_NONE: there was too little tissue to fit; it changes nothing */
    double stains[2][3];   /* Macenko: unit vectors of haematoxylin and eosin (R, G, B; natural logarithm) */
    double densities[2];   /* and the 99th percentiles of their amounts */
    double mean[3], sd[3]; /* Reinhard: L, a, b */
} StainFit;
/* The reference of Macenko's own program. */
extern const StainFit stain_macenko_reference;

/* Pixels to fit to: tissue of the tiles that are added, in their order. */
typedef struct StainSample StainSample;
StainSample *stain_sample_new(void);
void stain_sample_free(StainSample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StainSample, stain_sample_free)
/* Adds every step-th pixel (row by row) that has data (valid may be NULL) and a density of at least beta in all channels. */
gboolean stain_sample_add(StainSample *sample, const Image *rgb, const Image *readable, int step,
                          GError **error);
/* The fit.  Of fewer than 1000 pixels, of pixels of one colour, or (Macenko) of one stain, the method is STAIN_NONE; that is no error. */
gboolean stain_fit(const StainSample *sample, StainMethod method, StainFit *out, GError **error);

/* Changes an image of `source` to look like `target`, in place.  Pixels of (255, 255, 255) stay: no data looks so.  Methods must agree;
 * nothing happens when one of them is STAIN_NONE. Thread-safe. */
void stain_apply(const StainFit *source, const StainFit *target, Image *rgb);

/* As JSON, new reference; and back: FALSE with WSI_ERROR_INPUT that names `name`. */
json_t *stain_fit_json(const StainFit *fit);
gboolean stain_fit_parse(const json_t *json, const char *name, StainFit *out, GError **error);
