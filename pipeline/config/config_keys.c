/* Every key of the configuration: name, type, default, range and meaning.
 *
 * The order is that of configs/default.yaml.  A new key is one line here and one member of Config. */
#include "pipeline/config/config_keys.h"
#include <stddef.h>

#define KEY(s, k, kind, normal, low, high, choices, comment, or_zero, step)                             \
    {                                                                                                   \
        .section = #s, .key = #k, kind, offsetof(Config, s##_##k), normal, low, high, choices, comment, \
        or_zero, step                                                                                   \
    }
#define INT(s, k, normal, low, high, comment) KEY(s, k, KEY_INT, normal, low, high, NULL, comment, FALSE, 0)
#define INT_OR_ZERO(s, k, normal, low, high, comment) \
    KEY(s, k, KEY_INT, normal, low, high, NULL, comment, TRUE, 0)
#define INT_STEP(s, k, normal, low, high, step, comment) \
    KEY(s, k, KEY_INT, normal, low, high, NULL, comment, FALSE, step)
#define INT3(s, k, normal, low, high, comment) KEY(s, k, KEY_INT3, normal, low, high, NULL, comment, FALSE, 0)
#define NUMBER(s, k, normal, low, high, comment) \
    KEY(s, k, KEY_NUMBER, normal, low, high, NULL, comment, FALSE, 0)
#define NUMBER_OR_ZERO(s, k, normal, low, high, comment) \
    KEY(s, k, KEY_NUMBER, normal, low, high, NULL, comment, TRUE, 0)
#define BOOL(s, k, normal, comment) KEY(s, k, KEY_BOOL, normal, 0, 0, NULL, comment, FALSE, 0)
#define TEXT(s, k, normal, comment) KEY(s, k, KEY_TEXT, normal, 0, 0, NULL, comment, FALSE, 0)
#define PATH(s, k, comment) KEY(s, k, KEY_PATH, "", 0, 0, NULL, comment, FALSE, 0)
#define CHOICE(s, k, normal, choices, comment) KEY(s, k, KEY_CHOICE, normal, 0, 0, choices, comment, FALSE, 0)
#define WORDS(s, k, normal, choices, comment) KEY(s, k, KEY_WORDS, normal, 0, 0, choices, comment, FALSE, 0)
#define GROUPS(s, k, comment) KEY(s, k, KEY_GROUPS, "", 0, 0, NULL, comment, FALSE, 0)

static const struct {
    const char *section, *comment;
} sections[] = {
    {"run", "The whole run."},
    {"slides", "The whole-slide images.  Leave folder and manifest empty to work on patches."},
    {"patches", "An existing patch set (train/good, test/good, test/Ungood...) instead of slides."},
    {"tissue", "Tissue detection."},
    {"tiles", "The grid of tiles and how they are cut."},
    {"dataset", "The patch set for training (MVTec layout)."},
    {"model", "Feature extractor and flows."},
    {"train", "Training on normal tiles."},
    {"augment", "Random changes of training tiles, different in each epoch."},
    {"loss", "The loss.  With labels, the model also learns from the anomalies of the training set."},
    {"threshold", "The score above which a tile counts as anomalous; chosen on tiles held out of training."},
    {"score", "Scoring of slides."},
    {"heatmap", "Heatmaps of slides."},
    {"regions", "Regions and detections in score maps."},
    {"embedding", "t-SNE and PCA of pooled latents."},
    {"evaluate", "Metrics and report."},
};

