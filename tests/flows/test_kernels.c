/* The kernel table: "reference" agrees with torch, and every fast entry agrees with "reference". */
#include "flows/kernels/kernels.h"
#include "flows/files/safetensors.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A ConvSpec from numbers: map, channels, kernel, stride, padding, and other members. */
#define SPEC(N, H, W, I, O, K, S, P, ...)                                                                \
    {                                                                                                    \
        .n = N, .h = H, .w = W, .c_in = I, .c_out = O, .kernel = K, .stride = S, .pad = P, ##__VA_ARGS__ \
    }

static real *values(Rng *rng, size_t count, double scale)
{
    real *v = g_new(real, count);
    for (size_t i = 0; i < count; i++) {
        v[i] = (real)(scale * rng_normal(rng));
    }
    return v;
}

/* Largest difference, relative to the root mean square of the expected values. */
static double difference(const real *got, const real *expected, size_t count)
{
    double square = 0, worst = 0;
    for (size_t i = 0; i < count; i++) {
        square += (double)expected[i] * expected[i];
        double d = fabs((double)got[i] - expected[i]);
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst / (sqrt(square / (double)count) + 1e-30);
}

/* Shapes of the extractors and of MSFlow, and odd ones that find errors at borders and in blocks of channels. */
static const ConvSpec shapes[] = {
    SPEC(1, 5, 7, 3, 4, 3, 1, 1),    SPEC(2, 7, 5, 4, 6, 3, 2, 1),    SPEC(2, 9, 9, 5, 7, 1, 1, 0),
    SPEC(1, 8, 6, 16, 17, 1, 2, 0),  SPEC(1, 22, 22, 3, 64, 7, 2, 3), SPEC(1, 11, 13, 3, 8, 7, 2, 3),
    SPEC(2, 8, 8, 64, 64, 3, 1, 1),  SPEC(1, 9, 15, 32, 48, 3, 1, 1), SPEC(1, 9, 9, 96, 64, 3, 1, 1),
    SPEC(2, 4, 4, 192, 96, 3, 1, 1), SPEC(3, 4, 4, 40, 24, 3, 1, 1),  SPEC(2, 8, 8, 64, 96, 3, 2, 1),
    SPEC(2, 8, 8, 64, 96, 1, 2, 0),  SPEC(2, 2, 2, 24, 24, 3, 1, 1),  SPEC(2, 1, 1, 8, 12, 3, 1, 1),
    SPEC(1, 6, 6, 2, 2, 5, 1, 2),    SPEC(2, 12, 12, 1, 1, 3, 1, 1),  SPEC(3, 16, 16, 1, 32, 7, 1, 3),
};

typedef struct {
    const Kernels *kernels;
    const ConvSpec *spec;
    real *x, *weight, *bias, *residual, *dy;
    size_t x_count, w_count, y_count;
} Case;

static void case_begin(Case *c, const Kernels *kernels, const ConvSpec *s)
{
    Rng rng = rng_at(7, s->c_in * 1000 + s->c_out, s->h);
    c->kernels = kernels;
    c->spec = s;
    c->x_count = (size_t)s->n * s->h * s->w * s->c_in;
    c->w_count = (size_t)s->c_out * s->c_in * s->kernel * s->kernel;
    c->y_count = (size_t)s->n * conv_out_h(s) * conv_out_w(s) * s->c_out;
    c->x = values(&rng, c->x_count, 1);
    c->weight = values(&rng, c->w_count, 1 / sqrt(s->c_in * s->kernel * s->kernel));
    c->bias = values(&rng, s->c_out, 1);
    c->residual = values(&rng, c->y_count, 1);
    c->dy = values(&rng, c->y_count, 1);
}

static void case_end(Case *c)
{
    g_free(c->x);
    g_free(c->weight);
    g_free(c->bias);
    g_free(c->residual);
    g_free(c->dy);
}

/* y of one entry.  in_place: the residual is in y. */
static real *forward(const Case *c, const Kernels *kernels, gboolean with_bias, gboolean in_place)
{
    g_autoptr(GError) error = NULL;
    const real *bias = with_bias ? c->bias : NULL;
    gboolean training = c->spec->training;
    Conv *conv = kernels->conv_new(c->spec, training ? NULL : c->weight, training ? NULL : bias, &error);
    g_assert_no_error(error);
    real *y = g_memdup2(c->residual, sizeof(real) * c->y_count);
    const real *residual = !c->spec->residual ? NULL : in_place ? y : c->residual;
    kernels->conv_forward(conv, c->x, training ? c->weight : NULL, training ? bias : NULL, residual, y);
    kernels->conv_free(conv);
    return y;
}

static void check_forward(const Kernels *kernels, const ConvSpec *spec, double tolerance)
{
    Case c;
    case_begin(&c, kernels, spec);
    for (int variant = 0; variant < 2; variant++) { /* with a bias; without one, and the residual in place */
        g_autofree real *expected = forward(&c, kernels_get("reference"), !variant, FALSE);
        g_autofree real *got = forward(&c, kernels, !variant, variant);
        double d = difference(got, expected, c.y_count);
        if (!(d < tolerance)) {
            g_error("forward %dx%dx%dx%d -> %d k%d s%d: %g", spec->n, spec->h, spec->w, spec->c_in,
                    spec->c_out, spec->kernel, spec->stride, d);
        }
    }
    case_end(&c);
}

static gboolean reflects(const ConvSpec *s)
{
    return s->pad < MIN(s->h, s->w);
}

static void every_forward(const Kernels *kernels, gboolean training, gboolean fixed, double tolerance)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        for (int flags = 0; flags < 8; flags++) {
            ConvSpec s = shapes[i];
            s.pad_mode = flags & 1 ? PAD_REFLECT : PAD_ZERO;
            s.relu = (flags & 2) != 0;
            s.residual = (flags & 4) != 0;
            s.training = training;
            s.fixed_choice = fixed;
            if (s.pad_mode == PAD_ZERO || reflects(&s)) {
                check_forward(kernels, &s, tolerance);
            }
        }
    }
}

