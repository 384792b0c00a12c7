/* Stain normalisation.
 *
 * Once the fits are known, both methods are functions of the colour of one pixel.  Macenko's is linear in optical density: the
 * concentrations are the least-squares solution for two stain vectors; they are scaled and multiplied by the target's vectors.  All of this
 * is one 3 x 3 matrix.  Percentiles interpolate between order statistics as numpy does, which is the oracle of the tests. */
#include "tiler/colour/stain_normalise.h"
#include "base/error.h"
#include "base/order.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Macenko et al.: I0, the density below which a pixel is glass, and the percentiles of angles and of concentrations. */
static const double LIGHT = 240, BETA = 0.15, ALPHA = 1, TOP = 99;
/* Least sine of the angle between two stain vectors: closer vectors are one stain and noise. */
static const double MIN_SINE = 0.1;
enum { MIN_PIXELS = 1000, MAX_PIXELS = 4000000 };

static const char *const method_names[] = {
    [STAIN_NONE] = "none", [STAIN_MACENKO] = "macenko", [STAIN_REINHARD] = "reinhard"};

const StainFit stain_macenko_reference = {.method = STAIN_MACENKO,
                                          .stains = {{0.5626, 0.7201, 0.4062}, {0.2159, 0.8012, 0.5581}},
                                          .densities = {1.9705, 1.0308}};

gboolean stain_method_parse(const char *name, StainMethod *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(method_names); i++) {
        if (g_str_equal(name, method_names[i])) {
            *out = (StainMethod)i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *stain_method_name(StainMethod method)
{
    return method_names[method];
}

/* ---- the sample ---- */

struct StainSample {
    uint8_t *pixels;
    size_t count, room;
};

StainSample *stain_sample_new(void)
{
    return g_new0(StainSample, 1);
}

void stain_sample_free(StainSample *sample)
{
    if (sample) {
        g_free(sample->pixels);
        g_free(sample);
    }
}

/* Optical density with the natural logarithm; + 1 keeps 0 finite. */
static double density(uint8_t value)
{
    return -log((value + 1) / LIGHT);
}

/* The largest value whose density is at least beta. */
static int tissue_level(void)
{
    int level = 255;
    while (density((uint8_t)level) < BETA) {
        level--;
    }
    return level;
}

gboolean stain_sample_add(StainSample *sample, const Image *rgb, const Image *readable, int step,
                          GError **error)
{
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    int level = tissue_level();
    for (size_t i = 0; i < pixels && sample->count < MAX_PIXELS; i += (size_t)MAX(step, 1)) {
        /* Tissue is dense in every channel, so the brightest channel decides. */
        const uint8_t *p = rgb->pixels + 3 * i;
        if ((readable && !readable->pixels[i]) || MAX(p[0], MAX(p[1], p[2])) > level) {
            continue;
        }
        /* Double the room. */
        if (sample->count == sample->room) {
            size_t room = MAX(4096, 2 * sample->room);
            uint8_t *more = g_try_realloc(sample->pixels, 3 * room);
            if (!more) {
                g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for the pixels of a stain fit");
                return FALSE;
            }
            sample->pixels = more;
            sample->room = room;
        }
        memcpy(sample->pixels + 3 * sample->count++, p, 3);
    }
    return TRUE;
}

/* ---- Macenko's fit ---- */

/* One rotation of Jacobi's eigenvalue method (Golub and Van Loan, 8.5): makes a[p][q] zero.  The columns of v become the eigenvectors. */
static void rotate(double a[3][3], double v[3][3], int p, int q)
{
    if (a[p][q] == 0) {
        return;
    }
    /* cot(2 angle) of the rotation that makes a[p][q] zero. */
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    /* Tangent of the smaller angle with cot(2 angle) = theta; cosine and sine follow. */
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1),
           s = t * c;
    /* a J: columns p and q. */
    for (int k = 0; k < 3; k++) {
        double kp = a[k][p], kq = a[k][q];
        a[k][p] = c * kp - s * kq;
        a[k][q] = s * kp + c * kq;
    }
    /* J^T a: rows p and q; and v J. */
    for (int k = 0; k < 3; k++) {
        double pk = a[p][k], qk = a[q][k];
        a[p][k] = c * pk - s * qk;
        a[q][k] = s * pk + c * qk;
        double vp = v[k][p], vq = v[k][q];
        v[k][p] = c * vp - s * vq;
        v[k][q] = s * vp + c * vq;
    }
}

/* The eigenvectors of the two largest eigenvalues of the covariance of densities, with signs such that the mean density is positive along
 * both.  FALSE when the pixels do not span a plane. */
static gboolean main_plane(const StainSample *sample, double plane[2][3])
{
    double mean[3] = {0}, a[3][3] = {{0}}, v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (size_t i = 0; i < 3 * sample->count; i++) {
        mean[i % 3] += density(sample->pixels[i]) / (double)sample->count;
    }
    /* a (3, 3): the covariance of the densities. */
    for (size_t i = 0; i < sample->count; i++) {
        double d[3];
        for (int c = 0; c < 3; c++) {
            d[c] = density(sample->pixels[3 * i + (size_t)c]) - mean[c];
        }
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 3; c++) {
                a[r][c] += d[r] * d[c] / (double)sample->count;
            }
        }
    }
    /* Far more sweeps than a 3 x 3 matrix needs to converge. */
    for (int sweep = 0; sweep < 30; sweep++) {
        rotate(a, v, 0, 1);
        rotate(a, v, 0, 2);
        rotate(a, v, 1, 2);
    }
    /* The diagonal of `a` now holds the eigenvalues; the plane is orthogonal to the smallest. */
    int smallest = a[0][0] <= a[1][1] && a[0][0] <= a[2][2] ? 0 : a[1][1] <= a[2][2] ? 1 : 2, k = 0;
    for (int i = 0; i < 3; i++) {
        if (i == smallest) {
            continue;
        }
        /* The sign that makes the mean positive along this axis. */
        double sum = v[0][i] * mean[0] + v[1][i] * mean[1] + v[2][i] * mean[2];
        for (int c = 0; c < 3; c++) {
            plane[k][c] = sum < 0 ? -v[c][i] : v[c][i];
        }
        /* Both axes need some variance, or the pixels are on a line. */
        if (a[i][i] < 1e-6) {
            return FALSE;
        }
        k++;
    }
    return TRUE;
}

