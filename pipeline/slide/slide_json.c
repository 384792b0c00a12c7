/* Facts of slides as JSON. */
#include "pipeline/slide/slide_json.h"
#include "pipeline/write/json.h"

json_t *slide_json(const Slide *slide)
{
    const SlideInfo *info = slide_info(slide);
    json_t *levels = json_array();
    for (int i = 0; i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        json_array_append_new(levels, json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "width",
                                                (json_int_t)level->width, "height", (json_int_t)level->height,
                                                "downsample_x", level->downsample_x, "downsample_y",
                                                level->downsample_y, "tiles", (json_int_t)level->tiles,
                                                "missing_tiles", (json_int_t)level->missing_tiles));
    }
    json_t *notes = json_texts(info->notes);
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:s, s:o, s:{s:f, s:f, s:f, s:f}, s:s, s:o, s:o}",
                     "vendor", info->vendor, "reader",
                     info->fast_path ? "libtiff + libjpeg-turbo" : "OpenSlide", "width",
                     (json_int_t)info->levels[0].width, "height", (json_int_t)info->levels[0].height, "mpp_x",
                     info->mpp_source == MPP_NONE ? json_null() : json_real(info->mpp_x), "mpp_y",
                     info->mpp_source == MPP_NONE ? json_null() : json_real(info->mpp_y), "mpp_source",
                     slide_mpp_source_name(info->mpp_source), "objective",
                     info->objective > 0 ? json_real(info->objective) : json_null(), "bounds", "x",
                     info->bounds.x, "y", info->bounds.y, "width", info->bounds.width, "height",
                     info->bounds.height, "fingerprint", info->fingerprint, "levels", levels, "notes", notes);
}

json_t *slide_json_bad_areas(const Slide *slide)
{
    enum { LISTED = 10000 };
    const GPtrArray *areas = slide_bad_areas(slide);
    json_t *list = json_array();
    for (guint i = 0; i < MIN(areas->len, LISTED); i++) {
        const BadArea *area = areas->pdata[i];
        g_autofree char *reason = g_utf8_make_valid(area->reason, -1);
        json_array_append_new(list, json_pack("{s:i, s:I, s:I, s:I, s:I, s:s}", "level", area->level, "x",
                                              (json_int_t)area->x, "y", (json_int_t)area->y, "width",
                                              (json_int_t)area->width, "height", (json_int_t)area->height,
                                              "reason", reason));
    }
    return list;
}

json_t *slide_json_glass(const Tissue *tissue)
{
    const GlassColour *glass = &tissue->glass;
    return glass->found ? json_pack("[f, f, f]", glass->red, glass->green, glass->blue) : json_null();
}

json_t *slide_json_warnings(const Tissue *tissue)
{
    g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
    json_t *list = json_texts(warnings);
    return list;
}

const json_t *slide_json_record(const Records *records, const char *id)
{
    return records_get(records, "ingest", id, "content");
}
