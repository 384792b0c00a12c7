/* The card of a patch set: what is in it, from where, by which rules. */
#pragma once
#include "pipeline/patchset/repeats.h"
#include "pipeline/job/work.h"
#include <jansson.h>

/* Markdown. patches: of the set; dropped: cut, but not sampled; gaps: gaps.h; leftout: see leftout.h; repeats: see repeats.h; manifest_sha256: of manifest.csv; sums_sha256: of SHA256SUMS.  Caller frees. */
char *card_text(const Work *work, const GPtrArray *patches, const GPtrArray *dropped, const GPtrArray *gaps,
                const json_t *leftout, const Repeats *repeats, const char *manifest_sha256,
                const char *sums_sha256);

/* What `ingest` found of a slide: a JSON object, a new reference; NULL when the slide failed. */
json_t *card_slide_facts(const Work *work, const SlideEntry *entry);
/* FALSE when a patient or a slide's content is in two splits, by the slides and by what the patches (may be NULL) say themselves. */
gboolean card_check_leak(const Work *work, const GPtrArray *patches, GError **error);
