/* Loss terms and the head, in double: against torch (tests/golden/losses, written by tools/golden_losses.py), against central
 * differences, and at the ends of the numbers. */
#include "flows/models/head.h"
#include "flows/training/head_loss.h"
#include "flows/training/losses.h"
#include "base/csv.h"
#include <math.h>
#include <string.h>

#define TILES 5
#define EXACT 1e-12
#define MOST 1000 /* numbers of a tile's latent on one scale, at most */

static void assert_close(double a, double b, double tolerance)
{
    g_assert_cmpfloat(fabs(a - b), <=, tolerance * fmax(1e-3, fmax(fabs(a), fabs(b))));
}

static Csv *open_golden(const char *name)
{
    g_autofree char *path = g_strdup_printf("tests/golden/losses/%s.csv", name);
    g_autoptr(GError) error = NULL;
    Csv *csv = csv_read(path, &error);
    g_assert_no_error(error);
    return csv;
}

static double cell(const Csv *csv, int row, const char *column)
{
    double value = 0;
    g_assert_true(csv_number(csv, row, csv_column(csv, column), &value, NULL));
    return value;
}

/* ---- terms ---- */

static void test_focal_as_torch(void)
{
    g_autoptr(Csv) csv = open_golden("focal");
    g_assert_cmpint(csv_rows(csv), ==, 56);
    for (int r = 0; r < csv_rows(csv); r++) {
        double slope;
        double loss = loss_focal(cell(csv, r, "logit"), (int)cell(csv, r, "y"), cell(csv, r, "alpha"),
                                 cell(csv, r, "gamma"), &slope);
        assert_close(loss, cell(csv, r, "loss"), 1e-11); /* torch forms 1 - p by subtraction */
        assert_close(slope, cell(csv, r, "slope"), 1e-11);
    }
}

static void test_focal_is_finite_everywhere(void)
{
    double slope;
    for (int y = 0; y < 2; y++) {
        double sign = y ? 1 : -1;
        g_assert_cmpfloat(loss_focal(sign * 800, y, 0.25, 2, &slope), <, 1e-300);
        g_assert_cmpfloat(fabs(slope), <, 1e-300);
        assert_close(loss_focal(-sign * 800, y, 0.5, 2, &slope), 400, EXACT);
        assert_close(slope, -sign * 0.5, EXACT);
    }
    assert_close(loss_focal(0, 1, 0.5, 0, &slope), 0.5 * G_LN2, EXACT);
}

static void test_margin_as_torch(void)
{
    g_autoptr(Csv) csv = open_golden("margin");
    g_assert_cmpint(csv_rows(csv), ==, 40);
    for (int r = 0; r < csv_rows(csv); r++) {
        double slope,
            loss = loss_margin((MarginForm)cell(csv, r, "form"), cell(csv, r, "s"), (int)cell(csv, r, "y"),
                               cell(csv, r, "mean"), cell(csv, r, "sd"), cell(csv, r, "width"), &slope);
        assert_close(loss, cell(csv, r, "loss"), EXACT);
        assert_close(slope, cell(csv, r, "slope"), EXACT);
        g_assert_cmpfloat(fabs(slope), <=, 1);
    }
}

/* Beyond the margin, a less likely anomaly gains nothing. */
static void test_margins_are_bounded_below(void)
{
    for (int form = 0; form < 2; form++) {
        double slope;
        g_assert_cmpfloat(loss_margin((MarginForm)form, 1e9, 1, 0, 1, 3, &slope), ==, 0);
        g_assert_cmpfloat(fabs(slope), ==, 0);
        g_assert_cmpfloat(loss_margin((MarginForm)form, -1e9, 0, 0, 1, 3, &slope), ==, 0);
    }
}

