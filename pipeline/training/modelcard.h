/* The card of a model: what it was calibrated by, and whether that is to be trusted. */
#pragma once
#include "flows/models/model.h"

/* Markdown; notes: of the tiles (traintiles_notes).  Caller frees. */
char *modelcard_text(const Model *model, const GPtrArray *notes);
/* The same in lines for a terminal, of a calibration: threshold, doubts, and what became of the tiles.  Free with g_strfreev. */
char **modelcard_lines(const Calibration *calibration);
