/* The model's specification: names of choices, defaults, checks, JSON. */
#include "flows/models/model_spec.h"
#include "flows/files/fields.h"
#include "base/error.h"
#include <math.h>

/* Each list is the choices of a configuration key, too. */
const char *const model_pad_names[] = {[PAD_ZERO] = "zero", [PAD_REFLECT] = "reflect", NULL};
const char *const model_step_names[] = {[STEP_AIO] = "aio", [STEP_GLOW] = "glow", NULL};
const char *const model_fpn_names[] = {[FPN_NONE] = "none",
                                       [FPN_FIXED] = "fixed",
                                       [FPN_ORTHOGONAL] = "orthogonal",
                                       [FPN_TWO_PHASE] = "two-phase",
                                       NULL};

const char *const model_measure_names[] = {
    [MEASURE_ENERGY] = "energy", [MEASURE_LIKELIHOOD] = "likelihood", NULL};
const char *const model_normalise_names[] = {[NORMALISE_NONE] = "none", [NORMALISE_TILE] = "tile", NULL};
const char *const model_normal_names[] = {[NORMAL_NLL] = "nll", [NORMAL_LOG_SIGMOID] = "log-sigmoid", NULL};
const char *const model_margin_names[] = {
    [MARGIN_HINGE] = "hinge", [MARGIN_LOG_SIGMOID] = "log-sigmoid", NULL};
const char *const model_selection_names[] = {
    [SELECT_NLL] = "nll", [SELECT_F_BETA] = "f-beta", [SELECT_AUROC] = "auroc", [SELECT_AP] = "ap", NULL};
const char *const model_score_names[] = {
    [SCORE_SCALES] = "scales", [SCORE_NLL] = "nll", [SCORE_LOGIT] = "logit", NULL};

/* One line is one key of the bundle's metadata; the order is that of the file. */
#define AT(member) offsetof(ModelSpec, member)
static const Field spec_fields[] = {
    /* what the model is */
    {"extractor", FIELD_TEXT, AT(extractor.name), 1, NULL},
    {"weights", FIELD_MAYBE, AT(extractor.weights), 1, NULL},
    {"pad", FIELD_NAME, AT(extractor.pad), 1, model_pad_names},
    {"tile_size", FIELD_INT, AT(tile_size), 1, NULL}, /* px */
    {"mpp", FIELD_NUMBER, AT(mpp), 1, NULL},          /* um/px; 0: unknown */
    /* its flow */
    {"blocks", FIELD_INT, AT(flow.blocks), SCALES, NULL}, /* steps of each scale */
    {"step", FIELD_NAME, AT(flow.step), 1, model_step_names},
    {"fpn", FIELD_NAME, AT(flow.fpn), 1, model_fpn_names},
    {"normalise", FIELD_NAME, AT(flow.normalise), 1, model_normalise_names},
    {"fpn_width", FIELD_INT, AT(flow.fpn_width), 1, NULL},
    {"se", FIELD_BOOL, AT(flow.se), 1, NULL},
    {"condition", FIELD_INT, AT(flow.condition), 1, NULL}, /* channels of the positional code */
    {"clamp_new", FIELD_BOOL, AT(flow.clamp_new), 1, NULL},
    {"alpha", FIELD_NUMBER, AT(flow.alpha), 1, NULL},
    {"measure", FIELD_NAME, AT(measure), 1, model_measure_names},
    /* how it is trained */
    {"epochs", FIELD_INT, AT(epochs), 1, NULL},
    {"batch", FIELD_INT, AT(batch), 1, NULL},
    {"batch_parts", FIELD_INT, AT(batch_parts), 1, NULL},
    {"learning_rate", FIELD_NUMBER, AT(learning_rate), 1, NULL},
    {"warmup_epochs", FIELD_NUMBER, AT(warmup_epochs), 1, NULL}, /* the rate rises linearly */
    {"fpn_rate", FIELD_NUMBER, AT(fpn_rate), 1, NULL},           /* as a fraction of learning_rate */
    {"fpn_epochs", FIELD_INT, AT(fpn_epochs), 1, NULL},          /* of the first phase */
    {"clip", FIELD_NUMBER, AT(clip), 1, NULL},                   /* norm; 0: never */
    {"patience", FIELD_INT, AT(patience), 1, NULL},              /* epochs; 0: never stops */
    {"holdout", FIELD_NUMBER, AT(holdout), 1, NULL},             /* fraction of the tiles */
    {"seed", FIELD_INT64, AT(seed), 1, NULL},
    {"half_features", FIELD_BOOL, AT(half_features), 1, NULL},
    /* how its tiles are augmented */
    {"augmented", FIELD_BOOL, AT(augmented), 1, NULL},
    {"hflip", FIELD_NUMBER, AT(augment.hflip), 1, NULL},
    {"vflip", FIELD_NUMBER, AT(augment.vflip), 1, NULL},
    {"rotate90", FIELD_NUMBER, AT(augment.rotate90), 1, NULL},
    {"rotate", FIELD_NUMBER, AT(augment.rotate), 1, NULL},
    {"rotate_degrees", FIELD_NUMBER, AT(augment.rotate_degrees), 1, NULL},
    /* colours */
    {"jitter", FIELD_NUMBER, AT(augment.jitter), 1, NULL},
    {"brightness", FIELD_NUMBER, AT(augment.brightness), 1, NULL},
    {"contrast", FIELD_NUMBER, AT(augment.contrast), 1, NULL},
    {"saturation", FIELD_NUMBER, AT(augment.saturation), 1, NULL},
    {"hue", FIELD_NUMBER, AT(augment.hue), 1, NULL},
    {"blur", FIELD_NUMBER, AT(augment.blur), 1, NULL},
    {"blur_sigma", FIELD_NUMBER, AT(augment.blur_sigma), 1, NULL},
    {"noise", FIELD_NUMBER, AT(augment.noise), 1, NULL},
    {"noise_sd", FIELD_NUMBER, AT(augment.noise_sd), 1, NULL},
    {"stain", FIELD_NUMBER, AT(augment.stain), 1, NULL},
    {"stain_sd", FIELD_NUMBER, AT(augment.stain_sd), 1, NULL},
    /* what it recommends, and what its training minimises */
    {"score", FIELD_NAME, AT(score), 1, model_score_names},
    {"loss_normal", FIELD_NAME, AT(loss.normal), 1, model_normal_names},
    {"loss_labels", FIELD_BOOL, AT(loss.labels), 1, NULL},
    {"loss_focal", FIELD_NUMBER, AT(loss.focal), 1, NULL},
    {"loss_centre", FIELD_NUMBER, AT(loss.centre), 1, NULL},
    {"loss_margin", FIELD_NUMBER, AT(loss.margin), 1, NULL},
    {"loss_alpha", FIELD_NUMBER, AT(loss.focal_alpha), 1, NULL},
    {"loss_gamma", FIELD_NUMBER, AT(loss.focal_gamma), 1, NULL},
    {"loss_margin_form", FIELD_NAME, AT(loss.margin_form), 1, model_margin_names},
    {"loss_margin_width", FIELD_NUMBER, AT(loss.margin_width), 1, NULL},
    {"loss_start", FIELD_NUMBER, AT(loss.start), 1, NULL},
    {"loss_anomaly_fraction", FIELD_NUMBER, AT(loss.anomaly_fraction), 1, NULL},
    {"loss_selection", FIELD_NAME, AT(loss.selection), 1, model_selection_names},
    {"loss_beta", FIELD_NUMBER, AT(loss.beta), 1, NULL},
    {NULL, 0, 0, 0, NULL},
};