/* Linear interpolation between order statistics, as numpy.percentile.  Sorts the values. */
static double percentile(double *values, size_t count, double percent)
{
    qsort(values, count, sizeof *values, order_doubles);
    /* Position between the order statistics `low` and `high`. */
    double at = percent / 100 * (double)(count - 1);
    size_t low = (size_t)at, high = MIN(low + 1, count - 1);
    return values[low] + (at - (double)low) * (values[high] - values[low]);
}

/* The pseudo-inverse (S^T S)^-1 S^T of the 3 x 2 matrix S of stain vectors: concentrations = inverse * densities.  FALSE when the vectors are
 * nearly parallel; the determinant is the squared sine of their angle. */
static gboolean invert(const double stains[2][3], double inverse[2][3])
{
    double hh = 0, he = 0, ee = 0;
    for (int c = 0; c < 3; c++) {
        hh += stains[0][c] * stains[0][c];
        he += stains[0][c] * stains[1][c];
        ee += stains[1][c] * stains[1][c];
    }
    /* S^T S = [hh he; he ee], inverted by its adjugate. */
    double determinant = hh * ee - he * he;
    for (int c = 0; c < 3; c++) {
        inverse[0][c] = (ee * stains[0][c] - he * stains[1][c]) / determinant;
        inverse[1][c] = (hh * stains[1][c] - he * stains[0][c]) / determinant;
    }
    return determinant > MIN_SINE * MIN_SINE;
}

