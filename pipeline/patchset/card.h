/* The card of a patch set: what is in it, from where, by which rules. */
#pragma once
#include "pipeline/patchset/repeats.h"
#include "pipeline/job/work.h"
#include <jansson.h>

/* Markdown. patches: of the set; dropped: cut, but not sampled; gaps: gaps.h; unreadable: unreadable_tiles.h; repeats: see repeats.h; manifest_sha256: of manifest.csv; sums_sha256: of SHA256SUMS.  Caller frees. */
char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped, const GPtrArray *gaps,
                const json_t *unreadable_tiles, const Repeats *repeats, const char *manifest_sha256,
                const char *sums_sha256);