static void test_forward(gconstpointer kernels)
{
    every_forward(kernels, FALSE, FALSE, 5e-5);
    every_forward(kernels, FALSE, TRUE, 5e-5);
}

static void test_forward_training(gconstpointer kernels)
{
    every_forward(kernels, TRUE, FALSE, 5e-5);
}

/* dx, and dweight and dbias added to earlier values. */
static void backward(const Case *c, const Kernels *kernels, real **dx, real **dweight, real **dbias)
{
    g_autoptr(GError) error = NULL;
    Conv *conv = kernels->conv_new(c->spec, NULL, NULL, &error);
    g_assert_no_error(error);
    *dx = g_memdup2(c->x, sizeof(real) * c->x_count);
    *dweight = g_memdup2(c->weight, sizeof(real) * c->w_count);
    *dbias = g_memdup2(c->bias, sizeof(real) * c->spec->c_out);
    kernels->conv_backward_data(conv, c->dy, c->weight, *dx);
    kernels->conv_backward_weights(conv, c->x, c->dy, *dweight, *dbias);
    kernels->conv_backward_weights(conv, c->x, c->dy, *dweight, NULL);
    kernels->conv_free(conv);
}

static void check_backward(const Kernels *kernels, const ConvSpec *spec)
{
    Case c;
    case_begin(&c, kernels, spec);
    g_autofree real *dx0 = NULL, *dw0 = NULL, *db0 = NULL, *dx1 = NULL, *dw1 = NULL, *db1 = NULL;
    backward(&c, kernels_get("reference"), &dx0, &dw0, &db0);
    backward(&c, kernels, &dx1, &dw1, &db1);
    g_assert_cmpfloat(difference(dx1, dx0, c.x_count), <, 5e-5);
    g_assert_cmpfloat(difference(dw1, dw0, c.w_count), <, 5e-5);
    g_assert_cmpfloat(difference(db1, db0, spec->c_out), <, 5e-5);
    case_end(&c);
}

static void test_backward(gconstpointer kernels)
{
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        for (int flags = 0; flags < 4; flags++) {
            ConvSpec s = shapes[i];
            s.training = TRUE;
            s.pad_mode = flags & 1 ? PAD_REFLECT : PAD_ZERO;
            s.fixed_choice = (flags & 2) != 0;
            if (s.pad_mode == PAD_ZERO || reflects(&s)) {
                check_backward(kernels, &s);
            }
        }
    }
}

