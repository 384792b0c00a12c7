/* Patch sets in the MVTec / BMAD layout: train/good, valid/{good,Ungood}, test/{good,Ungood},
 * ground_truth/Ungood/NAME_mask.png (and train/Ungood when labelled anomalies are wanted), with a
 * manifest. */
#pragma once
#include "base/image.h"

typedef struct {
    char *file; /* relative to the patch set, '/' separated */
    char *slide, *patient;
    int64_t x, y; /* level-0 px, rounded top-left */
    int level;    /* of the slide the pixels came from */
    double mpp;
    double tissue_share, lesion_share, valid_share;
    char *label; /* "good" or "Ungood" */
    char *split; /* "train", "valid", "test" */
    char sha256[65];
} Patch;
void patch_clear(Patch *patch);

/* Relative path SPLIT/LABEL/SLIDE_NNNNNN.png; number: zero-padded index of the tile in its slide's grid.
 * What is not a letter, digit, '.', '_' or '-' in a part becomes '_'; a slide name changed so gets a hash of
 * the original. Caller frees. */
char *patchset_name(const char *split, const char *label, const char *slide, int number);
/* Writes ROOT/patch->file as PNG and, for Ungood with a mask, ROOT/SPLIT-less ground_truth path; sets
 * patch->sha256. */
gboolean patchset_write(const char *root, Patch *patch, const Image *rgb, const Image *mask, GError **error);
/* The manifest: one line a patch, in the order given.  Durable. */
gboolean patchset_write_manifest(const char *path, const GPtrArray *patches, char sha256[65], GError **error);
/* Reads a manifest back: array of Patch*, owned. */
GPtrArray *patchset_read_manifest(const char *path, GError **error);
