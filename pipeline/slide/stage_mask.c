/* mask: how much of each tile is lesion, and a mask pyramid at the full resolution of level 0.
 *
 * Only this stage reads and rasterises the annotation.  `cut` and `score` use the border of the lesions that it writes
 * (annotations/raster/raster.h), so they agree.  The fractions are exact polygon areas.  The pyramid is for viewers: 0 = not lesion, 1 = lesion,
 * each level the maximum of the one before. */
#include "pipeline/job/stages.h"
#include "pipeline/slide/lesion_fractions.h"
#include "pipeline/slide/lesion_mask.h"
#include "pipeline/slide/lesions.h"
#include "pipeline/slide/tile_table.h"
#include "pipeline/write/json.h"

static gboolean tick(void *data, int64_t done, int64_t total, GError **error)
{
    return work_tick(data, done, total, "rows", error);
}

static gboolean write_pyramid(Work *work, const Slide *slide, const Raster *raster, GError **error)
{
    const SlideInfo *info = slide_info(slide);
    LesionMaskSpec spec = {.raster = raster,
                           .width = info->levels[0].width,
                           .height = info->levels[0].height,
                           .mpp_x = info->mpp_x,
                           .mpp_y = info->mpp_y,
                           .factor = 1,
                           .threads = work->threads,
                           .tick = tick,
                           .data = work};
    char sha256[65];
    g_autofree char *path = work_output(work, "mask.tif");
    return lesion_mask_write(path, &spec, NULL, sha256, error) &&
           work_publish(work, "pyramid", path, sha256, error);
}

/* What the annotation says. */
typedef struct {
    Annotation *annotation;
    Raster *lesions, *hard, *unknown; /* the last two may be NULL */
} Regions;

static void regions_clear(Regions *regions)
{
    annotation_free(regions->annotation);
    raster_free(regions->lesions);
    raster_free(regions->hard);
    raster_free(regions->unknown);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Regions, regions_clear)

/* The area of a part that there may be, as a member of the record. */
static void put_area(json_t *facts, const char *name, const Raster *raster, const SlideFrame *frame)
{
    if (raster) {
        json_object_set_new(facts, name, json_real(lesions_area(raster, frame)));
    }
}

/* What becomes of the tiles of an annotation that has such parts: a review of small regions may give few. */
static void note_parts(const Regions *regions, const GArray *fractions)
{
    int lesion = 0, hard = 0, unknown = 0;
    for (guint i = 0; i < fractions->len; i++) {
        const LesionFraction *tile = &g_array_index(fractions, LesionFraction, i);
        gboolean open = tile->fraction <= 0 && tile->unknown > TILE_MOST_UNKNOWN;
        lesion += tile->fraction > 0;
        hard += tile->fraction <= 0 && tile->hard > 0 && !open;
        unknown += open;
    }
    if (regions->hard || regions->unknown) {
        g_ptr_array_add(regions->annotation->warnings,
                        g_strdup_printf("of %u tiles %d have lesion and %d what is hard to tell from it; %d "
                                        "have no label, because more "
                                        "than half of them is unknown",
                                        fractions->len, lesion, hard, unknown));
    }
}

static gboolean write_facts(Work *work, const Regions *regions, const Slide *slide, GError **error)
{
    const Annotation *annotation = regions->annotation;
    SlideFrame frame = lesions_frame(slide);
    char sha256[65];
    g_autofree char *path = work_output(work, "mask.json");
    json_t *warnings = json_texts(annotation->warnings);
    json_t *facts = json_pack("{s:s, s:I, s:f, s:o}", "dialect", annotation->dialect, "outlines",
                              (json_int_t)annotation->outlines->len, "lesion_area_px",
                              lesions_area(regions->lesions, &frame), "warnings", warnings);
    put_area(facts, "hard_area_px", regions->hard, &frame);
    put_area(facts, "unknown_area_px", regions->unknown, &frame);
    return json_write(path, facts, sha256, error) && work_publish(work, "facts", path, sha256, error);
}

static double part_of(const Raster *raster, const Rect *area)
{
    return raster ? raster_fraction(raster, area) : 0;
}

static GArray *fractions_of(const Regions *regions, const GArray *tiles, double width, double height)
{
    GArray *fractions = g_array_sized_new(FALSE, FALSE, sizeof(LesionFraction), tiles->len);
    for (guint i = 0; i < tiles->len; i++) {
        const Tile *tile = &g_array_index(tiles, Tile, i);
        Rect area = {tile->x, tile->y, width, height}, centre = lesion_fractions_centre(&area);
        LesionFraction fraction = {part_of(regions->lesions, &area), part_of(regions->lesions, &centre),
                                   part_of(regions->hard, &area), part_of(regions->unknown, &area)};
        g_array_append_val(fractions, fraction);
    }
    return fractions;
}

/* Publishes the border of a part that there may be. */
static gboolean write_border(Work *work, const Raster *raster, const char *name, const char *file,
                             GError **error)
{
    char sha256[65];
    g_autofree char *path = work_output(work, file);
    return !raster ||
           (raster_write(raster, path, sha256, error) && work_publish(work, name, path, sha256, error));
}

gboolean stage_mask(Work *work, GError **error)
{
    const Config *config = work->run->config;
    g_auto(Regions) regions = {0};
    g_autoptr(Slide) slide = slide_entry_open(work->run->config, work->slide, error);
    regions.annotation = slide ? lesions_read(config, work->slide, slide, error) : NULL;
    g_autofree char *tiles_path = regions.annotation ? work_input(work, "grid", "tiles", error) : NULL;
    g_autoptr(GArray) tiles = tiles_path ? tile_table_read(tiles_path, error) : NULL;
    regions.lesions = tiles ? raster_build(regions.annotation, error) : NULL;
    if (!regions.lesions || !lesions_parts(config, work->slide, slide, regions.annotation, &regions.hard,
                                           &regions.unknown, error)) {
        return FALSE;
    }
    const SlideInfo *info = slide_info(slide);
    double footprint = config->tiles_size * config->tiles_mpp;
    g_autoptr(GArray) fractions =
        fractions_of(&regions, tiles, footprint / info->mpp_x, footprint / info->mpp_y);
    note_parts(&regions, fractions);
    char sha256[65];
    g_autofree char *path = work_output(work, "lesions.csv");
    return lesion_fractions_write(path, fractions, sha256, error) &&
           work_publish(work, "fractions", path, sha256, error) &&
           write_border(work, regions.lesions, "border", "lesions.border", error) &&
           write_border(work, regions.hard, "hard", "hard.border", error) &&
           write_border(work, regions.unknown, "unknown", "unknown.border", error) &&
           write_facts(work, &regions, slide, error) && write_pyramid(work, slide, regions.lesions, error);
}
