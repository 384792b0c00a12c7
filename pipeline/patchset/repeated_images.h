/* The same image more than once in a patch set. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/patches/patchset.h"

typedef struct {
    int64_t within; /* further copies in the split of the first one */
    int64_t blank; /* copies in another split, of images without tissue or of one colour: no sign of a leak */
    int64_t across; /* copies in another split, with patches.repeats count */
} RepeatedImages;

/* Images (Patch*) by the hashes that they were cut with.  FALSE with WSI_ERROR_INPUT that names the first two, when an image is in two
 * splits. */
gboolean repeated_images_of_patches(const GPtrArray *patches, RepeatedImages *out, GError **error);
/* The images and shards of a folder with train, valid and test, and those of ../dataset_valid, by their pixels: only between train and the
 * others.  patches.repeats (config) decides whether an image in two splits is an error or counted. */
gboolean repeated_images_of_folder(const Config *config, const char *folder, RepeatedImages *out,
                                   GError **error);
#define REPEATED_IMAGES_FILE "repeated_images.json"
/* As JSON, new reference, and back: zeros when json is NULL. */
json_t *repeated_images_json(const RepeatedImages *repeats);
void repeated_images_of_json(const json_t *json, RepeatedImages *out);
/* One line for people, NULL when there is nothing to say.  Caller frees. */
char *repeated_images_text(const RepeatedImages *repeats);
