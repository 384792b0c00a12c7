/* Where the label of a tile is decided, for patch sets, training and scores alike. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"

/* TILE_AMBIGUOUS tiles are in no patch set and in no metric. */
typedef enum { TILE_GOOD, TILE_UNGOOD, TILE_AMBIGUOUS } TileLabel;

/* The label by dataset.rule alone.  fraction: of the tile that is lesion (0..1); centre_fraction: of its centre (lesion_fractions_centre). */
TileLabel tile_label_by_rule(const Config *config, double fraction, double centre_fraction);
/* The label of a tile of this slide.  Every tile of a slide with unknown annotation is ambiguous.  On a slide that is not exhaustively
 * annotated (SLIDE_LESIONS_ONLY) a tile without lesion is ambiguous too. */
TileLabel tile_label(const Config *config, const SlideEntry *entry, double fraction, double centre_fraction);
