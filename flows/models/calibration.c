/* A calibration as JSON and in words.
 *
 * The words follow from what the bundle holds, so a loaded model gives the same ones as after its training. */
#include "flows/models/calibration.h"
#include "flows/files/fields.h"
#include "flows/models/logistic.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

const char *const holdout_kinds[] = {[HOLDOUT_PATIENTS] = "patients",
                                     [HOLDOUT_LONE_SLIDES] = "slides-of-unknown-patients",
                                     [HOLDOUT_SLIDES] = "slides",
                                     [HOLDOUT_BLOCKS] = "blocks",
                                     [HOLDOUT_TOUCHING_BLOCKS] = "touching-blocks",
                                     [HOLDOUT_TILES] = "tiles",
                                     NULL};

/* By HoldoutKind: the word for one of its units. */
static const char *const kind_words[] = {
    [HOLDOUT_PATIENTS] = "patient",
    [HOLDOUT_LONE_SLIDES] = "slide",
    [HOLDOUT_SLIDES] = "slide",
    [HOLDOUT_BLOCKS] = "block",
    [HOLDOUT_TOUCHING_BLOCKS] = "touching block",
    [HOLDOUT_TILES] = "tile",
};

/* By HoldoutKind; NULL = no reason for doubt.  Unknown patients are stated by calibration_text, but they are not a reason for
 * doubt: in most cohorts a patient has one slide, and nothing here can show otherwise. */
static const char *const kind_doubts[] = {
    [HOLDOUT_SLIDES] =
        "the held-out slides are of a patient that was also trained on, and other patients will "
        "differ more",
    [HOLDOUT_BLOCKS] =
        "the held-out tiles are parts of slides that were also trained on, one tile away from the "
        "training tiles, and other slides will differ more",
    [HOLDOUT_TOUCHING_BLOCKS] =
        "the held-out tiles are parts of slides that were also trained on and touch the "
        "training tiles, and other slides will differ more",
    [HOLDOUT_TILES] =
        "single tiles were held out, because their patient, slide and position are unknown or there "
        "are too few tiles: they may share patients, slides and pixels with the training tiles",
};

static void add(GPtrArray *out, char *text)
{
    g_ptr_array_add(out, text);
}

char **calibration_doubts(const Calibration *c)
{
    GPtrArray *out = g_ptr_array_new();
    if (kind_doubts[c->holdout.kind]) {
        add(out, g_strdup(kind_doubts[c->holdout.kind]));
    }
    /* With shared anomalies a good metric on held-out ones says little about anomalies of others. */
    if (c->holdout.anomalies_shared) {
        const char *of = kind_words[c->holdout.kind];
        add(out,
            g_strdup_printf("all labelled anomalies are of one %s, so the model is validated on anomalies of "
                            "the %s that it was trained on",
                            of, of));
    }
    /* A quantile needs 1/eps tiles; the reason gives both numbers. */
    if (threshold_has_few(c->tiles, c->chosen.eps)) {
        g_autofree char *expected =
            isnan(c->expected)
                ? g_strdup("")
                : g_strdup_printf("; about %.2g %% of new normal tiles are expected above the threshold",
                                  100 * c->expected);
        add(out,
            g_strdup_printf("%" G_GINT64_FORMAT
                            " normal tiles were held out, but %.0f are needed (1/eps, threshold.eps %g)%s",
                            c->tiles, ceil(1 / c->chosen.eps - 1e-9), c->chosen.eps, expected));
    }
    add(out, NULL);
    return (char **)g_ptr_array_free(out, FALSE);
}

char *calibration_text(const Calibration *c)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "threshold %.6g (%s", c->threshold, threshold_modes[c->chosen.mode]);
    if (!isnan(c->expected)) { /* a quantile */
        g_string_append_printf(out, ", eps %g", c->chosen.eps);
    }
    if (threshold_needs_anomalies(&c->chosen)) {
        g_string_append_printf(out, ", beta %g", c->chosen.beta);
    }
    if (c->chosen.draws > 0) {
        g_string_append_printf(out, ", %d augmented draws of each tile", c->chosen.draws);
    }
    g_string_append_printf(out, ") from n = %" G_GINT64_FORMAT " held-out normal tiles", c->tiles);
    if (c->anomalies > 0) {
        g_string_append_printf(out, " and %" G_GINT64_FORMAT " anomalies", c->anomalies);
    }
    if (c->holdout.groups > 0) { /* 0 for single tiles */
        g_string_append_printf(out, " of %" G_GINT64_FORMAT " %s%s", c->holdout.groups,
                               kind_words[c->holdout.kind], c->holdout.groups == 1 ? "" : "s");
    }
    if (c->holdout.kind == HOLDOUT_LONE_SLIDES) {
        g_string_append(out,
                        "; patients are unknown, so slides of one patient may be held out and trained on");
    }
    return g_string_free(out, FALSE);
}

double calibration_probability(const Calibration *c, double score)
{
    return logistic_sigmoid(c->probability_slope * score + c->probability_offset);
}

