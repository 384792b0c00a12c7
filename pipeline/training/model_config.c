/* From the configuration to the specification of a model, and the checks before a run. */
#include "pipeline/training/model_config.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/nearest.h"
#include <string.h>

/* The index of a name in names, which ends with NULL; 0 when it is not there. */
static int name_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++) {
        if (g_str_equal(names[i], name)) {
            return i;
        }
    }
    return 0;
}

FeatureCache model_config_feature_cache(const Config *config)
{
    const char *where = config->train_feature_cache;
    return g_str_equal(where, "memory") ? FEATURES_MEMORY
           : g_str_equal(where, "none") ? FEATURES_NONE
                                        : FEATURES_FILE;
}

static ThresholdSpec threshold_of(const Config *config)
{
    return (ThresholdSpec){
        .mode = (ThresholdMode)name_index(threshold_modes, config->threshold_mode),
        .draws = config->threshold_draws,
        .eps = config->threshold_eps,
        .beta = config->threshold_beta,
    };
}

static LossSpec loss_of(const Config *config)
{
    return (LossSpec){
        .normal = (NormalTerm)name_index(model_normal_names, config->loss_normal),
        .labels = config->loss_labels,
        .focal = config->loss_focal,
        .centre = config->loss_centre,
        .margin = config->loss_margin,
        .focal_alpha = config->loss_alpha,
        .focal_gamma = config->loss_gamma,
        .margin_form = (MarginForm)name_index(model_margin_names, config->loss_margin_form),
        .margin_width = config->loss_margin_width,
        .start = config->loss_start,
        .anomaly_fraction = config->loss_anomaly_fraction,
        .selection = (Selection)name_index(model_selection_names, config->loss_selection),
        .beta = config->loss_beta,
    };
}

/* The key that needs labelled anomalies; NULL = none. */
static const char *key_of_anomalies(const Config *config)
{
    ThresholdSpec threshold = threshold_of(config);
    return config->loss_labels                           ? "loss.labels"
           : !g_str_equal(config->loss_selection, "nll") ? "loss.selection"
           : threshold_needs_anomalies(&threshold)       ? "threshold.mode"
                                                         : NULL;
}

gboolean model_config_needs_anomalies(const Config *config)
{
    return key_of_anomalies(config) != NULL;
}

static gboolean check_anomalies(const Config *config, GError **error)
{
    const char *key = key_of_anomalies(config);
    if (!key || *config->patches_folder || !config->train_run) {
        return TRUE;
    }
    if (!config->dataset_train_anomalies) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s needs labelled anomalies, but dataset.train_anomalies is false", key);
        return FALSE;
    }
    if (g_str_equal(config->train_source, "slides")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s needs labelled anomalies, but with train.source: slides there are only normal tiles",
                    key);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_threshold(const Config *config, GError **error)
{
    ThresholdSpec spec = threshold_of(config);
    return check_anomalies(config, error) && threshold_check(&spec, error);
}

static const Kernels *find_kernels(const Config *config, GError **error)
{
    const Kernels *kernels = kernels_get(*config->model_kernels ? config->model_kernels : NULL);
    if (!kernels) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "model.kernels is \"%s\", which this build does not have; it has: %s",
                    config->model_kernels, kernels_names());
    }
    return kernels;
}

/* evaluate.score must be a column that scoring writes. */
static gboolean check_column(const Config *config, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (int i = 0; tile_score_column(i); i++) {
        g_ptr_array_add(names, (char *)tile_score_column(i));
    }
    g_ptr_array_add(names, NULL);
    const char *const *list = (const char *const *)names->pdata;
    if (g_strv_contains(list, config->evaluate_score)) {
        return TRUE;
    }
    g_autofree char *all = g_strjoinv(" ", (char **)names->pdata);
    g_autofree char *hint = nearest_hint(config->evaluate_score, list);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "evaluate.score is \"%s\": allowed are %s%s",
                config->evaluate_score, all, hint);
    return FALSE;
}

gboolean model_config_check(const Config *config, GError **error)
{
    if (config->augment_enabled && model_config_feature_cache(config) == FEATURES_FILE) {
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "train.feature_cache is %s, but with augment.enabled the tiles of each epoch differ, so no "
            "features can be kept in a file (use memory or none)",
            config->train_feature_cache);
        return FALSE;
    }
    gboolean folders = !*config->patches_folder && g_str_equal(config->dataset_format, "folder");
    if (g_str_equal(config->train_source, "shards") && folders && config->train_run) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "train.source is shards, but dataset.format is folder, so no shard is written");
        return FALSE;
    }
    return check_threshold(config, error) && check_column(config, error) && find_kernels(config, error);
}

