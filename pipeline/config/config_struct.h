/* The values of all configuration keys, by section.  config.h reads and frees them. */
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
    char *tissue_outlines;
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
    int score_latents;
    /* heatmap */
    double heatmap_cell_um, heatmap_opacity, heatmap_overlay_mpp;
    gboolean heatmap_overlay;
    int heatmap_overlay_quality;
    char *heatmap_colours, *heatmap_low, *heatmap_high; /* low, high: a number or "auto" */
    /* regions */
    char *regions_threshold, *regions_frame;
    double regions_min_area_um2, regions_radius_um;
    gboolean regions_tiles;
    /* evaluate */
    int embedding_points;
    double embedding_perplexity;

    char *evaluate_score, *evaluate_labels, *evaluate_stages;
    int evaluate_worst, evaluate_worst_per_slide;
    /* run */
    int run_seed;
    char *run_name;

    char *path;        /* of the file; "" for the defaults */
    GHashTable *given; /* "section.key" of each key that the file gives a value */
} Config;