static void test_gemm(gconstpointer data)
{
    const Kernels *kernels = data;
    const int sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {17, 33, 9}, {64, 48, 80}};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * 4; i++) {
        int m = sizes[i / 4][0], n = sizes[i / 4][1], k = sizes[i / 4][2];
        gboolean ta = (i & 1) != 0, tb = (i & 2) != 0;
        Rng rng = rng_at(3, i, 0);
        g_autofree real *a = values(&rng, (size_t)m * k, 1), *b = values(&rng, (size_t)k * n, 1);
        g_autofree real *expected = values(&rng, (size_t)m * n, 1);
        g_autofree real *got = g_memdup2(expected, sizeof(real) * m * n);
        kernels_get("reference")->gemm(ta, tb, m, n, k, REAL(0.5), a, b, REAL(0.25), expected);
        kernels->gemm(ta, tb, m, n, k, REAL(0.5), a, b, REAL(0.25), got);
        g_assert_cmpfloat(difference(got, expected, (size_t)m * n), <, 1e-5);
    }
}

/* beta = 0 must not read C: it may hold NaN. */
static void test_gemm_beta_zero(gconstpointer data)
{
    const Kernels *kernels = data;
    real a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[4] = {NAN, NAN, NAN, NAN};
    kernels->gemm(FALSE, FALSE, 2, 2, 2, 1, a, b, 0, c);
    const real expected[4] = {19, 22, 43, 50};
    g_assert_cmpmem(c, sizeof c, expected, sizeof expected);
}