/* The stain vectors: the 1st and 99th percentile of the angles of the pixels in the plane.  Both axes point to the side of the mean, so no
 * angle wraps around.  scratch: one value per pixel. */
static void fit_vectors(const StainSample *sample, double plane[2][3], double *scratch, double stains[2][3])
{
    double vectors[2][3];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < sample->count; i++) {
            double x = 0, y = 0;
            for (int c = 0; c < 3; c++) {
                /* Coordinates of the pixel in the plane. */
                double d = density(sample->pixels[3 * i + (size_t)c]);
                x += d * plane[0][c];
                y += d * plane[1][c];
            }
            /* Angle in the plane, between the two stains. */
            scratch[i] = atan2(y, x);
        }
        /* Percentiles instead of extremes, because single pixels are noise. */
        double angle = percentile(scratch, sample->count, side ? 100 - ALPHA : ALPHA);
        for (int c = 0; c < 3; c++) {
            vectors[side][c] = cos(angle) * plane[0][c] + sin(angle) * plane[1][c];
        }
    }
    int h = vectors[0][0] > vectors[1][0] ? 0 : 1; /* haematoxylin absorbs more red */
    memcpy(stains[0], vectors[h], sizeof vectors[h]);
    memcpy(stains[1], vectors[1 - h], sizeof vectors[h]);
}

/* out->method stays STAIN_NONE when the pixels do not show two stains. */
static gboolean fit_macenko(const StainSample *sample, StainFit *out, GError **error)
{
    double plane[2][3], inverse[2][3];
    g_autofree double *scratch =
        wsi_try_alloc(sample->count, sizeof *scratch, "the pixels of a stain fit", error);
    if (!scratch) {
        return FALSE;
    }
    if (!main_plane(sample, plane)) {
        return TRUE;
    }
    fit_vectors(sample, plane, scratch, out->stains);
    if (!invert(out->stains, inverse)) {
        return TRUE;
    }
    for (int s = 0; s < 2; s++) {
        for (size_t i = 0; i < sample->count; i++) {
            const uint8_t *p = sample->pixels + 3 * i;
            scratch[i] =
                inverse[s][0] * density(p[0]) + inverse[s][1] * density(p[1]) + inverse[s][2] * density(p[2]);
        }
        out->densities[s] = percentile(scratch, sample->count, TOP);
    }
    /* The target's densities are divided by these. */
    gboolean good = out->densities[0] > 1e-3 && out->densities[1] > 1e-3;
    out->method = good ? STAIN_MACENKO : STAIN_NONE;
    return TRUE;
}

/* ---- CIELAB (CIE 15) from sRGB (IEC 61966-2-1) ---- */

static const double WHITE[3] = {0.95047, 1, 1.08883}; /* D65, X Y Z */

