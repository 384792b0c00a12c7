/* The card of a patch set: what is in it, from where, by which rules. */
#pragma once
#include "pipeline/patchset/repeated_images.h"
#include "pipeline/job/work.h"
#include <jansson.h>

/* Markdown. patches: of the set; dropped: cut, but not sampled; gaps: missing_metrics.h; unreadable: unreadable_tiles.h; repeats: see repeated_images.h; manifest_sha256: of manifest.csv; sums_sha256: of SHA256SUMS.  Caller frees. */
char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped, const GPtrArray *gaps,
                const json_t *unreadable_tiles, const RepeatedImages *repeats, const char *manifest_sha256,
                const char *sums_sha256);
