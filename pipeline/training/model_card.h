/* The card of a model: what it was calibrated by, and whether that is to be trusted. */
#pragma once
#include "flows/models/model.h"

/* Markdown; notes: of the tiles (train_tiles_notes).  Caller frees. */
char *model_card_text(const Model *model, const GPtrArray *notes);
/* The same in lines for a terminal, of a calibration: threshold, doubts, and what became of the tiles.  Free with g_strfreev. */
char **model_card_lines(const Calibration *calibration);