static void test_centre_as_torch(void)
{
    g_autoptr(Csv) csv = open_golden("centre");
    double centre[3], sum[3] = {0};
    g_assert_cmpint(csv_rows(csv), ==, 12);
    for (int tile = 0; tile < 4; tile++) {
        double e[3], slope[3];
        for (int k = 0; k < 3; k++) {
            e[k] = cell(csv, 3 * tile + k, "e");
            centre[k] = cell(csv, 3 * tile + k, "c");
            sum[k] += e[k];
        }
        assert_close(loss_centre(e, centre, 3, slope), cell(csv, 3 * tile, "loss"), EXACT);
        for (int k = 0; k < 3; k++) {
            assert_close(slope[k], cell(csv, 3 * tile + k, "slope"), EXACT);
        }
    }
    loss_centre_move(centre, sum, 4, 0.5, 3);
    for (int k = 0; k < 3; k++) {
        assert_close(centre[k], cell(csv, k, "moved"), EXACT);
    }
    double nothing[3] = {0}, before = centre[0];
    loss_centre_move(centre, nothing, 0, 0.5, 3);
    g_assert_cmpfloat(centre[0], ==, before);
}

static void test_normal_terms(void)
{
    double slope;
    g_assert_cmpfloat(loss_normal(NORMAL_NLL, -3, &slope), ==, -3);
    g_assert_cmpfloat(slope, ==, 1);
    assert_close(loss_normal(NORMAL_LOG_SIGMOID, -3, &slope), log1p(exp(-3)), EXACT);
    assert_close(slope, 1 / (1 + exp(3)), EXACT);
    assert_close(loss_normal(NORMAL_LOG_SIGMOID, 900, &slope), 900, EXACT);
    g_assert_cmpfloat(slope, ==, 1);
}

/* ---- the head: the tiles of tools/golden_losses.py ---- */

static const int channels[SCALES] = {96, 64, 12}, positions[SCALES] = {9, 4, 1};
static const LossBatch batch = {3, 2, TRUE};

typedef struct {
    Head head;
    LossTile tile[TILES];
    real z[TILES][SCALES][MOST], dz[TILES][SCALES][MOST];
    double gradient[HEAD_TRAINABLE];
    LossTerms terms;
    LossSpec loss;
} Case;

static void wave(real *to, int count, double phase, double step, double factor)
{
    for (int i = 0; i < count; i++) {
        to[i] = factor * sin(step * i + phase);
    }
}

static Case *case_new(void)
{
    Case *c = g_new0(Case, 1);
    head_init(&c->head, channels, positions, 0.25, 1);
    real *v = c->head.values;
    v[HEAD_SCALE] = 0.8;
    v[HEAD_OFFSET] = -1.2;
    wave(v + HEAD_WEIGHT, HEAD_WEIGHTS, 0.5, 0.37, 0.05);
    wave(v + HEAD_BIAS, HEAD_EMBEDDING, 0.9, 0.7, 0.1);
    wave(v + HEAD_READOUT, HEAD_FEATURES, 0.4, 0.53, 0.6);
    v[HEAD_NORMALS] = 0.2;
    v[HEAD_NORMALS + 1] = 0.0225;
    v[HEAD_NORMALS + 2] = 100;
    wave(v + HEAD_CENTRES, 2 * HEAD_EMBEDDING, 0.2, 0.7, 0.2);
    for (int b = 0; b < TILES; b++) {
        c->tile[b] = (LossTile){.logdet = -60 + 35 * b, .anomaly = b >= 3};
        for (int l = 0; l < SCALES; l++) {
            wave(c->z[b][l], channels[l] * positions[l], 0.3 * l + b, 0.7, 0.9 + 0.2 * b);
            c->tile[b].z[l] = c->z[b][l];
            c->tile[b].dz[l] = c->dz[b][l];
        }
    }
    c->loss = loss_spec_default();
    c->loss.focal = 1.3;
    c->loss.centre = 0.7;
    c->loss.margin = 0.4;
    c->loss.focal_alpha = 0.3;
    c->loss.margin_width = 2;
    return c;
}

