/* The number of tiles, by slide, that were left out because too little of them could be read (CUT_READABLE). */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

#define UNREADABLE_TILES_FILE "unreadable.json"

/* {"tiles": 0, "slides": []}, new reference. */
json_t *unreadable_tiles_new(void);
/* Adds the tiles of a slide; a slide without any is not listed. */
void unreadable_tiles_add(json_t *unreadable, const char *slide, int64_t tiles);
/* One sentence; NULL when there are no such tiles, or when `unreadable` is NULL.  Caller frees. */
char *unreadable_tiles_text(const json_t *unreadable);
