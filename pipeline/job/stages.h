/* The functions of the stages.  Each is in the file of its name; pipeline/run/stage_table.c lists them. */
#pragma once
#include "pipeline/job/work.h"

gboolean stage_ingest(Work *work, GError **error);
gboolean stage_tissue(Work *work, GError **error);
gboolean stage_stain(Work *work, GError **error);
gboolean stage_grid(Work *work, GError **error);
gboolean stage_clam(Work *work, GError **error);
gboolean stage_mask(Work *work, GError **error);
gboolean stage_cut(Work *work, GError **error);
gboolean stage_dataset(Work *work, GError **error);
gboolean stage_normals(Work *work, GError **error);
gboolean stage_train(Work *work, GError **error);
gboolean stage_score(Work *work, GError **error);
gboolean stage_scorepatches(Work *work, GError **error);
gboolean stage_heatmap(Work *work, GError **error);
gboolean stage_overlay(Work *work, GError **error);
gboolean stage_regions(Work *work, GError **error);
gboolean stage_slides(Work *work, GError **error);
gboolean stage_embedding(Work *work, GError **error);
gboolean stage_worst(Work *work, GError **error);
gboolean stage_evaluate(Work *work, GError **error);