static double total(Case *c)
{
    c->terms = (LossTerms){0};
    memset(c->gradient, 0, sizeof c->gradient);
    for (int b = 0; b < TILES; b++) {
        head_loss(&c->head, &c->loss, &batch, &c->tile[b], &c->terms, c->gradient);
    }
    return loss_terms_total(&c->loss, &c->terms);
}

/* The value of the case under a key of head.csv; gradients at the latents are (tile, position, channel). */
static double of_key(const Case *c, const char *key, int index)
{
    if (g_str_has_prefix(key, "dz")) {
        int l = key[2] - '0', count = channels[l] * positions[l];
        return c->dz[index / count][l][index % count];
    }
    const struct {
        const char *key;
        double value;
    } values[] = {
        {"nll", c->terms.nll},
        {"focal", c->terms.focal},
        {"centre", c->terms.centre},
        {"margin", c->terms.margin},
        {"total", loss_terms_total(&c->loss, &c->terms)},
        {"s", c->tile[index % TILES].s},
        {"logit", c->tile[index % TILES].logit},
        {"dlogdet", c->tile[index % TILES].dlogdet},
        {"embedding", c->tile[index / HEAD_EMBEDDING % TILES].embedding[index % HEAD_EMBEDDING]},
        {"dscale", c->gradient[HEAD_SCALE]},
        {"doffset", c->gradient[HEAD_OFFSET]},
        {"dweight", c->gradient[HEAD_WEIGHT + index]},
        {"dbias", c->gradient[HEAD_BIAS + index % HEAD_EMBEDDING]},
        {"dreadout", c->gradient[HEAD_READOUT + index % HEAD_FEATURES]},
    };
    for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
        if (g_str_equal(values[i].key, key)) {
            return values[i].value;
        }
    }
    g_assert_not_reached();
}

static void test_head_as_torch(void)
{
    g_autoptr(Csv) csv = open_golden("head");
    g_autofree Case *c = case_new();
    total(c);
    g_assert_cmpint(csv_rows(csv), >, 300);
    for (int r = 0; r < csv_rows(csv); r++) {
        const char *key = csv_get(csv, r, csv_column(csv, "key"));
        assert_close(of_key(c, key, (int)cell(csv, r, "index")), cell(csv, r, "value"), 1e-10);
    }
}

/* (L(x + h) - L(x - h)) / 2h of one input of the case. */
static double difference(Case *c, double *x)
{
    const double h = 1e-5, at = *x;
    *x = at + h;
    double above = total(c);
    *x = at - h;
    double below = total(c);
    *x = at;
    return (above - below) / (2 * h);
}

static void assert_slope(double analytic, double numeric)
{
    g_assert_cmpfloat(fabs(analytic - numeric), <=, 1e-7 * fmax(1e-3, fabs(numeric)) + 1e-10);
}

static void test_gradient_is_that_of_the_loss(gconstpointer form)
{
    g_autofree Case *c = case_new();
    c->loss.margin_form = (MarginForm)GPOINTER_TO_INT(form);
    c->loss.normal = (NormalTerm)GPOINTER_TO_INT(form);
    total(c);
    g_autofree Case *at = g_memdup2(c, sizeof *c); /* gradients; its pointers are those of c */
    for (int b = 0; b < TILES; b++) {
        assert_slope(at->tile[b].dlogdet, difference(c, &c->tile[b].logdet));
        for (int l = 0; l < SCALES; l++) {
            for (int i = 0; i < channels[l] * positions[l]; i += 29) {
                assert_slope(at->dz[b][l][i], difference(c, &c->z[b][l][i]));
            }
        }
    }
    for (int i = 0; i < HEAD_TRAINABLE; i += i < HEAD_WEIGHT ? 1 : i < HEAD_READOUT ? 499 : 37) {
        assert_slope(at->gradient[i], difference(c, &c->head.values[i]));
    }
}