/* sRGB to linear light. */
static double linear(double value)
{
    value /= 255;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

/* f(t) of CIELAB, with the exact constants 216 / 24389 and 24389 / 27. */
static double root(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* sRGB (0..255) to XYZ to L, a, b. */
static void to_lab(const uint8_t *rgb, double lab[3])
{
    static const double m[3][3] = {{0.4124564, 0.3575761, 0.1804375},
                                   {0.2126729, 0.7151522, 0.0721750},
                                   {0.0193339, 0.1191920, 0.9503041}};
    /* X, Y, Z relative to white, each through f(t). */
    double f[3];
    for (int r = 0; r < 3; r++) {
        f[r] =
            root((m[r][0] * linear(rgb[0]) + m[r][1] * linear(rgb[1]) + m[r][2] * linear(rgb[2])) / WHITE[r]);
    }
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

/* The inverse, clamped to the gamut of sRGB. */
static void from_lab(const double lab[3], double rgb[3])
{
    static const double m[3][3] = {{3.2404542, -1.5371385, -0.4985314},
                                   {-0.9692660, 1.8760108, 0.0415560},
                                   {0.0556434, -0.2040259, 1.0572252}};
    double f[3], xyz[3];
    /* f(Y) from L, then f(X) from a and f(Z) from b. */
    f[1] = (lab[0] + 16) / 116;
    f[0] = f[1] + lab[1] / 500;
    f[2] = f[1] - lab[2] / 200;
    for (int c = 0; c < 3; c++) {
        /* The inverse of root(): t = f^3, or the linear part near black. */
        double cube = f[c] * f[c] * f[c];
        xyz[c] = WHITE[c] * (cube > 216.0 / 24389 ? cube : (116 * f[c] - 16) * 27 / 24389);
    }
    for (int r = 0; r < 3; r++) {
        double v = m[r][0] * xyz[0] + m[r][1] * xyz[1] + m[r][2] * xyz[2];
        /* Linear light to sRGB. */
        v = CLAMP(v, 0, 1);
        rgb[r] = 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055);
    }
}

/* Two passes: the mean (collected in sd), then the deviations from it. */
static void fit_reinhard(const StainSample *sample, StainFit *out)
{
    double squares[3] = {0}, lab[3];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < sample->count; i++) {
            to_lab(sample->pixels + 3 * i, lab);
            for (int c = 0; c < 3; c++) {
                double off = lab[c] - out->mean[c];
                *(pass ? &squares[c] : &out->sd[c]) += pass ? off * off : lab[c];
            }
        }
        /* After pass 0 the mean is complete and sd is 0 again. */
        for (int c = 0; c < 3; c++) {
            out->mean[c] = pass ? out->mean[c] : out->sd[c] / (double)sample->count;
            out->sd[c] = sqrt(squares[c] / (double)sample->count);
        }
    }
    gboolean good = out->sd[0] > 1e-3 && out->sd[1] > 1e-3 && out->sd[2] > 1e-3;
    out->method = good ? STAIN_REINHARD : STAIN_NONE;
}

gboolean stain_fit(const StainSample *sample, StainMethod method, StainFit *out, GError **error)
{
    *out = (StainFit){.method = STAIN_NONE};
    /* Too few pixels say nothing about a slide: no fit, and no error. */
    if (sample->count < MIN_PIXELS || method == STAIN_NONE) {
        return TRUE;
    }
    if (method == STAIN_MACENKO) {
        return fit_macenko(sample, out, error);
    }
    fit_reinhard(sample, out);
    return TRUE;
}

/* ---- changing an image ---- */

/* Rounds to a grey level. */
static uint8_t byte_of(double value)
{
    return (uint8_t)(CLAMP(value, 0, 255) + 0.5);
}

/* density' = T diag(target / source densities) S^+ density, with stain vectors S of the source and T of the target. */
static void apply_macenko(const StainFit *source, const StainFit *target, Image *rgb)
{
    double inverse[2][3];
    /* One multiplication of a 3 x 3 matrix per pixel, densities by a table. */
    float matrix[3][3], densities[256];
    invert(source->stains, inverse);
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
            /* matrix_rc = sum_s T_rs (target / source density)_s S^+_sc. */
            double sum = 0;
            for (int s = 0; s < 2; s++) {
                sum += target->stains[s][r] * target->densities[s] / source->densities[s] * inverse[s][c];
            }
            matrix[r][c] = (float)sum;
        }
    }
    for (int i = 0; i < 256; i++) {
        densities[i] = (float)density((uint8_t)i);
    }
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    for (uint8_t *p = rgb->pixels, *end = p + 3 * pixels; p < end; p += 3) {
        float d[3] = {densities[p[0]], densities[p[1]], densities[p[2]]};
        if (p[0] == 255 && p[1] == 255 && p[2] == 255) {
            continue;
        }
        for (int r = 0; r < 3; r++) {
            float out = matrix[r][0] * d[0] + matrix[r][1] * d[1] + matrix[r][2] * d[2];
            /* Back from density: I = I0 exp(-density). */
            p[r] = byte_of(LIGHT * (double)expf(-out));
        }
    }
}