const ConfigKey config_keys[] = {
    TEXT(run, name, "wsiflow", "title of the report"),
    INT(run, seed, "1", 0, 2147483647,
        "seed of the splits, the initial weights and the order of training tiles"),

    PATH(slides, folder, "folder of the slides (subfolders are not searched)"),
    TEXT(slides, pattern, "*", "pattern of the file names, for example \"*.tif\""),
    PATH(slides, manifest,
         "CSV instead of, or in addition to, the folder: "
         "slide[,id,patient,centre,split,annotation,label,mpp,mpp_x,mpp_y]; paths are relative to the "
         "folder, or to the CSV when there is no folder"),
    PATH(
        slides, annotations,
        "folder of annotations, STEM.xml (.geojson, .geojson.gz, .json, .ndpa, .annotations; in a folder "
        "without slides also masks .png, .tif) for each slide with lesions; may be the folder of the slides"),
    GROUPS(
        slides, groups,
        "meaning of the annotation groups: {\"Layer 1\": lesion, \"Tumor: Negative\": not, Pen: hard, Doubt: "
        "unknown, Region: roi, \"*\": ignore}; \"*\" stands for all other groups; when a slide has a roi, "
        "only tissue in it "
        "counts; the groups of Camelyon16/17 and of the review page are built in"),
    CHOICE(slides, group_field, "auto", "auto class name text title",
           "the field of an outline that names its group; auto = the usual field of each format"),
    CHOICE(slides, unannotated, "auto", "auto normal unknown",
           "label of slides without annotation: normal, or unknown (scored, but neither trained on nor "
           "counted in the metrics); auto = normal if no annotations are given at all, otherwise unknown; "
           "the manifest's column label takes precedence"),
    NUMBER_OR_ZERO(
        slides, mpp, "0", 0.001, 1000,
        "um/px of level 0, overriding the files; 0 = as in the files; the manifest takes precedence"),
    BOOL(slides, objective, "false", "use 10 / nominal magnification as um/px when nothing else is known"),

    PATH(patches, folder, "folder in MVTec layout, or with tar shards train-*.tar"),
    CHOICE(patches, repeats, "error", "error count",
           "when an image of valid or test is also in train: error, or count and report it"),

    NUMBER(tissue, mpp, "8", 1, 64, "um/px of the tissue mask"),
    NUMBER(tissue, min_area_um2, "10000", 0, 1e12, "um2; smaller pieces of tissue are dropped"),
    NUMBER(tissue, max_hole_um2, "40000", 0, 1e12, "um2; smaller holes are filled"),
    PATH(tissue, outlines,
         "folder of edited tissue outlines STEM.geojson, used instead of the detected tissue where there is "
         "one"),

    INT_STEP(tiles, size, "256", 32, 2048, 32, "side of a tile, px"),
    NUMBER_OR_ZERO(
        tiles, mpp, "1.0", 0.05, 64,
        "um/px of the tiles; 0 = unknown, allowed only with patches.folder, where it is the default"),
    NUMBER(tiles, max_upsampling, "1.25", 1, 1000,
           "largest factor by which tiles may be finer than level 0 of a slide; a slide that needs more is "
           "refused"),
    NUMBER(tiles, overlap, "0", 0, 2047,
           "overlap of neighbouring tiles of the patch set: px, less than the size; below 1, a fraction of "
           "the size"),
    CHOICE(tiles, edge, "drop", "drop pad shift",
           "tiles that reach over the border of the slide: drop them, pad them, or shift them inside"),
    NUMBER(tiles, min_tissue, "0.5", 0, 1, "keep tiles with at least this fraction of tissue"),
    CHOICE(tiles, filter, "lanczos3", "lanczos3 area bilinear", "anti-aliasing filter"),
    BOOL(tiles, icc, "false", "apply the ICC profile in the slide's file, if there is one"),
    CHOICE(tiles, stain, "none", "none macenko reinhard", "normalise the stain of each slide to a target"),
    PATH(tiles, stain_target,
         "image, or stain.json of a slide; empty = the reference values of Macenko's program"),

    BOOL(dataset, write, "true",
         "write tiles to disk (required for training, unless train.source is slides)"),
    CHOICE(dataset, rule, "fraction", "any fraction centre",
           "a tile is Ungood when any of it is lesion, when at least the fraction lesion_min is lesion, or "
           "when its centre is lesion"),
    NUMBER(dataset, lesion_min, "0.1", 0, 1,
           "for rule: fraction; tiles with less lesion than this, but some, are left out"),
    CHOICE(dataset, split, "auto", "auto manifest random camelyon16 camelyon17",
           "auto = the manifest's split where given, otherwise at random; manifest = only the manifest's; "
           "random = all at random; camelyon16, camelyon17 = the official split, by the names of the slides, "
           "with the known exceptions"),
    CHOICE(dataset, by, "patient", "patient centre", "the unit whose slides are never in two splits"),
    INT_OR_ZERO(dataset, folds, "0", 2, 1000,
                "number of folds for cross-validation, instead of test_fraction; 0 = no folds"),
    INT(dataset, fold, "1", 1, 1000, "the fold used as the test split, at most folds"),
    NUMBER(dataset, valid_fraction, "0.1", 0, 0.9,
           "fraction of the patients in the valid split (dataset_valid/, or valid-NNNNNN.tar)"),
    NUMBER(dataset, test_fraction, "0.3", 0, 0.9, "fraction of the patients in the test split"),
    BOOL(dataset, train_anomalies, "false", "keep lesion tiles of training patients in train/Ungood"),
    WORDS(dataset, drop_flags, "", "blur pen dark blank saturation",
          "leave out tiles with any of these flags, separated by blanks"),
    BOOL(dataset, masks, "true", "write ground_truth masks of Ungood tiles"),
    BOOL(dataset, balance, "false", "in each split, keep equal numbers of tiles of both labels"),
    INT(dataset, max_per_class, "0", 0, 1000000000,
        "keep at most this many tiles per label and split, drawn at random by run.seed; 0 = all"),
    CHOICE(dataset, format, "folder", "folder shards", "one file per patch, or tar shards for WebDataset"),
    INT(dataset, shard_mb, "256", 1, 100000, "maximum size of a shard, MB"),
    BOOL(dataset, clam, "false",
         "also write the tile coordinates for CLAM and TRIDENT: clam/patches/STEM.h5, "
         "trident/patches/STEM_patches.h5"),
    CHOICE(dataset, image, "png", "png jpeg", "image format of the patches: png is lossless"),
    INT(dataset, jpeg_quality, "90", 1, 100, "for image: jpeg"),

    CHOICE(model, extractor, "scattering", "scattering resnet18 resnet50 wide_resnet50_2",
           "feature extractor"),
    PATH(model, weights, "safetensors file of the extractor's weights; scattering needs none"),
    CHOICE(model, pad, "reflect", "reflect zero", "padding of the extractor's convolutions"),
    CHOICE(model, step, "glow", "glow aio", "flow step: Glow, or RealNVP as in stock MSFlow"),
    CHOICE(model, fpn, "fixed", "fixed none orthogonal two-phase",
           "feature pyramid before the flows; fixed = fixed laterals; none = no pyramid; orthogonal = "
           "laterals trained with the flows, as isometries; two-phase = laterals trained before the flows, "
           "on labelled or synthetic anomalies"),
    CHOICE(model, normalise, "tile", "tile none",
           "tile = divide the standardised features of each tile by their root mean square; no effect with "
           "fpn: none"),
    INT_OR_ZERO(model, fpn_width, "0", 2, 1024,
                "channels of each pyramid level, at most as many as the extractor has; 0 = at most 128"),
    BOOL(model, se, "true", "squeeze-and-excitation in the coupling networks"),
    INT3(model, blocks, "[2, 5, 8]", 0, 64, "flow steps at strides 8, 16 and 32"),
    INT_STEP(model, condition, "64", 4, 256, 4, "channels of the positional encoding"),
    NUMBER(model, alpha, "1.9", 0.1, 10, "soft clamp of the log scales"),
    CHOICE(model, clamp, "old", "old new",
           "clamp of aio steps: old = alpha tanh(r), new = alpha tanh(r / alpha)"),
    CHOICE(model, measure, "likelihood", "likelihood energy",
           "basis of scores and maps: the likelihood, or only the latents (energy), as in MSFlow"),
    CHOICE(model, score, "scales", "scales nll logit",
           "the recommended score: mean of the scales, negative log-likelihood, or the logit of a model "
           "trained with labels"),
    TEXT(model, kernels, "",
         "kernels to compute with: empty = the fastest of this build; reference = plain C"),

    BOOL(train, run, "true", "train a model; false = use score.model"),
    CHOICE(train, source, "patches", "patches shards slides",
           "where training tiles come from: images of the patch set, its tar shards, or the slides, cut "
           "during training without writing patches"),
    INT(train, epochs, "30", 1, 10000, "maximum number of epochs"),
    INT(train, batch, "8", 1, 256, "tiles per step, a multiple of batch_parts"),
    INT(train, batch_parts, "2", 1, 64,
        "number of parts in which a batch is computed; results depend on it, but not on the number of "
        "threads"),
    NUMBER(train, learning_rate, "0.001", 1e-7, 1, "learning rate of Adam after the warm-up"),
    NUMBER(train, warmup_epochs, "1", 0, 1000, "epochs of linear warm-up"),
    NUMBER(train, fpn_rate, "0.01", 1e-9, 1e9,
           "learning rate of the laterals of an orthogonal or two-phase pyramid, as a multiple of "
           "learning_rate"),
    INT(train, fpn_epochs, "5", 1, 10000, "epochs of the first phase of a two-phase pyramid"),
    NUMBER(train, clip, "0", 0, 1e9, "maximum norm of the gradient; 0 = the model's default"),
    INT(train, patience, "5", 0, 10000,
        "stop after this many epochs without a better held-out likelihood; 0 = never"),
    NUMBER(train, holdout, "0.15", 0.001, 0.5,
           "fraction of the tiles held out for early stopping and calibration: whole patients if there are "
           "several, otherwise whole slides or blocks of a slide"),
    INT(train, max_tiles, "0", 0, 100000000,
        "maximum number of normal tiles, drawn evenly over the slides and their tissue; 0 = all"),
    CHOICE(train, feature_cache, "memory", "memory none fp32 fp16",
           "where features are kept between epochs: in memory (up to 2 GiB), nowhere, or in a file as fp32 "
           "or fp16"),
    BOOL(train, keep_features, "false", "keep the file of the feature cache after training"),

    BOOL(augment, enabled, "false",
         "augment the training tiles; held-out and scored tiles are never augmented"),
    NUMBER(augment, hflip, "0.5", 0, 1, "probability of a horizontal flip"),
    NUMBER(augment, vflip, "0", 0, 1, "probability of a vertical flip"),
    NUMBER(augment, rotate90, "0", 0, 1, "probability of a rotation by 90, 180 or 270 degrees"),
    NUMBER(augment, rotate, "0.5", 0, 1,
           "probability of a small rotation; the outside is filled by reflection"),
    NUMBER(augment, rotate_degrees, "15", 0, 180, "maximum small rotation, degrees, in either direction"),
    NUMBER(augment, jitter, "0.8", 0, 1, "probability of colour jitter: the next four, in random order"),
    NUMBER(augment, brightness, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, contrast, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, saturation, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, hue, "0.02", 0, 0.5, "fraction of a full turn of the hue, in either direction"),
    NUMBER(augment, blur, "0.2", 0, 1, "probability of a Gaussian blur"),
    NUMBER(augment, blur_sigma, "1", 0.1, 10, "maximum sigma, px (5 x 5 weights); the minimum is 0.1"),
    NUMBER(augment, noise, "0.2", 0, 1, "probability of Gaussian noise"),
    NUMBER(augment, noise_sd, "0.02", 0, 1, "maximum standard deviation; white is 1"),
    NUMBER(augment, stain, "0", 0, 1, "probability of changing the amounts of haematoxylin and eosin"),
    NUMBER(augment, stain_sd, "0.03", 0, 1, "standard deviation of the factors of these amounts"),

    BOOL(loss, labels, "false", "also learn from labelled anomalies (train/Ungood)"),
    CHOICE(loss, normal, "nll", "nll log-sigmoid",
           "loss of normal tiles; log-sigmoid gives easy tiles less weight"),
    NUMBER(loss, focal, "1", 0, 1e6, "weight of the focal loss of a logit"),
    NUMBER(loss, centre, "0.01", 0, 1e6,
           "weight of the distance of embeddings from the centre of their class"),
    NUMBER(loss, margin, "0.1", 0, 1e6, "weight of the margin between the likelihoods of both classes"),
    NUMBER(loss, alpha, "0.25", 0, 1, "focal loss: weight of anomalies; higher favours recall"),
    NUMBER(loss, gamma, "2", 0, 20, "focal loss: exponent that gives easy tiles less weight"),
    CHOICE(loss, margin_form, "hinge", "hinge log-sigmoid",
           "form of the margin: two-sided, or smooth and for anomalies only"),
    NUMBER(loss, margin_width, "3", 0, 1000, "width of the margin, in standard deviations of normal tiles"),
    NUMBER(loss, start, "0.2", 0, 1, "fraction of the epochs after which anomalies are used"),
    NUMBER(loss, anomaly_fraction, "0.125", 0.01, 0.9,
           "minimum fraction of anomalies in a batch from then on; hard normals (slides.groups), if there "
           "are any, get the same extra"),
    CHOICE(loss, selection, "nll", "nll f-beta auroc ap",
           "what selects the epoch to keep: nll = the likelihood of held-out normal tiles; the others also "
           "use held-out anomalies"),
    NUMBER(loss, beta, "1", 0.01, 100, "for selection: f-beta; weight of recall relative to precision"),

    CHOICE(threshold, mode, "normal-quantile", "normal-quantile f-beta robust",
           "normal-quantile = a quantile of normal tiles; f-beta = the best F_beta with labelled anomalies; "
           "robust = the same for the worst of the draws"),
    INT_OR_ZERO(threshold, draws, "0", 8, 256,
                "augmented copies of each held-out tile; 0 = the unchanged tiles"),
    NUMBER(threshold, eps, "0.05", 1e-6, 0.999999,
           "for normal-quantile: fraction of normal tiles above the threshold"),
    NUMBER(threshold, beta, "1", 0.01, 100, "for f-beta and robust: weight of recall relative to precision"),

    CHOICE(score, slides, "auto", "auto test all none",
           "slides to score; test = the test split and unknown slides; auto = the same, but all slides if "
           "none is annotated or none is in the test split; training slides have separate metrics"),
    PATH(score, model, "model bundle to score with, instead of training a model"),
    NUMBER(score, overlap, "0.5", 0, 0.9, "overlap of neighbouring tiles, as a fraction of their size"),
    NUMBER(score, min_tissue, "0.25", 0, 1, "score tiles with at least this fraction of tissue"),
    INT(score, latents, "2000", 0, 100000,
        "tiles of a slide, or images of a patch set, whose pooled latents are kept, evenly by label; the "
        "embedding is chosen among them"),

    NUMBER_OR_ZERO(heatmap, cell_um, "0", 0.05, 10000,
                   "um per pixel of the heatmap; 0 = the resolution of the anomaly maps"),
    CHOICE(heatmap, colours, "viridis", "viridis inferno turbo", "colour map"),
    TEXT(heatmap, low, "auto",
         "value of the first colour (standard deviations of normal tiles); auto = 0, the mean of normal "
         "tiles"),
    TEXT(heatmap, high, "auto",
         "value of the last colour, above low; auto = 3 times the threshold, the same for all slides"),
    NUMBER(heatmap, opacity, "0.6", 0, 1, "opacity of the colours over the slide"),
    BOOL(heatmap, overlay, "true", "write overlay.tif, the slide with its map on it"),
    NUMBER_OR_ZERO(
        heatmap, overlay_mpp, "2", 0.05, 64,
        "um/px of overlay.tif: the nearest that a level of the slide, or one halved, has; 0 = level 0"),
    INT(heatmap, overlay_quality, "85", 1, 100, "JPEG quality of overlay.tif"),

    TEXT(regions, threshold, "",
         "score from which on a cell belongs to a region; empty = the model's threshold"),
    NUMBER(regions, min_area_um2, "0", 0, 1e12, "um2; smaller regions are left out of all files and counted"),
    CHOICE(regions, frame, "qupath", "qupath level0",
           "coordinates of GeoJSON files, also of tissue outlines: QuPath's, which begin at the slide's "
           "bounds, or those of level 0"),
    NUMBER(regions, radius_um, "200", 0, 100000,
           "of detections.csv: a maximum of the map this near to a higher one is left out"),
    BOOL(regions, tiles, "false", "also write tiles.geojson.gz: every scored tile with all scores"),

    INT_OR_ZERO(
        embedding, points, "2000", 10, 5000,
        "tiles in the t-SNE and PCA of pooled latents: evenly by label, then by centre, then by slide, "
        "of those that score.latents kept; 0 = none"),
    NUMBER(embedding, perplexity, "30", 2, 500,
           "of the t-SNE: about how many neighbours a tile has; at most a third of the tiles"),

    TEXT(evaluate, score, "score", "column of the scores to evaluate"),
    INT(evaluate, worst, "12", 0, 100,
        "pictures in the report of the test split's normal tiles with the highest scores, and as many of "
        "lesion tiles with the lowest"),
    INT(evaluate, worst_per_slide, "3", 1, 100,
        "at most this many of them of one slide, or an equal share when there are few slides"),
    PATH(evaluate, labels,
         "CSV with the columns file and near_blank (0 or 1) of patches, for additional metrics without "
         "near-blank patches"),
    PATH(evaluate, stages,
         "CSV with the columns patient and stage, as Camelyon17 has it: the true classes of slides "
         "(PATIENT_node_N.tif) and stages of patients (PATIENT.zip) that those by the regions are compared "
         "with"),

    {NULL, NULL, KEY_INT, 0, NULL, 0, 0, NULL, NULL, FALSE, 0},
};

static const char *multiple(const ConfigKey *key, char *text, gulong size)
{
    g_snprintf(text, size, ", a multiple of %d", key->step);
    return key->step ? text : "";
}

char *config_range(const ConfigKey *key)
{
    char steps[40];
    switch (key->kind) {
    case KEY_INT:
    case KEY_INT3:
    case KEY_NUMBER:
        return g_strdup_printf("%s%.10g to %.10g%s", key->or_zero ? "0, or " : "", key->low, key->high,
                               multiple(key, steps, sizeof steps));
    case KEY_CHOICE:
    case KEY_WORDS:
        return g_strdup(key->choices);
    default:
        return NULL;
    }
}

const char *config_section_comment(const char *section)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (g_str_equal(sections[i].section, section)) {
            return sections[i].comment;
        }
    }
    return NULL;
}

void *config_member(const Config *config, const ConfigKey *key)
{
    return (char *)config + key->offset;
}