char *calibration_probability_text(const Calibration *c)
{
    if (!isnan(c->probability_slope)) {
        return g_strdup_printf(
            "logistic function of the score, slope %.6g, offset %.6g, fitted to %" G_GINT64_FORMAT
            " held-out normal tiles and %" G_GINT64_FORMAT
            " labelled anomalies (by Platt); it holds where that fraction of tiles, %.3g %%, are anomalies",
            c->probability_slope, c->probability_offset, c->tiles, c->anomalies,
            100 * (double)c->anomalies / (double)(c->tiles + c->anomalies));
    }
    if (c->tiles >= PROBABILITY_TILES && c->anomalies >= PROBABILITY_TILES) {
        return g_strdup("none: held-out anomalies do not have higher scores than held-out normal tiles");
    }
    return g_strdup_printf("none: the model was calibrated with %" G_GINT64_FORMAT
                           " held-out normal tiles and %" G_GINT64_FORMAT
                           " labelled anomalies, and at least %d of each are needed",
                           c->tiles, c->anomalies, PROBABILITY_TILES);
}

/* ---- as JSON ---- */

#define OF(member) offsetof(Calibration, member)
/* clang-format off */
static const Field calibration_fields[] = { /* without map_mean, which is a tensor */
    {"tiles", FIELD_INT64, OF(tiles), 1, NULL},
    {"m0", FIELD_NUMBER, OF(m0), 1, NULL},
    {"mean", FIELD_NUMBER, OF(mean), TILE_SCORES, NULL},
    {"sd", FIELD_NUMBER, OF(sd), TILE_SCORES, NULL},
    /* the threshold and how it was chosen */
    {"threshold", FIELD_NUMBER, OF(threshold), 1, NULL},
    {"threshold_mode", FIELD_NAME, OF(chosen.mode), 1, threshold_modes},
    {"threshold_draws", FIELD_INT, OF(chosen.draws), 1, NULL},
    {"threshold_eps", FIELD_NUMBER, OF(chosen.eps), 1, NULL},
    {"threshold_beta", FIELD_NUMBER, OF(chosen.beta), 1, NULL},
    {"threshold_f", FIELD_NUMBER, OF(threshold_f), 1, NULL},
    {"threshold_expected", FIELD_NUMBER, OF(expected), 1, NULL},
    {"anomalies", FIELD_INT64, OF(anomalies), 1, NULL},
    {"probability_slope", FIELD_NUMBER, OF(probability_slope), 1, NULL},
    {"probability_offset", FIELD_NUMBER, OF(probability_offset), 1, NULL},
    {"map_sd", FIELD_NUMBER, OF(map_sd), 1, NULL},
    /* the hold-out */
    {"holdout", FIELD_NAME, OF(holdout.kind), 1, holdout_kinds},
    {"holdout_groups", FIELD_INT64, OF(holdout.groups), 1, NULL},
    {"unused", FIELD_INT64, OF(holdout.unused), 1, NULL},
    {"anomalies_shared", FIELD_BOOL, OF(holdout.anomalies_shared), 1, NULL},
    {"repeats_left_out", FIELD_INT64, OF(holdout.repeats_left_out), 1, NULL},
    {"repeats_in_training", FIELD_INT64, OF(holdout.repeats_in_training), 1, NULL},
    {"repeats_in_holdout", FIELD_INT64, OF(holdout.repeats_in_holdout), 1, NULL},
    {NULL, 0, 0, 0, NULL},
};
/* clang-format on */

json_t *calibration_write(const Calibration *c)
{
    g_auto(GStrv) doubts = calibration_doubts(c);
    json_t *out = fields_write(calibration_fields, c), *list = json_array();
    for (char **doubt = doubts; *doubt; doubt++) {
        json_array_append_new(list, json_string(*doubt));
    }
    /* For other readers: both follow from the rest. */
    json_object_set_new(out, "trusted", json_boolean(!*doubts));
    json_object_set_new(out, "doubts", list);
    return out;
}

/* Counts are never negative. */
static gboolean is_possible(const Holdout *h)
{
    return h->groups >= 0 && h->unused >= 0 && h->repeats_left_out >= 0 && h->repeats_in_training >= 0 &&
           h->repeats_in_holdout >= 0;
}

/* Values that a scorer divides by or compares with must be usable. */
static gboolean check(const Calibration *c, GError **error)
{
    gboolean ok = c->tiles > 0 && isfinite(c->m0) && c->map_sd > 0 && isfinite(c->threshold);
    /* Scores are (value - mean) / sd. */
    for (int i = 0; i < TILE_SCORES; i++) {
        ok = ok && isfinite(c->mean[i]) && c->sd[i] > 0;
    }
    /* Both or none. */
    ok = ok && (isnan(c->probability_slope) ? isnan(c->probability_offset)
                                            : c->probability_slope > 0 && isfinite(c->probability_slope) &&
                                                  isfinite(c->probability_offset));
    ok = ok && c->anomalies >= 0 && (c->anomalies > 0) >= threshold_needs_anomalies(&c->chosen) &&
         threshold_check(&c->chosen, NULL) && is_possible(&c->holdout);
    if (!ok) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "calibration: a value is out of its range");
    }
    return ok;
}

gboolean calibration_read(const json_t *object, Calibration *c, GError **error)
{
    static const char *const derived[] = {"trusted",
                                          "doubts"}; /* for other readers: they follow from the rest */
    /* They must be there, but are not read: the rest decides. */
    g_autoptr(json_t) own = json_copy((json_t *)object);
    for (size_t i = 0; i < G_N_ELEMENTS(derived); i++) {
        if (json_object_del(own, derived[i]) != 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "calibration: key \"%s\" is missing", derived[i]);
            return FALSE;
        }
    }
    return fields_read(calibration_fields, own, c, "calibration", error) && check(c, error);
}