static void test_refusals(gconstpointer data)
{
    const Kernels *kernels = data;
    const ConvSpec bad[] = {
        SPEC(0, 8, 8, 4, 4, 3, 1, 1),
        SPEC(1, 8, 8, 4, 4, 3, 0, 1),
        SPEC(1, 2, 2, 4, 4, 5, 1, 1),
        SPEC(1, 8, 8, 4, 4, 3, 1, -1),
        SPEC(1, 2, 9, 4, 4, 5, 1, 2, .pad_mode = PAD_REFLECT),
        SPEC(1, 8, 8, 1 << 20, 4, 3, 1, 1),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        real unused[1] = {0};
        g_assert_null(kernels->conv_new(&bad[i], unused, unused, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
}

/* ---- torch ---- */

static const real *golden(const Safetensors *file, int index, const char *name, int64_t *shape)
{
    g_autofree char *key = g_strdup_printf("%d.%s", index, name);
    const Tensor *tensor = safetensors_get(file, key);
    g_assert_nonnull(tensor);
    for (int i = 0; shape && i < tensor->rank; i++) {
        shape[i] = tensor->shape[i];
    }
    return tensor->values;
}

static ConvSpec golden_spec(const Safetensors *file, int index)
{
    int64_t x[4], w[4];
    golden(file, index, "x", x);
    golden(file, index, "weight", w);
    g_autofree char *key = g_strdup_printf("%d", index);
    ConvSpec spec = SPEC((int)x[0], (int)x[1], (int)x[2], (int)x[3], (int)w[0], (int)w[2], 0, 0);
    int reflect;
    g_assert_cmpint(sscanf(safetensors_metadata(file, key), "%d %d %d", &spec.stride, &spec.pad, &reflect),
                    ==, 3);
    spec.pad_mode = reflect ? PAD_REFLECT : PAD_ZERO;
    return spec;
}

static void golden_forward(const Kernels *kernels, const Safetensors *file, int index, gboolean full)
{
    ConvSpec spec = golden_spec(file, index);
    spec.relu = spec.residual = full;
    g_autoptr(GError) error = NULL;
    Conv *conv = kernels->conv_new(&spec, golden(file, index, "weight", NULL),
                                   golden(file, index, "bias", NULL), &error);
    g_assert_no_error(error);
    int64_t shape[4];
    const real *expected = golden(file, index, full ? "y_full" : "y", shape);
    g_assert_cmpint(shape[1], ==, conv_out_h(&spec));
    g_assert_cmpint(shape[2], ==, conv_out_w(&spec));
    size_t count = (size_t)(shape[0] * shape[1] * shape[2] * shape[3]);
    g_autofree real *y = g_new(real, count);
    kernels->conv_forward(conv, golden(file, index, "x", NULL), NULL, NULL,
                          full ? golden(file, index, "residual", NULL) : NULL, y);
    g_assert_cmpfloat(difference(y, expected, count), <, 5e-5);
    kernels->conv_free(conv);
}

static void golden_backward(const Kernels *kernels, const Safetensors *file, int index)
{
    ConvSpec spec = golden_spec(file, index);
    spec.training = TRUE;
    g_autoptr(GError) error = NULL;
    Conv *conv = kernels->conv_new(&spec, NULL, NULL, &error);
    g_assert_no_error(error);
    size_t x_count = (size_t)spec.n * spec.h * spec.w * spec.c_in;
    size_t w_count = (size_t)spec.c_out * spec.c_in * spec.kernel * spec.kernel;
    g_autofree real *dx = g_new(real, x_count), *dweight = g_new0(real, w_count),
                    *dbias = g_new0(real, spec.c_out);
    const real *dy = golden(file, index, "dy", NULL);
    kernels->conv_backward_data(conv, dy, golden(file, index, "weight", NULL), dx);
    kernels->conv_backward_weights(conv, golden(file, index, "x", NULL), dy, dweight, dbias);
    g_assert_cmpfloat(difference(dx, golden(file, index, "dx", NULL), x_count), <, 5e-5);
    g_assert_cmpfloat(difference(dweight, golden(file, index, "dweight", NULL), w_count), <, 1e-5);
    g_assert_cmpfloat(difference(dbias, golden(file, index, "dbias", NULL), spec.c_out), <, 1e-5);
    kernels->conv_free(conv);
}

static void test_torch(gconstpointer kernels)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) file = safetensors_read("tests/golden/kernels/conv.safetensors", &error);
    g_assert_no_error(error);
    int cases = (int)g_ascii_strtoll(safetensors_metadata(file, "cases"), NULL, 10);
    g_assert_cmpint(cases, >, 5);
    for (int i = 0; i < cases; i++) {
        golden_forward(kernels, file, i, FALSE);
        golden_forward(kernels, file, i, TRUE);
        golden_backward(kernels, file, i);
    }
}

/* ---- threads ---- */

/* The same run in many threads at once gives the same bytes: no two of them use the same scratch memory. */
typedef struct {
    const Case *c;
    const Kernels *kernels;
    Conv *conv[4];
    real *y[4];
} Shared;

static gboolean run_shared(int64_t index, int worker, void *data, GError **error)
{
    Shared *shared = data;
    for (int repeat = 0; repeat < 20; repeat++) {
        shared->kernels->conv_forward(shared->conv[index], shared->c->x, NULL, NULL, NULL, shared->y[index]);
    }
    return TRUE;
}

static void test_threads(gconstpointer data)
{
    const ConvSpec spec = SPEC(4, 16, 16, 64, 64, 3, 1, 1, .pad_mode = PAD_REFLECT, .relu = TRUE);
    Case c;
    case_begin(&c, data, &spec);
    Shared shared = {.c = &c, .kernels = data};
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 4; i++) {
        shared.conv[i] = shared.kernels->conv_new(&spec, c.weight, c.bias, &error);
        g_assert_no_error(error);
        shared.y[i] = g_new(real, c.y_count);
    }
    g_assert_true(pool_run(4, FALSE, 4, run_shared, &shared, &error));
    g_autofree real *alone = forward(&c, data, TRUE, FALSE);
    for (int i = 0; i < 4; i++) {
        g_assert_cmpmem(shared.y[i], sizeof(real) * c.y_count, alone, sizeof(real) * c.y_count);
        shared.kernels->conv_free(shared.conv[i]);
        g_free(shared.y[i]);
    }
    case_end(&c);
}

/* ---- choices ---- */

