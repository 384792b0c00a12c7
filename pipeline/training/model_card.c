/* The card of a model.
 *
 * It is written for somebody who has only the model: what it was trained on and how its threshold was chosen. */
#include "pipeline/training/model_card.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/write/markdown.h"

char **model_card_lines(const Calibration *c)
{
    GPtrArray *out = g_ptr_array_new();
    const Holdout *h = &c->holdout;
    g_auto(GStrv) doubts = calibration_doubts(c);
    g_ptr_array_add(out, calibration_text(c));
    for (char **doubt = doubts; *doubt; doubt++) {
        g_ptr_array_add(out, g_strdup_printf("the calibration is not to be trusted: %s", *doubt));
    }
    if (h->unused > 0) {
        g_ptr_array_add(out,
                        g_strdup_printf("%" G_GINT64_FORMAT
                                        " tiles are neither trained on nor held out: they are too close to "
                                        "held-out tiles, or anomalies of patients that are trained on",
                                        h->unused));
    }
    if (h->repeats_left_out + h->repeats_in_training + h->repeats_in_holdout > 0) {
        g_ptr_array_add(
            out, g_strdup_printf(
                     "repeated images: copies of held-out images left out of training: %" G_GINT64_FORMAT
                     ", further copies trained on: %" G_GINT64_FORMAT
                     ", further copies held out: %" G_GINT64_FORMAT,
                     h->repeats_left_out, h->repeats_in_training, h->repeats_in_holdout));
    }
    g_ptr_array_add(out, NULL);
    return (char **)g_ptr_array_free(out, FALSE);
}

static void add_line(GString *out, const char *line)
{
    markdown_bullet(out);
    markdown_text(out, "%s", line);
    markdown_line(out);
}

/* How the tiles were made from slides; parts may be unknown when the model was trained on images. */
static void add_recipe(GString *out, const ModelSpec *spec)
{
    TileRecipe recipe;
    if (!spec->tile_recipe || !tile_recipe_parse(spec->tile_recipe, "", &recipe, NULL)) {
        return;
    }
    char mpp[G_ASCII_DTOSTR_BUF_SIZE];
    markdown_bullet(out);
    markdown_text(out, "um/px: %s; filter: %s; ICC: %s; stain: %s",
                  recipe.cut.mpp > 0 ? g_ascii_formatd(mpp, sizeof mpp, "%.9g", recipe.cut.mpp) : "unknown",
                  recipe.unknown & RECIPE_FILTER ? "unknown" : filter_name(recipe.cut.filter),
                  recipe.unknown & RECIPE_ICC ? "unknown"
                  : recipe.icc                ? "applied"
                                              : "not applied",
                  recipe.unknown & RECIPE_STAIN ? "unknown" : stain_method_name(recipe.target.method));
    markdown_line(out);
}

char *model_card_text(const Model *model, const GPtrArray *notes)
{
    const ModelSpec *spec = model_spec(model);
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = model_card_lines(model_calibration(model));
    markdown_heading(out, 1, "Model card");
    markdown_text(out, "For research use only. Not for use in diagnostic procedures.");
    markdown_break(out);
    markdown_heading(out, 2, "Calibration");
    for (char **line = lines; *line; line++) {
        add_line(out, *line);
    }
    if (notes->len > 0) {
        markdown_heading(out, 2, "Training tiles");
    }
    for (guint i = 0; i < notes->len; i++) {
        add_line(out, notes->pdata[i]);
    }
    markdown_heading(out, 2, "Model");
    markdown_bullet(out);
    markdown_text(out, "tile size: %d px; extractor: %s", spec->tile_size, spec->extractor.name);
    markdown_line(out);
    add_recipe(out, spec);
    markdown_bullet(out);
    markdown_text(out, "score: %s", model_spec_score_name(model_spec(model)));
    markdown_line(out);
    markdown_bullet(out);
    markdown_text(out, "SHA-256 of the training tiles: %s", model_tiles_hash(model));
    markdown_line(out);
    return g_string_free(out, FALSE);
}
