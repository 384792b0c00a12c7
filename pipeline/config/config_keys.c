/* Every key of the configuration, once: name, type, default, range and what it means.
 *
 * The order is the order of configs/default.yaml.  A new key is one line here and one member of Config. */
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
    {"run", "The run as a whole."},
    {"slides", "Whole-slide images to work on.  Leave folder and manifest empty to work on patches."},
    {"patches", "A ready patch set (train/good, test/good, test/Ungood...) instead of slides."},
    {"tissue", "Where the tissue is."},
    {"tiles", "The grid of tiles and how they are cut."},
    {"dataset", "The patch set that is written for training (MVTec layout)."},
    {"model", "Feature extractor and flows."},
    {"train", "Training on normal tiles."},
    {"augment", "Random changes of training tiles, other ones in each epoch."},
    {"loss", "What training makes small.  With labels, anomalies of the training set teach the model too."},
    {"threshold",
     "From which score on a tile is called anomalous; chosen on tiles held out of the training."},
    {"score", "Scoring of slides."},
    {"heatmap", "Heatmaps of slides."},
    {"evaluate", "Figures and report."},
};

const ConfigKey config_keys[] = {
    TEXT(run, name, "wsiflow", "title of the report"),
    INT(run, seed, "1", 0, 2147483647, "of splits, initial weights and the order of training tiles"),

    PATH(slides, folder, "folder of slides (not searched below)"),
    TEXT(slides, pattern, "*", "which files of the folder, for example \"*.tif\""),
    PATH(slides, manifest,
         "CSV instead of or beside the folder: "
         "slide[,id,patient,centre,split,annotation,label,mpp,mpp_x,mpp_y]; "
         "paths relative to it"),
    PATH(slides, annotations,
         "folder with an annotation STEM.xml (.geojson, .geojson.gz, .json, .ndpa, .annotations; in "
         "a folder without slides also masks .png, .tif) for slides "
         "that have "
         "lesions; may be "
         "the slides' own"),
    GROUPS(slides, groups,
           "what annotation groups mean: {\"Layer 1\": lesion, \"Tumor: Negative\": not, Region: roi, \"*\": "
           "ignore}; "
           "\"*\" is every group "
           "that nothing else names; only tissue in a slide's roi counts; Camelyon16/17 groups are known"),
    CHOICE(slides, group_field, "auto", "auto class name text title",
           "which field of an outline is its group; auto = what each program's format has for it"),
    CHOICE(slides, unannotated, "auto", "auto normal unknown",
           "slides without annotation: normal, or unknown (neither trained on nor counted, but scored); auto "
           "= normal "
           "where no annotations are given at all, else unknown; the manifest's column label wins"),
    NUMBER_OR_ZERO(slides, mpp, "0", 0.001, 1000,
                   "um/px of level 0, instead of what the files say; 0 = what they say (the manifest wins)"),
    BOOL(slides, objective, "false",
         "allow 10 / nominal magnification as the mpp when nothing else is known"),

    PATH(patches, folder, "folder in MVTec layout, or of tar shards train-*.tar"),
    CHOICE(patches, repeats, "error", "error count",
           "an image of valid or test that is trained on as well: an error, or counted and reported"),

    NUMBER(tissue, mpp, "8", 1, 64, "um/px of the mask"),
    NUMBER(tissue, min_area_um2, "10000", 0, 1e12, "smaller pieces are dropped"),
    NUMBER(tissue, max_hole_um2, "40000", 0, 1e12, "smaller holes are filled"),

    INT_STEP(tiles, size, "256", 32, 2048, 32, "px"),
    NUMBER_OR_ZERO(tiles, mpp, "1.0", 0.05, 64,
                   "um/px; 0 = unknown, only with patches.folder, where it is the default"),
    NUMBER(tiles, max_upsampling, "1.25", 1, 1000,
           "tiles may be this many times finer than a slide's level 0; a slide that needs more is refused"),
    NUMBER(tiles, overlap, "0", 0, 2047,
           "between neighbours of the patch set: px, less than the size; or below 1 a fraction of the size"),
    CHOICE(tiles, edge, "drop", "drop pad shift",
           "tiles that do not fit: drop them, pad them, or shift them inside"),
    NUMBER(tiles, min_tissue, "0.5", 0, 1, "keep tiles with at least this fraction of tissue"),
    CHOICE(tiles, filter, "lanczos3", "lanczos3 area bilinear", "anti-aliasing filter"),
    BOOL(tiles, icc, "false", "change colours by the ICC profile in the slide's file, where it has one"),
    CHOICE(tiles, stain, "none", "none macenko reinhard", "normalise the stain of each slide to a target"),
    PATH(tiles, stain_target,
         "an image, or the stain.json of a slide; empty = the reference of Macenko's program"),

    BOOL(dataset, write, "true", "cut tiles to disk (training needs it unless train.source is slides)"),
    CHOICE(dataset, rule, "fraction", "any fraction centre",
           "a tile is Ungood when it has any lesion, at least lesion_min of it, or lesion in its centre"),
    NUMBER(dataset, lesion_min, "0.1", 0, 1,
           "for rule fraction; tiles with less, but some, lesion are left out"),
    CHOICE(dataset, split, "auto", "auto manifest random camelyon16 camelyon17",
           "the manifest's split where it gives one, else dealt; only the manifest's; all dealt; or the "
           "official one, by the slides' names and with its known exceptions"),
    CHOICE(dataset, by, "patient", "patient centre", "whose slides are never on two sides"),
    INT_OR_ZERO(dataset, folds, "0", 2, 1000,
                "deal into this many folds instead of by test_fraction; 0 = no folds"),
    INT(dataset, fold, "1", 1, 1000, "the fold that tests, at most folds"),
    NUMBER(dataset, valid_fraction, "0.1", 0, 0.9,
           "fraction of the patients that go to the split valid (dataset_valid/, or valid-NNNNNN.tar)"),
    NUMBER(dataset, test_fraction, "0.3", 0, 0.9, "fraction of the patients that go to the split test"),
    BOOL(dataset, train_anomalies, "false", "keep lesion tiles of training patients in train/Ungood"),
    WORDS(dataset, drop_flags, "", "blur pen dark blank saturation",
          "leave out tiles with one of these flags, separated by blanks"),
    BOOL(dataset, masks, "true", "write ground_truth masks of Ungood tiles"),
    BOOL(dataset, balance, "false", "in each split keep as many tiles of each label as of the rarer one"),
    INT(dataset, max_per_class, "0", 0, 1000000000,
        "keep at most so many tiles of a label in a split, drawn by run.seed; 0 = all"),
    CHOICE(dataset, format, "folder", "folder shards", "a file a patch, or tar shards for WebDataset"),
    INT(dataset, shard_mb, "256", 1, 100000, "largest size of a shard, MB"),
    BOOL(dataset, clam, "false",
         "also write the places of tiles as CLAM and TRIDENT read them: clam/patches/STEM.h5, "
         "trident/patches/STEM_patches.h5"),
    CHOICE(dataset, image, "png", "png jpeg", "lossless or not"),
    INT(dataset, jpeg_quality, "90", 1, 100, "for image jpeg"),

    CHOICE(model, extractor, "scattering", "scattering resnet18 resnet50 wide_resnet50_2",
           "what makes features of tiles"),
    PATH(model, weights, "safetensors file of the extractor; none for scattering"),
    CHOICE(model, pad, "reflect", "reflect zero", "border of the extractor's convolutions"),
    CHOICE(model, step, "glow", "glow aio", "flow step: Glow, or RealNVP as in stock MSFlow"),
    CHOICE(model, fpn, "fixed", "fixed none orthogonal two-phase",
           "feature pyramid before the flows; its laterals are fixed, trained with the flows as isometries, "
           "or trained before them on labelled or synthetic anomalies"),
    CHOICE(model, normalise, "tile", "tile none",
           "divide the standardised features of each tile by their root mean square; nothing with fpn none"),
    INT_OR_ZERO(model, fpn_width, "0", 2, 1024,
                "channels of each pyramid level, at most those of the extractor; 0 = at most 128"),
    BOOL(model, se, "true", "squeeze-and-excitation in the coupling networks"),
    INT3(model, blocks, "[2, 5, 8]", 0, 64, "flow steps at strides 8, 16 and 32"),
    INT_STEP(model, condition, "64", 4, 256, 4, "channels of the positional code"),
    NUMBER(model, alpha, "1.9", 0.1, 10, "soft clamp of the log scales"),
    CHOICE(model, clamp, "old", "old new", "of aio steps: alpha tanh(r) or alpha tanh(r / alpha)"),
    CHOICE(model, measure, "likelihood", "likelihood energy",
           "what scores and maps are made of: the likelihood, or the latents alone as in MSFlow"),
    CHOICE(model, score, "scales", "scales nll logit",
           "the recommended score: mean of the scales, likelihood, or the logit of a model with labels"),
    TEXT(model, kernels, "", "empty = the fastest of this build; reference = plain C"),

    BOOL(train, run, "true", "train a model (false: score.model is used)"),
    CHOICE(train, source, "patches", "patches shards slides",
           "images of the patch set; its tar shards; or tiles cut from the slides while training, with no "
           "patch written"),
    INT(train, epochs, "30", 1, 10000, "at most"),
    INT(train, batch, "8", 1, 256, "tiles per step, a multiple of shards"),
    INT(train, shards, "2", 1, 64,
        "parts in which a batch is computed; results depend on it, not on the threads"),
    NUMBER(train, learning_rate, "0.001", 1e-7, 1, "of Adam, after the warm-up"),
    NUMBER(train, warmup_epochs, "1", 0, 1000, "linear warm-up"),
    NUMBER(train, fpn_rate, "0.01", 1e-9, 1e9,
           "of the laterals of an orthogonal or two-phase pyramid, as a fraction of learning_rate"),
    INT(train, fpn_epochs, "5", 1, 10000, "of the first phase of a two-phase pyramid"),
    NUMBER(train, clip, "0", 0, 1e9, "largest norm of the gradient; 0 = the model's default"),
    INT(train, patience, "5", 0, 10000,
        "stop after so many epochs without better hold-out likelihood; 0 = never"),
    NUMBER(train, holdout, "0.15", 0.001, 0.5,
           "fraction of the tiles kept for early stopping and calibration: whole patients, else slides or "
           "blocks of one"),
    INT(train, max_tiles, "0", 0, 100000000,
        "use at most this many normal tiles, drawn evenly over slides and their tissue; 0 = all"),
    CHOICE(train, feature_cache, "memory", "memory none fp32 fp16",
           "where features stay between epochs: memory (2 GiB), nowhere, or a file, rounded for fp16"),
    BOOL(train, keep_features, "false", "keep that file when the model is done"),

    BOOL(augment, enabled, "false", "augment the training tiles; held-out and scored tiles never are"),
    NUMBER(augment, hflip, "0.5", 0, 1, "probability of mirroring left and right"),
    NUMBER(augment, vflip, "0", 0, 1, "of mirroring top and bottom"),
    NUMBER(augment, rotate90, "0", 0, 1, "of one to three quarter turns"),
    NUMBER(augment, rotate, "0.5", 0, 1, "of a small turn; what lies outside is mirrored"),
    NUMBER(augment, rotate_degrees, "15", 0, 180, "degrees of a small turn, either way"),
    NUMBER(augment, jitter, "0.8", 0, 1, "probability of the next four, in random order"),
    NUMBER(augment, brightness, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, contrast, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, saturation, "0.1", 0, 1, "factor 1 - x to 1 + x"),
    NUMBER(augment, hue, "0.02", 0, 0.5, "fraction of a turn, either way"),
    NUMBER(augment, blur, "0.2", 0, 1, "probability of a Gaussian blur"),
    NUMBER(augment, blur_sigma, "1", 0.1, 10, "px, largest sigma (of 5 x 5 weights); the smallest is 0.1"),
    NUMBER(augment, noise, "0.2", 0, 1, "probability of Gaussian noise"),
    NUMBER(augment, noise_sd, "0.02", 0, 1, "largest standard deviation; white is 1"),
    NUMBER(augment, stain, "0", 0, 1, "probability of other amounts of haematoxylin and eosin"),
    NUMBER(augment, stain_sd, "0.03", 0, 1, "standard deviation of the amounts' factors"),

    BOOL(loss, labels, "false", "learn from labelled anomalies (train/Ungood), not from normal tiles alone"),
    CHOICE(loss, normal, "nll", "nll log-sigmoid", "of normal tiles: log-sigmoid weighs down easy ones"),
    NUMBER(loss, focal, "1", 0, 1e6, "weight of the focal loss of a logit"),
    NUMBER(loss, centre, "0.01", 0, 1e6, "weight of the distance of embeddings from their class's centre"),
    NUMBER(loss, margin, "0.1", 0, 1e6, "weight of the margin between the likelihoods of both classes"),
    NUMBER(loss, alpha, "0.25", 0, 1, "of the focal loss: weight of anomalies; higher for recall"),
    NUMBER(loss, gamma, "2", 0, 20, "of the focal loss: how much easy tiles are weighed down"),
    CHOICE(loss, margin_form, "hinge", "hinge log-sigmoid", "two-sided, or smooth and on anomalies alone"),
    NUMBER(loss, margin_width, "3", 0, 1000, "standard deviations of normal tiles"),
    NUMBER(loss, start, "0.2", 0, 1, "fraction of the epochs before anomalies count"),
    NUMBER(loss, anomaly_fraction, "0.125", 0.01, 0.9, "least fraction of anomalies in a batch, then"),
    CHOICE(loss, selection, "nll", "nll f-beta auroc ap",
           "the epoch that is kept: by held-out normals' likelihood, or with held-out anomalies"),
    NUMBER(loss, beta, "1", 0.01, 100, "of f-beta: how many times as much recall counts as precision"),

    CHOICE(threshold, mode, "normal-quantile", "normal-quantile f-beta robust",
           "a quantile of normals, or with labelled anomalies the best F_beta, of all draws or the worst"),
    INT_OR_ZERO(threshold, draws, "0", 8, 256,
                "copies of each held-out tile, augmented as above; 0 = the tiles as they are"),
    NUMBER(threshold, eps, "0.05", 1e-6, 0.999999, "for normal-quantile: fraction of the normals above it"),
    NUMBER(threshold, beta, "1", 0.01, 100, "for F_beta: how many times as much recall counts as precision"),

    CHOICE(score, slides, "auto", "auto test all none",
           "which slides are scored; test = those of the test split and unknown ones; auto = the same, but "
           "all where no "
           "slide is annotated or none is in the test split; figures of training slides are apart"),
    PATH(score, model, "a model bundle to score with instead of training one"),
    NUMBER(score, overlap, "0.5", 0, 0.9, "of neighbouring tiles, as a fraction of their size"),
    NUMBER(score, min_tissue, "0.25", 0, 1, "score tiles with at least this fraction of tissue"),

    NUMBER_OR_ZERO(heatmap, cell_um, "0", 0.05, 10000,
                   "um per pixel; 0 = the resolution of the anomaly maps"),
    CHOICE(heatmap, colours, "turbo", "turbo viridis inferno", "colour map"),
    NUMBER(heatmap, low, "0", -1e6, 1e6, "value of the first colour (standard deviations of normal tiles)"),
    NUMBER(heatmap, high, "8", -1e6, 1e6,
           "value of the last colour, above low; fixed, so that slides compare"),
    NUMBER(heatmap, opacity, "0.6", 0, 1, "of the colours over the slide"),

    TEXT(evaluate, score, "score", "column of the scores that is evaluated"),
    PATH(evaluate, labels,
         "CSV with file and near_blank (0 or 1) of patches, to report also without near-blank ones"),

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
