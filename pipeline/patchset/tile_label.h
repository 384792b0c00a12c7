/* Where the label of a tile is decided, for patch sets, training and scores alike. */
#pragma once
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"
#include "pipeline/slide/lesion_fractions.h"

/* TILE_AMBIGUOUS tiles are in no patch set and in no metric. */
typedef enum { TILE_GOOD, TILE_UNGOOD, TILE_AMBIGUOUS } TileLabel;

/* The label by dataset.rule alone.  fraction: of the tile that is lesion (0..1); centre_fraction: of its centre (lesion_fractions_centre). */
TileLabel tile_label_by_rule(const Config *config, double fraction, double centre_fraction);
/* The label of a tile of this slide.  Every tile of a slide with unknown annotation is ambiguous.  A tile without lesion of which more than
 * TILE_MOST_UNKNOWN is unknown is ambiguous too, and so is one of a slide that is not exhaustively annotated (SLIDE_LESIONS_ONLY) unless a
 * person says that at least that much of it is normal. */
TileLabel tile_label(const Config *config, const SlideEntry *entry, const LesionFraction *tile);
/* Whether a tile without lesion shows what a person says is normal although it looks like lesion: at least dataset.lesion_min of it, as
 * for a lesion (any of it, by the other rules). */
gboolean tile_is_hard(const Config *config, const LesionFraction *tile);
