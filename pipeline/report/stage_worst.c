/* worst: the tiles that a model is most wrong about, with their pictures, for the report.
 *
 * It is a stage of its own, so that a report that is written again does not open slides.  A tile is cut as the model's recipe says, but in the
 * colours of the slide, without stain normalisation: a person compares it with what a viewer shows.  A slide that is missing or that cannot be
 * read is no failure: the tile is listed with the reason.  When that may pass, because the file is missing or is not the planned one, the next run
 * repeats the stage. */
#include "base/error.h"
#include "flows/models/model.h"
#include "pipeline/job/stages.h"
#include "pipeline/patchset/image_fit.h"
#include "pipeline/patchset/patch_cut.h"
#include "pipeline/report/worst_rows.h"
#include "pipeline/scoring/near_blank.h"
#include "pipeline/training/model_recipe.h"
#include "pipeline/write/json.h"
#include "tiler/imagefile/imagefile.h"
#include <math.h>
#include <string.h>

#define JPEG_QUALITY 85

typedef struct {
    Work *work;
    ModelSpec spec;
    char *bundle;
    NearBlankLabels *blanks; /* NULL: not given */
    /* The slide that was opened last; NULL when it could not be. */
    const SlideEntry *entry;
    Slide *slide;
    char *why;        /* it could not be */
    gboolean for_now; /* a picture is missing because a file was missing or another one at this time */
    TileRecipe recipe;
    GlassColour glass;
} Cutting;

/* ---- slides ---- */

static const SlideEntry *entry_of(const Work *work, const char *id)
{
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        if (g_str_equal(entry->id, id)) {
            return entry;
        }
    }
    return NULL;
}

/* Whether the error says what is wrong with the file, so that the tile is listed without a picture; then *why is set. */
static gboolean is_of_the_file(Cutting *cutting, GError **own, char **why, GError **error)
{
    cutting->for_now |= g_error_matches(*own, WSI_ERROR, WSI_ERROR_ABSENT);
    if (g_error_matches(*own, WSI_ERROR, WSI_ERROR_INPUT) ||
        g_error_matches(*own, WSI_ERROR, WSI_ERROR_ABSENT)) {
        *why = g_strdup((*own)->message);
        g_clear_error(own);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(own));
    return FALSE;
}

static gboolean open_slide(Cutting *cutting, GError **error)
{
    const SlideEntry *entry = cutting->entry;
    g_autofree char *facts = work_find(cutting->work, "tissue", entry->id, "facts");
    if (!model_recipe_get(&cutting->spec, cutting->bundle, &cutting->recipe, error)) {
        return FALSE;
    }
    if (!slide_entry_check_unchanged(entry, error)) {
        cutting->for_now = TRUE;
        return FALSE;
    }
    cutting->slide = slide_entry_open(cutting->work->run->config, entry, error);
    cutting->glass = (GlassColour){.red = 255, .green = 255, .blue = 255};
    return cutting->slide && tile_recipe_colour_slide(&cutting->recipe, cutting->slide, NULL, error) &&
           (!facts || patch_glass(facts, cutting->slide, &cutting->glass, error));
}

static gboolean use_slide(Cutting *cutting, const char *id, GError **error)
{
    const SlideEntry *entry = entry_of(cutting->work, id);
    g_autoptr(GError) own = NULL;
    if (entry == cutting->entry) {
        return TRUE;
    }
    g_clear_pointer(&cutting->slide, slide_free);
    g_clear_pointer(&cutting->why, g_free);
    cutting->entry = entry;
    if (open_slide(cutting, &own)) {
        return TRUE;
    }
    g_clear_pointer(&cutting->slide, slide_free);
    return is_of_the_file(cutting, &own, &cutting->why, error);
}

/* ---- one tile ---- */

/* Cuts a tile; its quality flags go into `out`. */
static gboolean cut(Cutting *cutting, const WorstRow *row, Image *rgb, json_t *out, GError **error)
{
    Quality quality;
    double readable_fraction;
    g_autoptr(Image) readable = image_new(rgb->width, rgb->height, 1, error);
    if (!readable || !cut_tile(cutting->slide, &cutting->recipe.cut, row->x, row->y, rgb, readable,
                               &readable_fraction, error)) {
        return FALSE;
    }
    if (!cut_readable(readable_fraction)) {
        return wsi_error_input(error, "%.0f %% of the tile could be read, less than when it was scored",
                               100 * readable_fraction);
    }
    if (!quality_measure(rgb, readable, cutting->recipe.cut.mpp, &cutting->glass, &quality, error)) {
        return FALSE;
    }
    g_autofree char *flags = quality_flags_text(quality.flags);
    json_object_set_new(out, "flags", json_string(flags));
    return TRUE;
}

static gboolean read_image(Cutting *cutting, const WorstRow *row, Image *rgb, json_t *out, GError **error)
{
    NearBlank blank = NEAR_BLANK_UNKNOWN;
    g_autofree char *path = g_build_filename(cutting->work->run->config->patches_folder, row->file, NULL);
    if (cutting->blanks && !near_blank_find(cutting->blanks, row->file, &blank, error)) {
        return FALSE;
    }
    if (blank != NEAR_BLANK_UNKNOWN) {
        json_object_set_new(out, "near_blank", json_boolean(blank == NEAR_BLANK_YES));
    }
    return image_fit_file(path, rgb->width, rgb->pixels, error);
}

