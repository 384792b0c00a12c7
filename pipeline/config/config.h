/* The configuration of a run: a plain struct, and a table that defines every key.
 *
 * Files are YAML with two levels, "section: {key: value}".  The table (config_keys.c) gives each key its type, range, default and comment; the
 * reader, `configs/default.yaml` and the canonical text that is hashed for each stage follow from it.  Unknown keys, keys given twice, wrong
 * types and values out of range are errors that name file and line and suggest the nearest name.  A key without a value, and a file without
 * content, mean the defaults. */
#pragma once
#include "pipeline/config/groups.h"

typedef struct {
    /* slides */
    char *slides_folder, *slides_pattern, *slides_manifest, *slides_annotations, *slides_group_field,
        *slides_unannotated;
    GPtrArray *slides_groups; /* GroupName*, in the file's order */
    double slides_mpp;
    gboolean slides_objective;
    /* patches */
    char *patches_folder, *patches_repeats;
    /* tissue */
    double tissue_mpp, tissue_min_area_um2, tissue_max_hole_um2;
    /* tiles */
    int tiles_size;
    double tiles_mpp, tiles_max_upsampling, tiles_overlap, tiles_min_tissue;
    char *tiles_edge, *tiles_filter, *tiles_stain, *tiles_stain_target;
    gboolean tiles_icc;
    /* dataset */
    gboolean dataset_write;
    char *dataset_rule, *dataset_format, *dataset_image, *dataset_split, *dataset_by, *dataset_drop_flags;
    int dataset_jpeg_quality, dataset_shard_mb, dataset_folds, dataset_fold, dataset_max_per_class;
    double dataset_lesion_min, dataset_valid_fraction, dataset_test_fraction;
    gboolean dataset_train_anomalies, dataset_masks, dataset_balance, dataset_clam;
    /* model */
    char *model_extractor, *model_weights, *model_pad, *model_step, *model_fpn, *model_normalise,
        *model_measure, *model_score, *model_clamp, *model_kernels;
    int model_fpn_width, model_condition;
    int model_blocks[3];
    gboolean model_se;
    double model_alpha;
    /* train */
    gboolean train_run;
    char *train_source;
    int train_epochs, train_batch, train_batch_parts, train_patience, train_max_tiles, train_fpn_epochs;
    double train_learning_rate, train_warmup_epochs, train_fpn_rate, train_clip, train_holdout;
    char *train_feature_cache;
    gboolean train_keep_features;
    /* augment */
    gboolean augment_enabled;
    double augment_hflip, augment_vflip, augment_rotate90, augment_rotate, augment_rotate_degrees;
    double augment_jitter, augment_brightness, augment_contrast, augment_saturation, augment_hue;
    double augment_blur, augment_blur_sigma, augment_noise, augment_noise_sd, augment_stain, augment_stain_sd;
    /* loss */
    gboolean loss_labels;
    char *loss_normal, *loss_margin_form, *loss_selection;
    double loss_focal, loss_centre, loss_margin, loss_alpha, loss_gamma, loss_margin_width;
    double loss_start, loss_anomaly_fraction, loss_beta;
    /* threshold */
    char *threshold_mode;
    int threshold_draws;
    double threshold_eps, threshold_beta;
    /* score */
    char *score_slides, *score_model;
    double score_overlap, score_min_tissue;
    /* heatmap */
    double heatmap_cell_um, heatmap_low, heatmap_high, heatmap_opacity;
    char *heatmap_colours;
    /* evaluate */
    char *evaluate_score, *evaluate_labels;
    /* run */
    int run_seed;
    char *run_name;

    char *path;        /* of the file; "" for the defaults */
    GHashTable *given; /* "section.key" of each key that the file gives a value */
} Config;

/* Relative paths in the file are relative to its folder; ~/ is the home folder; ${NAME} in a path or text is the environment variable NAME (an
 * error when it is not set); $${ stands for the characters ${. */
Config *config_read(const char *path, GError **error);
/* From text; messages name `path`, and relative paths are relative to its folder. */
Config *config_parse(const char *text, const char *path, GError **error);
Config *config_default(void);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* Whether the file gives the key; otherwise its value is the default. */
gboolean config_given(const Config *config, const char *section, const char *key);
/* Works on the patches of a folder.  Their um/px is unknown (tiles.mpp 0) unless the file gives tiles.mpp. */
void config_use_patches(Config *config, const char *folder);
/* Sets tiles.mpp to 0 unless the file gives it: its default is for slides, but patches have their own resolution. */
void config_forget_mpp(Config *config);

/* All keys with their values, as YAML that config_parse reads back to the same configuration; with comments, as in configs/default.yaml.
 * Without comments, keys about how tiles are made that were not given are commented out: as values they could contradict models and patch
 * sets.  Caller frees. */
char *config_text(const Config *config, gboolean comments);
/* SHA-256 of the keys that a stage reads; what: "section" or "section.key", separated by spaces. */
void config_hash(const Config *config, const char *what, char sha256[65]);