void model_spec_default(ModelSpec *spec, const char *extractor)
{
    *spec = (ModelSpec){
        .extractor = {.name = g_strdup(extractor), .pad = PAD_REFLECT},
        .tile_size = 256,
        .flow = {.blocks = {2, 5, 8}, /* as MSFlow */
                 .step = STEP_GLOW,
                 .fpn = FPN_FIXED,
                 .normalise = NORMALISE_TILE,
                 .se = TRUE,
                 .condition = 64,
                 .alpha = 1.9},
        .measure = MEASURE_LIKELIHOOD,
        .epochs = 50,
        .batch = 8,
        .batch_parts = 2,
        .learning_rate = 1e-3,
        .warmup_epochs = 1,
        .fpn_rate = 0.01,
        .fpn_epochs = 5,
        .clip = 1,
        .patience = 10,
        .holdout = 0.15,
        .seed = 1,
        .augment = augment_default(),
        .threshold = threshold_default(),
        .loss = loss_spec_default(),
        .score = SCORE_SCALES,
    };
}

/* The table knows which members are texts. */
void model_spec_clear(ModelSpec *spec)
{
    fields_clear(spec_fields, spec);
    g_clear_pointer(&spec->tile_recipe, json_decref);
}

json_t *model_spec_write(const ModelSpec *spec)
{
    json_t *object = fields_write(spec_fields, spec);
    json_object_set_new(object, "tile_recipe",
                        spec->tile_recipe ? json_incref(spec->tile_recipe) : json_null());
    return object;
}

