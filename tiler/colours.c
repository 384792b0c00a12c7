/* Turbo, viridis and inferno as polynomials, evaluated once into tables of 256 colours.
 *
 * Sources: turbo by Anton Mikhailov (Google AI Blog, "Turbo, an improved rainbow colormap for visualization", 2019), in his own
 * polynomial of degree 5; viridis and inferno by Nathaniel Smith and Stefan van der Walt (2015, CC0), in the least-squares
 * polynomials of degree 6 by Matt Zucker (2019, CC0).  They stay within 3 grey levels of the tables of 256 colours in
 * viridis and inferno; turbo's differs more at its ends, which its author accepts too.
 * Viridis and inferno rise in lightness all the way and are safe for colour-blind readers; turbo is the default of
 * pathology heatmaps because its steps are easier to tell apart on a pink slide. */
#include "tiler/colours.h"

enum { TERMS = 7 };

typedef struct {
    const char *name;
    double terms[TERMS][3]; /* rising powers; red, green, blue in 0..1 */
} Polynomial;

static const Polynomial polynomials[] = {
    {"turbo",
     {{0.13572138, 0.09140261, 0.10667330},
      {4.61539260, 2.19418839, 12.64194608},
      {-42.66032258, 4.84296658, -60.58204836},
      {132.13108234, -14.18503333, 110.36276771},
      {-152.94239396, 4.27729857, -89.90310912},
      {59.28637943, 2.82956604, 27.34824973},
      {0, 0, 0}}},
    {"viridis",
     {{0.2777273272234177, 0.005407344544966578, 0.3340998053353061},
      {0.1050930431085774, 1.404613529898575, 1.384590162594685},
      {-0.3308618287255563, 0.214847559468213, 0.09509516302823659},
      {-4.634230498983486, -5.799100973351585, -19.33244095627987},
      {6.228269936347081, 14.17993336680509, 56.69055260068105},
      {4.776384997670288, -13.74514537774601, -65.35303263337234},
      {-5.435455855934631, 4.645852612178535, 26.3124352495832}}},
    {"inferno",
     {{0.0002189403691192265, 0.001651004631001012, -0.01948089843709184},
      {0.1065134194856116, 0.5639564367884091, 3.932712388889277},
      {11.60249308247187, -3.972853965665698, -15.9423941062914},
      {-41.70399613139459, 17.43639888205313, 44.35414519872813},
      {77.162935699427, -33.40235894210092, -81.80730925738993},
      {-71.31942824499214, 32.62606426397723, 73.20951985803202},
      {25.13112622477341, -12.24266895238567, -23.07032500287172}}},
};

static uint8_t tables[G_N_ELEMENTS(polynomials)][256][3];

static void fill_tables(void)
{
    for (guint p = 0; p < G_N_ELEMENTS(polynomials); p++) {
        for (int i = 0; i < 256; i++) {
            for (int c = 0; c < 3; c++) {
                double value = 0;
                for (int t = TERMS - 1; t >= 0; t--) {
                    value = value * (i / 255.0) + polynomials[p].terms[t][c];
                }
                tables[p][i][c] = (uint8_t)(CLAMP(value, 0, 1) * 255 + 0.5);
            }
        }
    }
}

const uint8_t (*colours_find(const char *name))[3]
{
    static gsize ready;
    if (g_once_init_enter(&ready)) {
        fill_tables();
        g_once_init_leave(&ready, 1);
    }
    for (guint p = 0; p < G_N_ELEMENTS(polynomials); p++) {
        if (g_str_equal(polynomials[p].name, name)) {
            return (const uint8_t(*)[3])tables[p];
        }
    }
    return NULL;
}

char *colours_names(void)
{
    GString *names = g_string_new(NULL);
    for (guint p = 0; p < G_N_ELEMENTS(polynomials); p++) {
        g_string_append_printf(names, "%s%s", p ? ", " : "", polynomials[p].name);
    }
    return g_string_free(names, FALSE);
}