/* Before labels count, an anomaly has no gradient, and a normal has that of its likelihood. */
static void test_without_labels_there_is_only_likelihood(void)
{
    const LossBatch plain = {3, 2, FALSE};
    g_autofree Case *c = case_new();
    int64_t d = 96 * 9 + 64 * 4 + 12;
    for (int b = 0; b < TILES; b++) {
        head_loss(&c->head, &c->loss, &plain, &c->tile[b], &c->terms, c->gradient);
        double ds = b < 3 ? 1.0 / 3 : 0;
        assert_close(c->tile[b].dlogdet, -ds / (double)d, EXACT);
        assert_close(c->dz[b][0][17], ds / (double)d * c->z[b][0][17], EXACT);
    }
    g_assert_cmpfloat(c->terms.focal + c->terms.centre + c->terms.margin, ==, 0);
    for (int i = 0; i < HEAD_TRAINABLE; i++) {
        g_assert_cmpfloat(c->gradient[i], ==, 0);
    }
}

/* At the first batch there is no mean to be far from, and no deviation to measure the distance in. */
static void test_labels_wait_for_normals(void)
{
    g_autofree Case *c = case_new();
    memset(&c->head.values[HEAD_NORMALS], 0, 3 * sizeof(real));
    total(c);
    g_assert_cmpfloat(c->terms.focal + c->terms.centre + c->terms.margin, ==, 0);
    g_assert_cmpfloat(c->tile[4].dlogdet, ==, 0);
    head_observe(&c->head, &batch, c->tile, TILES);
    total(c);
    g_assert_cmpfloat(c->terms.focal, >, 0);
    g_assert_cmpfloat(c->terms.focal, <, 100);
}

static void test_statistics_of_normals_are_followed(void)
{
    g_autofree Head *head = g_new0(Head, 1);
    const LossBatch plain = {4, 0, FALSE};
    LossTile tiles[4] = {{.s = 1}, {.s = 3}, {.s = 100, .anomaly = 1}, {.s = 5}};
    head_init(head, channels, positions, 0.25, 1);
    head_observe(head, &plain, tiles, 4);
    assert_close(head->values[HEAD_NORMALS], 3, EXACT); /* the first ones: plain mean and variance */
    assert_close(head->values[HEAD_NORMALS + 1], 8.0 / 3, EXACT);
    for (int i = 0; i < 1000; i++) {
        tiles[0].s = i % 2 ? 9 : 7;
        head_observe(head, &plain, tiles, 1);
    }
    assert_close(head->values[HEAD_NORMALS], 8, 0.01);
    assert_close(head->values[HEAD_NORMALS + 1], 1, 0.03);
    assert_close(head_logit(head, head->values[HEAD_NORMALS], 0), log(0.25 / 0.75), EXACT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/losses/focal/torch", test_focal_as_torch);
    g_test_add_func("/losses/focal/finite", test_focal_is_finite_everywhere);
    g_test_add_func("/losses/margin/torch", test_margin_as_torch);
    g_test_add_func("/losses/margin/bounded", test_margins_are_bounded_below);
    g_test_add_func("/losses/centre/torch", test_centre_as_torch);
    g_test_add_func("/losses/normal", test_normal_terms);
    g_test_add_func("/losses/head/torch", test_head_as_torch);
    g_test_add_data_func("/losses/head/gradient/hinge", GINT_TO_POINTER(MARGIN_HINGE),
                         test_gradient_is_that_of_the_loss);
    g_test_add_data_func("/losses/head/gradient/log_sigmoid", GINT_TO_POINTER(MARGIN_LOG_SIGMOID),
                         test_gradient_is_that_of_the_loss);
    g_test_add_func("/losses/head/without_labels", test_without_labels_there_is_only_likelihood);
    g_test_add_func("/losses/head/wait", test_labels_wait_for_normals);
    g_test_add_func("/losses/head/normals", test_statistics_of_normals_are_followed);
    return g_test_run();
}
