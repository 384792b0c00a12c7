/* Patch sets in the MVTec layout: train/good, test/{good,Ungood}, ground_truth/Ungood/NAME_mask.png (and train/Ungood when labelled
 * anomalies are wanted), or the same patches in tar shards (shards.h); with a manifest.
 *
 * Loaders in the manner of MVTec take every image below the folder for a sample, every one in ground_truth for the mask of a test image,
 * and refuse anomalies of other splits.  So the rest lies beside the folder and is named "../dataset_WHAT/..." in the manifest:
 * dataset_valid/{good,Ungood}, and masks of other splits in dataset_SPLIT/ground_truth/Ungood. */
#pragma once
#include "base/image.h"
#include <jansson.h>

typedef struct {
    char *file; /* relative to the patch set, '/' separated; in a shard "SHARD.tar/KEY.EXTENSION" */
    char *slide, *patient;
    char *slide_file; /* name of the slide's file, without folder; NULL or "" = unknown */
    int64_t x, y;     /* level-0 px, rounded top-left */
    int level;        /* of the slide the pixels came from */
    double mpp;
    double tissue_fraction, lesion_fraction, readable_fraction;
    char *label;    /* "good" or "Ungood" */
    char *split;    /* "train", "valid", "test" */
    unsigned flags; /* QualityFlag (quality.h) */
    double side;    /* of the tile, level-0 px, rounded to whole ones; 0 = unknown */
    int fold;       /* 1 .. number of folds; 0 = there are none */
    char sha256[65];
    char pixels[17]; /* what decides the bytes of the image, as a hash; "" = unknown */
} Patch;
void patch_clear(Patch *patch);
/* Whom the patch is of, as far as is known: the patient, or else the slide. */
const char *patch_patient(const Patch *patch);
/* Clears and frees a Patch of g_new; for arrays. */
void patch_free(Patch *patch);

/* Name of a tile without extension and without dots: SLIDE_NNNNNN.  number: zero-padded index of the tile in its slide's grid.  What is
 * not a letter, digit, '_' or '-' in the slide's name becomes '_', and a name changed so gets a hash of the original.
 * Caller frees. */
char *patchset_key(const char *slide, int number);
/* SPLIT/LABEL/SLIDE_NNNNNN.EXTENSION, of the split valid ../dataset_valid/LABEL/...; here a slide's name may have dots. Caller frees. */
char *patchset_name(const char *split, const char *label, const char *slide, int number,
                    const char *extension);
/* The number in such a name, with or without extension; -1 when there is none. */
int patchset_number(const char *file);
/* ground_truth/Ungood/NAME_mask.png of a patch, below ../dataset_SPLIT where that is not test. Caller frees. */
char *patchset_mask_name(const Patch *patch);
/* The same kept out of the sample: ../dataset_unused/... Caller frees. */
char *patchset_unused_name(const char *file);
/* Whether a name is of plain parts below the patch set or below a folder ../dataset_WHAT beside it: nothing else may be opened by it. */
gboolean patchset_is_inside(const char *file);
/* The file of such a name, without "..": one file has one path. Caller frees. */
char *patchset_path(const char *root, const char *file);

/* Appends the image as PNG (quality 0: lossless) or JPEG (1 .. 100). */
gboolean patchset_encode(const Image *rgb, int quality, GByteArray *out, GError **error);
/* Appends a mask as grey PNG of 0 and 255. */
gboolean patchset_encode_mask(const Image *mask, GByteArray *out, GError **error);
/* Whether ROOT/file holds these bytes. */
gboolean patchset_holds(const char *root, const char *file, const GByteArray *bytes);
/* Makes ROOT/file hold these bytes; a file that holds them already is left alone. */
gboolean patchset_put(const char *root, const char *file, const GByteArray *bytes, GError **error);

/* The facts of a patch as one JSON object, the .json of its sample.  x, y: exact. size: px. Caller frees. */
char *patchset_facts(const Patch *patch, double x, double y, int size);
/* A patch from such facts (file is "").  FALSE with WSI_ERROR_INPUT naming `name` when something needed is missing. */
gboolean patchset_from_facts(const json_t *facts, const char *name, Patch *patch, GError **error);

/* The manifest: one line a patch, in the order given.  Durable. */
gboolean patchset_write_manifest(const char *path, const GPtrArray *patches, char sha256[65], GError **error);
/* Reads a manifest back: array of Patch*, owned. Columns fold, pixels, flags, side and slide_file may be missing. */
GPtrArray *patchset_read_manifest(const char *path, GError **error);