/* Adds the picture, or why there is none. */
static gboolean add_picture(Cutting *cutting, const WorstRow *row, json_t *out, GError **error)
{
    g_autoptr(GError) own = NULL;
    g_autofree char *why = NULL;
    const int size = cutting->spec.tile_size;
    g_autoptr(Image) rgb = image_new(size, size, 3, error);
    if (!rgb || (*row->slide && !use_slide(cutting, row->slide, error))) {
        return FALSE;
    }
    if (*row->slide && !cutting->slide) {
        json_object_set_new(out, "unreadable", json_string(cutting->why));
        return TRUE;
    }
    if (!(*row->slide ? cut(cutting, row, rgb, out, &own) : read_image(cutting, row, rgb, out, &own))) {
        if (!is_of_the_file(cutting, &own, &why, error)) {
            return FALSE;
        }
        json_object_set_new(out, "unreadable", json_string(why));
        return TRUE;
    }
    g_autoptr(GByteArray) jpeg = g_byte_array_new();
    if (!imagefile_encode_jpeg(rgb, JPEG_QUALITY, jpeg, error)) {
        return FALSE;
    }
    g_autofree char *text = g_base64_encode(jpeg->data, jpeg->len);
    json_object_set_new(out, "jpeg", json_string(text));
    return TRUE;
}

/* A new reference; NULL with error. */
static json_t *tile_json(Cutting *cutting, const WorstRow *row, GError **error)
{
    json_t *out = json_object();
    const char *const texts[][2] = {{"slide", row->slide}, {"file", row->file}};
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"x", row->x},           {"y", row->y},         {"width", row->width},
                   {"height", row->height}, {"score", row->score}, {"lesion_fraction", row->lesion_fraction}};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (*texts[i][1]) {
            json_object_set_new(out, texts[i][0], json_string(texts[i][1]));
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (isfinite(numbers[i].value)) {
            json_object_set_new(out, numbers[i].name, json_real(numbers[i].value));
        }
    }
    if (!add_picture(cutting, row, out, error)) {
        g_clear_pointer(&out, json_decref);
    }
    return out;
}

/* ---- the stage ---- */

/* Slides are opened one after the other, so tiles are cut by slide and listed by score. */
static gint by_table(gconstpointer a, gconstpointer b)
{
    const WorstRow *x = *(const WorstRow *const *)a, *y = *(const WorstRow *const *)b;
    return x->table != y->table ? x->table - y->table : x->row - y->row;
}

/* {"normal": [...], "lesion": [...]}, new reference; NULL with error. */
static json_t *cut_all(Cutting *cutting, const WorstRows *rows, GError **error)
{
    static const char *const kinds[WORST_KINDS] = {"normal", "lesion"};
    g_autoptr(GHashTable) tiles = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)json_decref);
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    for (int kind = 0; kind < WORST_KINDS; kind++) {
        for (guint i = 0; i < rows->rows[kind]->len; i++) {
            g_ptr_array_add(order, &g_array_index(rows->rows[kind], WorstRow, i));
        }
    }
    g_ptr_array_sort(order, by_table);
    for (guint i = 0; i < order->len; i++) {
        json_t *tile = work_tick(cutting->work, i, order->len, "tiles", error)
                           ? tile_json(cutting, order->pdata[i], error)
                           : NULL;
        if (!tile) {
            return NULL;
        }
        g_hash_table_insert(tiles, order->pdata[i], tile);
    }
    json_t *out = json_object();
    for (int kind = 0; kind < WORST_KINDS; kind++) {
        json_t *list = json_array();
        for (guint i = 0; i < rows->rows[kind]->len; i++) {
            json_array_append(list,
                              g_hash_table_lookup(tiles, &g_array_index(rows->rows[kind], WorstRow, i)));
        }
        json_object_set_new(
            out, kinds[kind],
            json_pack("{s:I, s:o}", "labelled", (json_int_t)rows->labelled[kind], "tiles", list));
    }
    return out;
}

static void cutting_clear(Cutting *cutting)
{
    g_clear_pointer(&cutting->slide, slide_free);
    g_clear_pointer(&cutting->blanks, near_blank_free);
    g_free(cutting->why);
    g_free(cutting->bundle);
    model_spec_clear(&cutting->spec);
}

gboolean stage_worst(Work *work, GError **error)
{
    const Config *config = work->run->config;
    Cutting cutting = {.work = work, .bundle = work_find(work, "train", COHORT, "model")};
    Calibration calibration;
    cutting.bundle = cutting.bundle ? cutting.bundle : g_strdup(config->score_model);
    gboolean good =
        model_describe(cutting.bundle, &cutting.spec, &calibration, error) &&
        (!*config->evaluate_labels || (cutting.blanks = near_blank_read(config->evaluate_labels, error)));
    g_autoptr(WorstRows) rows = good ? worst_rows_read(work, error) : NULL;
    json_t *out = rows ? cut_all(&cutting, rows, error) : NULL;
    cutting_clear(&cutting);
    if (!out) {
        return FALSE;
    }
    char sha256[65];
    g_autofree char *path = work_output(work, "worst_tiles.json");
    json_object_set_new(out, "score", json_string(config->evaluate_score));
    json_object_set_new(out, "per_slide", json_integer(rows->per_slide));
    return json_write(path, out, sha256, error) &&
           (cutting.for_now ? work_publish_for_now : work_publish)(work, "tiles", path, sha256, error);
}
