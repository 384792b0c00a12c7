/* The card of a model: its calibration, whether that can be trusted, and how its tiles were made. */
#pragma once
#include "flows/models/model.h"

/* The card as Markdown.  notes: train_tiles_notes.  Caller frees. */
char *model_card_text(const Model *model, const GPtrArray *notes);
/* The part on the calibration as plain lines: the threshold, reasons not to trust it, tiles that were left out.  Free with g_strfreev. */
char **model_card_lines(const Calibration *calibration);