static void make_one(const Kernels *kernels, const ConvSpec *spec)
{
    g_autoptr(GError) error = NULL;
    g_autofree real *weight = g_new0(real, (size_t)spec->c_out * spec->c_in * 9);
    Conv *conv = kernels->conv_new(spec, weight, NULL, &error);
    g_assert_no_error(error);
    kernels->conv_free(conv);
}

static void test_choices(void)
{
    const Kernels *kernels = kernels_get("onednn-timed");
    if (!kernels) {
        g_test_skip("built without oneDNN");
        return;
    }
    g_autoptr(GError) error = NULL;
    const ConvSpec spec = SPEC(2, 16, 16, 32, 32, 3, 1, 1, .relu = TRUE);
    g_assert_true(kernels_choices_set("", &error));
    make_one(kernels, &spec);
    g_autofree char *made = kernels_choices_get();
    g_assert_true(g_str_has_prefix(made, "onednn forward n2 h16 w16 i32 o32 k3 s1 p1 relu = "));

    const char *imposed = "onednn forward n2 h16 w16 i32 o32 k3 s1 p1 relu = direct\n";
    g_assert_true(kernels_choices_set(imposed, &error));
    make_one(kernels, &spec);
    g_autofree char *kept = kernels_choices_get();
    g_assert_cmpstr(kept, ==, imposed);

    g_assert_true(kernels_choices_set("", &error));
    ConvSpec fixed = spec;
    fixed.fixed_choice = TRUE;
    make_one(kernels, &fixed);
    make_one(kernels_get("onednn"), &spec); /* uses its rule, whatever the trial found */
    g_autofree char *none = kernels_choices_get();
    g_assert_cmpstr(none, ==, "");
}

/* ---- algorithms, one by one ---- */

/* Imposes one algorithm for every direction of a spec. */
static void impose(const ConvSpec *s, const char *algorithm)
{
    const char *const directions[] = {"forward", "backward-data", "backward-weights"};
    GString *text = g_string_new(NULL);
    for (int d = 0; d < 3; d++) {
        g_string_append_printf(text, "onednn %s n%d h%d w%d i%d o%d k%d s%d p%d%s%s%s%s = %s\n",
                               directions[d], s->n, s->h, s->w, s->c_in, s->c_out, s->kernel, s->stride,
                               s->pad, s->pad && s->pad_mode == PAD_REFLECT ? " reflect" : "",
                               d == 0 && s->residual ? " residual" : "", d == 0 && s->relu ? " relu" : "",
                               d == 0 && s->training ? " training" : "", algorithm);
    }
    g_assert_true(kernels_choices_set(text->str, NULL));
    g_string_free(text, TRUE);
}

/* Whether this machine offers the algorithm for all directions of the spec. */
static gboolean offered(const Kernels *kernels, const ConvSpec *spec, const real *weight)
{
    g_autoptr(GError) error = NULL;
    Conv *conv = kernels->conv_new(spec, spec->training ? NULL : weight, NULL, &error);
    if (!conv) {
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "not available on this machine"));
        return FALSE;
    }
    kernels->conv_free(conv);
    return TRUE;
}

/* One algorithm, whatever the timing would choose. */
static void test_algorithm(gconstpointer data)
{
    const char *algorithm = data;
    const Kernels *kernels = kernels_get("onednn-timed");
    const ConvSpec specs[] = {
        SPEC(2, 9, 11, 32, 48, 3, 1, 1),
        SPEC(2, 8, 8, 64, 32, 3, 1, 1, .pad_mode = PAD_REFLECT),
        SPEC(1, 2, 3, 16, 16, 3, 1, 1),
        SPEC(9, 16, 13, 16, 32, 3, 1, 1),
        SPEC(1, 7, 7, 16, 16, 3, 1, 0),
        SPEC(2, 8, 8, 32, 64, 1, 1, 0),
        SPEC(1, 9, 9, 3, 16, 7, 2, 3, .pad_mode = PAD_REFLECT),
        SPEC(2, 9, 9, 24, 40, 3, 1, 1),
        SPEC(1, 9, 9, 16, 16, 3, 2, 1),
    };
    int forward = 0, backward = 0; /* shapes for which it is offered */
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        ConvSpec spec = specs[i];
        Case c;
        case_begin(&c, kernels, &spec);
        impose(&spec, algorithm);
        if (offered(kernels, &spec, c.weight)) {
            check_forward(kernels, &spec, 5e-5);
            spec.relu = spec.residual = TRUE;
            impose(&spec, algorithm);
            check_forward(kernels, &spec, 5e-5);
            spec.relu = spec.residual = FALSE;
            forward++;
        }
        spec.training = TRUE;
        impose(&spec, algorithm);
        if (offered(kernels, &spec, c.weight)) {
            check_backward(kernels, &spec);
            backward++;
        }
        case_end(&c);
    }
    g_assert_true(kernels_choices_set("", NULL));
    g_test_message("%s: forward %d, backward %d of %d shapes", algorithm, forward, backward,
                   (int)G_N_ELEMENTS(specs));
    if (!forward && !backward) {
        g_test_skip("this machine does not offer it");
    }
}

