/* The stage table.
 *
 *   slide --ingest--> geometry --tissue--> mask --grid--> tiles
 *   annotation --mask--> lesion fractions + mask pyramid
 *   tiles + fractions --cut--> patches --dataset--> manifest --train--> model
 *   tiles + fractions --normals--> positions --train (cuts while training)--> model
 *   slide + tissue + model --score--> scores + score map --heatmap--> pyramids --evaluate--> metrics, report
 *   score map + threshold --regions--> outlines, detections, mask
 *   slide + score map + threshold --overlay--> the slide with its map on it
 *
 * Each line names the configuration keys that the stage reads, so that a changed key re-runs the stages that depend on it and nothing else. */
#include "pipeline/slide/slide_stain.h"
#include "pipeline/job/stages.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"
#include <string.h>

static gboolean on_slides(const Config *config)
{
    return *config->slides_folder || *config->slides_manifest;
}

/* Whether the label of any slide is known, so that there is something to cut and to train on. */
static gboolean has_known(const Run *run)
{
    for (guint i = 0; i < run->slides->len; i++) {
        if (((const SlideEntry *)run->slides->pdata[i])->label != SLIDE_UNKNOWN) {
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean wants_slide(const Run *run, const SlideEntry *slide)
{
    return TRUE;
}

static gboolean wants_mask(const Run *run, const SlideEntry *slide)
{
    return slide->label == SLIDE_ANNOTATED;
}

static gboolean wants_stain(const Run *run, const SlideEntry *slide)
{
    return slide_stain_wanted(run->config);
}

static gboolean wants_clam(const Run *run, const SlideEntry *slide)
{
    return run->config->dataset_clam;
}

static gboolean wants_cut(const Run *run, const SlideEntry *slide)
{
    return run->config->dataset_write && slide->label != SLIDE_UNKNOWN;
}

static gboolean wants_dataset(const Run *run, const SlideEntry *slide)
{
    return run->config->dataset_write && has_known(run);
}

/* Whether there is a model, trained or given, and something to score. */
static gboolean has_model(const Run *run)
{
    gboolean input = on_slides(run->config) || *run->config->patches_folder;
    return input && (run->config->train_run || *run->config->score_model);
}

static gboolean wants_normals(const Run *run, const SlideEntry *slide)
{
    const Config *config = run->config;
    gboolean slides = on_slides(config) && !*config->patches_folder;
    return slides && g_str_equal(config->train_source, "slides") && config->train_run &&
           !*config->score_model;
}

static gboolean wants_train(const Run *run, const SlideEntry *slide)
{
    const Config *config = run->config;
    gboolean tiles = *config->patches_folder || (on_slides(config) && config->dataset_write);
    return (tiles && config->train_run && !*config->score_model) || wants_normals(run, slide);
}

static gboolean wants_score(const Run *run, const SlideEntry *slide)
{
    return has_model(run) && slide->scored;
}

static gboolean wants_overlay(const Run *run, const SlideEntry *slide)
{
    return wants_score(run, slide) && run->config->heatmap_overlay;
}

static gboolean wants_slides(const Run *run, const SlideEntry *slide)
{
    return run->slides->len > 0;
}

static gboolean wants_scorepatches(const Run *run, const SlideEntry *slide)
{
    return !on_slides(run->config) && has_model(run);
}

static gboolean wants_embedding(const Run *run, const SlideEntry *slide)
{
    const Config *config = run->config;
    return has_model(run) && !g_str_equal(config->score_slides, "none") && config->embedding_points > 0;
}

static gboolean wants_evaluate(const Run *run, const SlideEntry *slide)
{
    return has_model(run) && !g_str_equal(run->config->score_slides, "none");
}

static gboolean wants_worst(const Run *run, const SlideEntry *slide)
{
    return wants_evaluate(run, slide) && run->config->evaluate_worst > 0;
}

/* For every stage that opens a slide; slides.mpp is part of the slide's entry. */
#define OPEN_KEYS "slides.objective"
#define CUT_KEYS "tiles.size tiles.mpp tiles.filter tiles.icc tiles.stain tiles.stain_target"
#define RULE_KEYS "dataset.rule dataset.lesion_min"
#define IMAGE_KEYS                                                                              \
    "dataset.train_anomalies dataset.masks dataset.drop_flags dataset.format dataset.shard_mb " \
    "dataset.image dataset.jpeg_quality"
#define SAMPLE_KEYS \
    "dataset.balance dataset.max_per_class dataset.train_anomalies dataset.drop_flags tiles run.seed"
#define MODEL_KEYS "model " CUT_KEYS " run.seed patches " OPEN_KEYS

/* The colours of score maps (heatmap_look.h). */
#define LOOK_KEYS \
    "heatmap.colours heatmap.low heatmap.high heatmap.opacity regions.threshold score.model " OPEN_KEYS

#define SCORER_KEYS "model.weights model.kernels"
/* The report shows the whole configuration. */
#define EVERYTHING                                                                                      \
    "run slides patches tissue tiles dataset model train augment loss threshold score heatmap regions " \
    "embedding evaluate"

const Stage stages[] = {
    {"ingest", "geometry, resolution and identity of a slide", SCOPE_SLIDE, OPEN_KEYS, "", 5, wants_slide,
     stage_ingest},
    {"tissue", "tissue mask", SCOPE_SLIDE, "tissue slides.groups slides.group_field regions.frame " OPEN_KEYS,
     "ingest", 13, wants_slide, stage_tissue},
    {"stain", "stain of a slide", SCOPE_SLIDE, CUT_KEYS " " OPEN_KEYS, "ingest tissue", 2, wants_stain,
     stage_stain},
    {"grid", "tiles on the tissue", SCOPE_SLIDE, "tiles " OPEN_KEYS, "ingest tissue", 3, wants_slide,
     stage_grid},
    {"clam", "tile coordinates for CLAM and TRIDENT", SCOPE_SLIDE, "tiles " OPEN_KEYS, "ingest grid", 3,
     wants_clam, stage_clam},
    {"mask", "lesion fractions of the tiles, mask pyramid", SCOPE_SLIDE,
     "slides.groups slides.group_field tiles.size tiles.mpp " OPEN_KEYS, "ingest grid", 8, wants_mask,
     stage_mask},
    {"cut", "patches of a slide", SCOPE_SLIDE, RULE_KEYS " tiles " IMAGE_KEYS " " OPEN_KEYS,
     "ingest tissue grid mask stain", 14, wants_cut, stage_cut},
    {"dataset", "manifest and card of the patch set", SCOPE_COHORT, "dataset tiles run",
     "?ingest ?tissue ?grid ?clam ?mask ?cut", 16, wants_dataset, stage_dataset},
    {"normals", "normal tiles to train on", SCOPE_COHORT, RULE_KEYS " " SAMPLE_KEYS " " OPEN_KEYS,
     "?ingest ?tissue ?grid ?mask ?stain", 8, wants_normals, stage_normals},
    {"train", "model of normal tissue", SCOPE_COHORT, MODEL_KEYS " train augment loss threshold",
     "dataset normals ?stain", 13, wants_train, stage_train},
    {"score", "scores of a slide's tiles, score map", SCOPE_SLIDE,
     RULE_KEYS " score heatmap.cell_um tiles.max_upsampling run.seed " SCORER_KEYS " " OPEN_KEYS,
     "ingest tissue mask train", 8, wants_score, stage_score},
    {"scorepatches", "scores of a patch set", SCOPE_COHORT,
     "patches.folder score.model score.latents run.seed " SCORER_KEYS, "train", 7, wants_scorepatches,
     stage_scorepatches},
    {"heatmap", "heatmap pyramids and overview", SCOPE_SLIDE, "regions.min_area_um2 " LOOK_KEYS,
     "ingest tissue ?mask train score", 14, wants_score, stage_heatmap},
    {"overlay", "slide with its score map on it", SCOPE_SLIDE,
     "heatmap.overlay_mpp heatmap.overlay_quality regions.min_area_um2 " LOOK_KEYS,
     "ingest tissue train score", 2, wants_overlay, stage_overlay},
    {"regions", "regions, detections and mask at the threshold", SCOPE_SLIDE,
     "regions score.model " OPEN_KEYS, "ingest train score ?cut", 3, wants_score, stage_regions},
    {"slides", "table of the slides", SCOPE_COHORT, "",
     "!ingest !tissue !stain !grid !clam !mask !cut !score !heatmap !overlay !regions", 3, wants_slides,
     stage_slides},
    {"embedding", "t-SNE and PCA of pooled latents", SCOPE_COHORT, "embedding run.seed",
     "?score ?scorepatches", 1, wants_embedding, stage_embedding},
    {"worst", "pictures of the tiles with the most wrong scores", SCOPE_COHORT,
     "evaluate score.model patches.folder " OPEN_KEYS, "?ingest ?tissue train ?score ?scorepatches", 1,
     wants_worst, stage_worst},
    {"evaluate", "metrics and report", SCOPE_COHORT, EVERYTHING,
     "?ingest ?grid ?mask ?score ?heatmap ?overlay ?regions ?slides ?scorepatches ?train ?dataset ?normals "
     "?embedding ?worst",
     30, wants_evaluate, stage_evaluate},
    {NULL, NULL, SCOPE_SLIDE, NULL, NULL, 0, NULL, NULL},
};

const Stage *stage_find(const char *name)
{
    for (const Stage *stage = stages; stage->name; stage++) {
        if (g_str_equal(stage->name, name)) {
            return stage;
        }
    }
    return NULL;
}
