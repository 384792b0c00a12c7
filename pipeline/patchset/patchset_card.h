/* The card of a patch set: what is in it, from where, by which rules. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/patchset/repeated_images.h"
#include <jansson.h>

/* The card as Markdown.
 *   patches: of the set (Patch*); dropped: patches that were cut but left out by sampling;
 *   missing: sentences of missing_metrics_find; unreadable_tiles: see unreadable_tiles.h;
 *   manifest_sha256: of manifest.csv; sums_sha256: of SHA256SUMS.
 * Caller frees. */
char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped,
                const GPtrArray *missing, const json_t *unreadable_tiles, const RepeatedImages *repeats,
                const char *manifest_sha256, const char *sums_sha256);