static void apply_reinhard(const StainFit *source, const StainFit *target, Image *rgb)
{
    size_t pixels = (size_t)rgb->width * (size_t)rgb->height;
    for (uint8_t *p = rgb->pixels, *end = p + 3 * pixels; p < end; p += 3) {
        /* 0 for glass, 1 from a density of beta on, linear between. */
        double weight = CLAMP(density(MIN(p[0], MIN(p[1], p[2]))) / BETA, 0, 1), lab[3], out[3];
        if (weight <= 0) {
            continue;
        }
        to_lab(p, lab);
        /* lab' = (lab - mean) sd' / sd + mean', with ' for the target. */
        for (int c = 0; c < 3; c++) {
            lab[c] = (lab[c] - source->mean[c]) * target->sd[c] / source->sd[c] + target->mean[c];
        }
        from_lab(lab, out);
        /* Glass keeps its colour, and there is no edge between glass and tissue. */
        for (int c = 0; c < 3; c++) {
            p[c] = byte_of(weight * out[c] + (1 - weight) * p[c]);
        }
    }
}

void stain_apply(const StainFit *source, const StainFit *target, Image *rgb)
{
    /* A slide without a fit stays as it is. */
    if (source->method != target->method) {
        return;
    }
    if (source->method == STAIN_MACENKO) {
        apply_macenko(source, target, rgb);
    } else if (source->method == STAIN_REINHARD) {
        apply_reinhard(source, target, rgb);
    }
}

/* ---- JSON ---- */

/* An array of numbers, new reference. */
static json_t *numbers_json(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_real(values[i]));
    }
    return array;
}

json_t *stain_fit_json(const StainFit *fit)
{
    json_t *json = json_pack("{s:s}", "method", method_names[fit->method]);
    if (fit->method == STAIN_MACENKO) {
        json_object_set_new(json, "haematoxylin", numbers_json(fit->stains[0], 3));
        json_object_set_new(json, "eosin", numbers_json(fit->stains[1], 3));
        json_object_set_new(json, "densities", numbers_json(fit->densities, 2));
    } else if (fit->method == STAIN_REINHARD) {
        json_object_set_new(json, "mean", numbers_json(fit->mean, 3));
        json_object_set_new(json, "sd", numbers_json(fit->sd, 3));
    }
    return json;
}

/* Reads `count` finite numbers. */
static gboolean read_numbers(const json_t *json, const char *key, double *out, size_t count)
{
    const json_t *array = json_object_get(json, key);
    gboolean good = json_array_size(array) == count;
    for (size_t i = 0; good && i < count; i++) {
        const json_t *value = json_array_get(array, i);
        out[i] = json_number_value(value);
        good = json_is_number(value) && isfinite(out[i]);
    }
    return good;
}

/* Whether a fit can be used: two distinct stains, positive densities and deviations. */
static gboolean is_sound(const StainFit *fit)
{
    double inverse[2][3];
    if (fit->method == STAIN_MACENKO) {
        return invert(fit->stains, inverse) && fit->densities[0] > 0 && fit->densities[1] > 0;
    }
    return fit->method == STAIN_NONE || (fit->sd[0] > 0 && fit->sd[1] > 0 && fit->sd[2] > 0);
}

gboolean stain_fit_parse(const json_t *json, const char *name, StainFit *out, GError **error)
{
    const char *method = json_string_value(json_object_get(json, "method"));
    *out = (StainFit){.method = STAIN_NONE};
    gboolean good = method && stain_method_parse(method, &out->method);
    if (good && out->method == STAIN_MACENKO) {
        good = read_numbers(json, "haematoxylin", out->stains[0], 3) &&
               read_numbers(json, "eosin", out->stains[1], 3) &&
               read_numbers(json, "densities", out->densities, 2);
    } else if (good && out->method == STAIN_REINHARD) {
        good = read_numbers(json, "mean", out->mean, 3) && read_numbers(json, "sd", out->sd, 3);
    }
    good = good && is_sound(out);
    if (!good) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a stain fit", name);
    }
    return good;
}