/* The recipe is the only part that is not a plain value: it is taken out before the table reads the rest. */
gboolean model_spec_read(const json_t *object, ModelSpec *spec, GError **error)
{
    json_t *recipe = json_object_get(object, "tile_recipe");
    *spec = (ModelSpec){0};
    if (!recipe) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "specification: key \"tile_recipe\" is missing");
        return FALSE;
    }
    g_autoptr(json_t) rest = json_copy((json_t *)object);
    /* The table refuses unknown keys, so it gets a copy without the recipe. */
    spec->tile_recipe = json_is_null(recipe) ? NULL : json_incref(recipe);
    json_object_del(rest, "tile_recipe");
    return fields_read(spec_fields, rest, spec, "specification", error);
}

/* "model: KEY must be RULE". */
static gboolean refuse(GError **error, const char *key, const char *rule)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "model: %s must be %s", key, rule);
    return FALSE;
}

int model_spec_part_anomalies(const ModelSpec *spec)
{
    /* Rounded up, so that every part of a batch has an anomaly. */
    return MAX((int)ceil(spec->loss.anomaly_fraction * (spec->batch / spec->batch_parts)), 1);
}

/* Each part of a batch needs a normal tile as well. */
static gboolean check_loss(const ModelSpec *s, GError **error)
{
    if (!loss_spec_check(&s->loss, error)) {
        return FALSE;
    }
    if (s->loss.labels && model_spec_part_anomalies(s) >= s->batch / s->batch_parts) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "train.batch / train.batch_parts is %d: each part of a batch needs at least one normal tile "
            "in addition to its anomalies (%d)",
            s->batch / s->batch_parts, model_spec_part_anomalies(s));
        return FALSE;
    }
    return TRUE;
}

gboolean model_spec_check(const ModelSpec *s, GError **error)
{
    if (s->tile_size < 32 || s->tile_size % 16 != 0 || s->tile_size > 4096) { /* scales at 1/4, 1/8, 1/16 */
        return refuse(error, "tile_size", "a multiple of 16 from 32 to 4096");
    }
    if (s->epochs < 1) {
        return refuse(error, "epochs", "at least 1");
    }
    /* Parts of equal size, so that their mean is the mean of the batch. */
    if (s->batch_parts < 1 || s->batch < s->batch_parts || s->batch % s->batch_parts != 0 ||
        s->batch > 4096) {
        return refuse(error, "batch", "a multiple of train.batch_parts, at most 4096");
    }
    /* Conditions are written so that NaN fails. */
    if (!(s->learning_rate > 0 && s->learning_rate <= 1)) {
        return refuse(error, "learning_rate", "above 0 and at most 1");
    }
    if (!(s->warmup_epochs >= 0 && isfinite(s->warmup_epochs))) {
        return refuse(error, "warmup_epochs", "0 or more");
    }
    if (!(s->fpn_rate > 0 && isfinite(s->fpn_rate))) {
        return refuse(error, "fpn_rate", "above 0");
    }
    if (s->fpn_epochs < 1) {
        return refuse(error, "fpn_epochs", "at least 1");
    }
    if (!(s->clip >= 0 && isfinite(s->clip))) {
        return refuse(error, "clip", "0 or more");
    }
    if (s->patience < 0) {
        return refuse(error, "patience", "0 or more");
    }
    /* Some normals must be held out: without them there is no calibration. */
    if (!(s->holdout > 0 && s->holdout <= 0.5)) {
        return refuse(error, "holdout", "above 0 and at most 0.5");
    }
    if (!(s->mpp >= 0 && isfinite(s->mpp))) {
        return refuse(error, "mpp", "0 or more");
    }
    /* Augmentation that changes nothing is a mistake in the configuration. */
    if ((s->augmented || s->threshold.draws > 0) && !augment_any(&s->augment)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "model: augmentation is needed, but all its probabilities are 0");
        return FALSE;
    }
    return augment_check(&s->augment, error) && check_loss(s, error);
}

const char *model_spec_score_name(const ModelSpec *spec)
{
    static const char *const names[] = {
        [SCORE_SCALES] = ("half mean square of the latents, each scale in standard deviations of held-out "
                          "normal tiles, mean of the scales"),
        [SCORE_NLL] =
            "negative log-likelihood per dimension, in standard deviations of held-out normal tiles",
        [SCORE_LOGIT] =
            "logit of a head that was trained with labels, in standard deviations of held-out normal tiles",
    };
    /* The logit of a model without labels is its NLL; the likelihood of scales has a name of its own. */
    gboolean no_head = spec->score == SCORE_LOGIT && !spec->loss.labels;
    ScoreKind kind = no_head ? SCORE_NLL : spec->score;
    gboolean likelihood = kind == SCORE_SCALES && spec->measure == MEASURE_LIKELIHOOD;
    return likelihood ? "negative log-likelihood of each scale in standard deviations of held-out normal "
                        "tiles, mean "
                        "of the scales"
                      : names[kind];
}
