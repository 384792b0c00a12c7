/* Patch sets in the MVTec layout: train/good, test/{good,Ungood}, ground_truth/Ungood/NAME_mask.png (and train/Ungood when training uses
 * labelled anomalies), or the same patches in tar shards (shard.h); with a manifest.
 *
 * Loaders for MVTec treat every image below the folder as a sample and every image in ground_truth as the mask of a test image,
 * and refuse anomalies of other splits.  So all other images are in folders next to it, which the manifest calls "../dataset_WHAT/...":
 * dataset_valid/{good,Ungood}, and masks of other splits in dataset_SPLIT/ground_truth/Ungood. */
#pragma once
#include "base/image.h"
#include <jansson.h>

typedef struct {
    char *file; /* relative to the patch set, with '/'; in a shard "SHARD.tar/KEY.EXTENSION" */
    char *slide, *patient;
    char *slide_file; /* name of the slide's file, without folder; NULL or "" = unknown */
    int64_t x, y;     /* top-left corner, level-0 px, rounded */
    int level;        /* of the slide that the pixels came from */
    double mpp;
    double tissue_fraction, lesion_fraction, readable_fraction;
    char *label;    /* "good" or "Ungood" */
    char *split;    /* "train", "valid", "test" */
    unsigned flags; /* QualityFlag (quality.h) */
    gboolean hard;  /* a person says that it is normal although it looks like lesion */
    double side;    /* of the tile, level-0 px, rounded; 0 = unknown */
    int fold;       /* 1 .. number of folds; 0 = there are none */
    char sha256[65];
    char pixels[17]; /* hash of everything that decides the bytes of the image; "" = unknown */
} Patch;
void patch_clear(Patch *patch);
/* The patient of the patch; its slide when the patient is unknown.  Borrowed. */
const char *patch_patient(const Patch *patch);
/* Clears and frees a Patch from g_new; for arrays. */
void patch_free(Patch *patch);

/* Name of a tile without extension and dots: SLIDE_NNNNNN.  number: index of the tile in the grid of its slide, padded with zeros.  Characters
 * of the slide's name other than letters, digits, '_' and '-' become '_', and a name that changes gets a hash of the original.
 * Caller frees. */
char *patchset_key(const char *slide, int number);
/* SPLIT/LABEL/SLIDE_NNNNNN.EXTENSION; for the split valid ../dataset_valid/LABEL/...  The slide's name keeps its dots.  Caller frees. */
char *patchset_name(const char *split, const char *label, const char *slide, int number,
                    const char *extension);
/* The number in such a name, with or without extension; -1 when there is none. */
int patchset_number(const char *file);
/* ground_truth/Ungood/NAME_mask.png of a patch, below ../dataset_SPLIT where that is not test. Caller frees. */
char *patchset_mask_name(const Patch *patch);
/* The name of a file that is left out of the patch set: ../dataset_unused/...  Caller frees. */
char *patchset_unused_name(const char *file);
/* Whether a name consists of safe parts below the patch set or below a folder ../dataset_WHAT next to it.  No other name may be opened. */
gboolean patchset_is_inside(const char *file);
/* The path of such a name, without "..", so that a file has one path only.  Caller frees. */
char *patchset_path(const char *root, const char *file);

/* Appends the image as PNG (quality 0: lossless) or JPEG (1 .. 100). */
gboolean patchset_encode(const Image *rgb, int quality, GByteArray *out, GError **error);
/* Appends a mask as grey PNG of 0 and 255. */
gboolean patchset_encode_mask(const Image *mask, GByteArray *out, GError **error);
/* Whether ROOT/file holds these bytes. */
gboolean patchset_holds(const char *root, const char *file, const GByteArray *bytes);
/* Writes these bytes to ROOT/file, unless it holds them already. */
gboolean patchset_put(const char *root, const char *file, const GByteArray *bytes, GError **error);

/* The facts of a patch as one JSON object, the .json of its sample.  x, y: exact position; size: px.  Caller frees. */
char *patchset_facts(const Patch *patch, double x, double y, int size);
/* FALSE with WSI_ERROR_INPUT that names `name` when such facts have a former name (base/former_names.h), so they are of an earlier version. */
gboolean patchset_facts_check_names(const json_t *facts, const char *name, GError **error);
/* The patch of such facts; its file is "".  FALSE with WSI_ERROR_INPUT that names `name` when something required is missing or has its former
 * name. */
gboolean patchset_facts_parse(const json_t *facts, const char *name, Patch *patch, GError **error);

/* Writes and publishes the manifest: one line per patch, in the given order. */
gboolean patchset_write_manifest(const char *path, const GPtrArray *patches, char sha256[65], GError **error);
/* Reads a manifest: array of Patch*, owned by the caller.  The columns fold, pixels, flags, side, slide_file and hard may be missing. */
GPtrArray *patchset_read_manifest(const char *path, GError **error);