static AugmentSpec augmentation(const Config *config)
{
    return (AugmentSpec){
        .hflip = config->augment_hflip,
        .vflip = config->augment_vflip,
        .rotate90 = config->augment_rotate90,
        .rotate = config->augment_rotate,
        .rotate_degrees = config->augment_rotate_degrees,
        .jitter = config->augment_jitter,
        .brightness = config->augment_brightness,
        .contrast = config->augment_contrast,
        .saturation = config->augment_saturation,
        .hue = config->augment_hue,
        .blur = config->augment_blur,
        .blur_sigma = config->augment_blur_sigma,
        .noise = config->augment_noise,
        .noise_sd = config->augment_noise_sd,
        .stain = config->augment_stain,
        .stain_sd = config->augment_stain_sd,
    };
}

/* The specification as far as it follows from the keys alone; strings are borrowed. */
static ModelSpec spec_of(const Config *config)
{
    ModelSpec spec;
    model_spec_default(&spec, NULL);
    spec.extractor.name = config->model_extractor;
    spec.extractor.weights = *config->model_weights ? config->model_weights : NULL;
    spec.extractor.pad = (PadMode)name_index(model_pad_names, config->model_pad);
    spec.tile_size = config->tiles_size;
    spec.flow.step = (StepKind)name_index(model_step_names, config->model_step);
    spec.flow.fpn = (FpnKind)name_index(model_fpn_names, config->model_fpn);
    spec.flow.normalise = (NormaliseKind)name_index(model_normalise_names, config->model_normalise);
    spec.flow.fpn_width = config->model_fpn_width;
    spec.flow.se = config->model_se;
    spec.flow.condition = config->model_condition;
    spec.flow.alpha = config->model_alpha;
    spec.flow.clamp_new = g_str_equal(config->model_clamp, "new");
    memcpy(spec.flow.blocks, config->model_blocks, sizeof spec.flow.blocks);
    spec.flow.seed = spec.seed = (uint64_t)config->run_seed;
    spec.measure = (MeasureKind)name_index(model_measure_names, config->model_measure);
    spec.loss = loss_of(config);
    spec.score = (ScoreKind)name_index(model_score_names, config->model_score);
    spec.epochs = config->train_epochs;
    spec.batch = config->train_batch;
    spec.batch_parts = config->train_batch_parts;
    spec.learning_rate = config->train_learning_rate;
    spec.warmup_epochs = config->train_warmup_epochs;
    spec.fpn_rate = config->train_fpn_rate;
    spec.fpn_epochs = config->train_fpn_epochs;
    spec.clip = config->train_clip > 0 ? config->train_clip : spec.clip;
    spec.patience = config->train_patience;
    spec.holdout = config->train_holdout;
    spec.half_features = g_str_equal(config->train_feature_cache, "fp16");
    spec.augmented = config->augment_enabled;
    spec.augment = augmentation(config);
    spec.threshold = threshold_of(config);
    return spec;
}

static gboolean check_extractor(const Config *config, GError **error)
{
    FileKind kind = FILE_REGULAR;
    if (extractor_needs_weights(config->model_extractor) &&
        !listing_kind(config->model_weights, &kind, error)) {
        return FALSE;
    }
    if (kind != FILE_REGULAR) {
        gboolean away =
            kind == FILE_ABSENT && *config->model_weights; /* retried like any other input that is absent */
        g_set_error(error, WSI_ERROR, away ? WSI_ERROR_ABSENT : WSI_ERROR_INPUT,
                    "model.extractor %s needs a file of weights (safetensors): model.weights is \"%s\"%s",
                    config->model_extractor, config->model_weights,
                    *config->model_weights ? ", but there is no such file" : "");
        return FALSE;
    }
    return TRUE;
}

gboolean model_config_check_training(const Config *config, GError **error)
{
    ModelSpec spec = spec_of(config);
    if (!config->train_run || *config->score_model) {
        return TRUE;
    }
    return model_spec_check(&spec, error) && check_extractor(config, error);
}

gboolean model_config_spec(const Config *config, ModelSpec *spec, GError **error)
{
    const Kernels *kernels = find_kernels(config, error);
    if (!kernels || !check_extractor(config, error)) {
        return FALSE;
    }
    *spec = spec_of(config);
    spec->extractor.name = g_strdup(config->model_extractor);
    spec->extractor.weights = g_strdup(spec->extractor.weights);
    spec->kernels = kernels->name;
    return TRUE;
}