/* bfloat16 has 8 significant bits. */
static void test_bf16(void)
{
    const Kernels *kernels = kernels_get("onednn-bf16");
    const ConvSpec spec =
        SPEC(2, 9, 9, 64, 48, 3, 1, 1, .pad_mode = PAD_REFLECT, .relu = TRUE, .residual = TRUE);
    check_forward(kernels, &spec, 0.04);
    const ConvSpec training =
        SPEC(2, 9, 9, 64, 48, 3, 1, 1, .training = TRUE); /* training is never in bfloat16 */
    check_forward(kernels, &training, 5e-5);
    check_backward(kernels, &training);
}

static void test_choices_refused(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(kernels_choices_set("# comment\n\nnonsense\n", &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "line 3"));
    const Kernels *kernels = kernels_get("onednn-timed");
    if (!kernels) {
        return;
    }
    g_clear_error(&error);
    g_assert_true(kernels_choices_set("onednn forward n1 h8 w8 i4 o4 k3 s1 p1 = quantum\n", &error));
    const ConvSpec spec = SPEC(1, 8, 8, 4, 4, 3, 1, 1);
    real weight[4 * 4 * 9] = {0};
    g_assert_null(kernels->conv_new(&spec, weight, NULL, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "quantum"));
    g_assert_true(kernels_choices_set("", NULL));
}

static void test_names(void)
{
    g_assert_nonnull(kernels_get("reference"));
    g_assert_null(kernels_get("abacus"));
    g_assert_nonnull(kernels_get(NULL));
    g_assert_nonnull(strstr(kernels_names(), "reference"));
    g_autofree char *versions = flows_versions();
    g_assert_nonnull(strstr(versions, "OpenBLAS 0."));
}

static void add(const char *entry, const char *what, GTestDataFunc test)
{
    g_autofree char *path = g_strdup_printf("/kernels/%s/%s", entry, what);
    g_test_add_data_func(path, kernels_get(entry), test);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kernels/names", test_names);
    g_test_add_func("/kernels/choices", test_choices);
    g_test_add_func("/kernels/choices-refused", test_choices_refused);
    if (kernels_get("onednn")) {
        g_test_add_data_func("/kernels/algorithm/direct", "direct", test_algorithm);
        g_test_add_data_func("/kernels/algorithm/blocked", "blocked", test_algorithm);
        g_test_add_data_func("/kernels/algorithm/winograd", "winograd", test_algorithm);
        g_test_add_data_func("/kernels/algorithm/bf16x3", "bf16x3", test_algorithm);
        g_test_add_data_func("/kernels/algorithm/winograd-nhwc", "winograd-nhwc", test_algorithm);
        g_test_add_func("/kernels/bf16", test_bf16);
    }
    static const char *const entries[] = {"reference", "onednn"};
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
        if (!kernels_get(entries[i])) {
            continue;
        }
        add(entries[i], "torch", test_torch);
        if (i > 0) { /* against the reference */
            add(entries[i], "forward", test_forward);
            add(entries[i], "forward-training", test_forward_training);
            add(entries[i], "backward", test_backward);
            add(entries[i], "gemm", test_gemm);
        }
        add(entries[i], "gemm-beta-zero", test_gemm_beta_zero);
        add(entries[i], "refusals", test_refusals);
        add(entries[i], "threads", test_threads);
    }
    return g_test_run();
}
