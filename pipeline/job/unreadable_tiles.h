/* Tiles that were left out since too little of them could be read (CUT_READABLE), by slide. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

#define UNREADABLE_TILES_FILE "unreadable.json"

/* {"tiles": 0, "slides": []}, new reference. */
json_t *unreadable_tiles_new(void);
/* Counts the tiles of a slide; slides without any are not listed. */
void unreadable_tiles_add(json_t *leftout, const char *slide, int64_t tiles);
/* One sentence; NULL when none is left out, and when leftout is NULL.  Caller frees. */
char *unreadable_tiles_text(const json_t *leftout);
