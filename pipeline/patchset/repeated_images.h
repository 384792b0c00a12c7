/* Images that occur more than once in a patch set. */
#pragma once
#include "pipeline/config/config.h"
#include "tiler/patches/patchset.h"

typedef struct {
    int64_t within_split; /* further copies in the split of the first */
    int64_t
        blank_across_splits; /* copies in another split of images without tissue or of one colour, which are no leak */
    int64_t
        across_splits; /* other copies in another split; counted with patches.repeats: count, else an error */
} RepeatedImages;

/* Compares patches (Patch*) by the SHA-256 of their images.  FALSE with WSI_ERROR_INPUT that names the first two when an image is in two
 * splits. */
gboolean repeated_images_of_patches(const GPtrArray *patches, RepeatedImages *out, GError **error);
/* Compares by pixels the images and shards of a folder with train, valid and test, and those of ../dataset_valid: only train with the other
 * splits.  patches.repeats decides whether an image in two splits is an error or is counted. */
gboolean repeated_images_of_folder(const Config *config, const char *folder, RepeatedImages *out,
                                   GError **error);
#define REPEATED_IMAGES_FILE "repeated_images.json"
/* As JSON (new reference), and read from JSON; zeros when json is NULL. */
json_t *repeated_images_json(const RepeatedImages *repeats);
void repeated_images_of_json(const json_t *json, RepeatedImages *out);
/* One line for people; NULL when no image is repeated.  Caller frees. */
char *repeated_images_text(const RepeatedImages *repeats);
