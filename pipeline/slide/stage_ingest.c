/* ingest: what is this slide?  Geometry, resolution and where it comes from, bounds, identity.
 *
 * The record holds an allow-list of facts, never the vendor's free texts: those can name a patient. */
#include "pipeline/write/json.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/run/stage.h"
#include "pipeline/slide/tiles.h"

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
                     mpp_source_name(info->mpp_source), "objective",
                     info->objective > 0 ? json_real(info->objective) : json_null(), "bounds", "x",
                     info->bounds.x, "y", info->bounds.y, "width", info->bounds.width, "height",
                     info->bounds.height, "fingerprint", info->fingerprint, "levels", levels, "notes", notes);
}

json_t *slide_bad_json(const Slide *slide)
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

/* Two files: what other stages depend on, and the same for people, with the slide's name and path.  A slide that is moved is not scored
 * again. */
gboolean stage_ingest(Work *work, GError **error)
{
    g_autoptr(Slide) slide = work_open_entry(work->run->config, work->slide, error);
    if (!slide || !tiles_need_mpp(slide, error)) {
        return FALSE;
    }
    char sha256[65];
    json_t *facts = slide_json(slide);
    g_autofree char *content = work_output(work, "content.json"), *path = work_output(work, "slide.json");
    g_autofree char *name = g_path_get_basename(work->slide->path);
    g_autofree char *valid_name = g_utf8_make_valid(name, -1),
                    *valid = g_utf8_make_valid(work->slide->path, -1);
    if (!json_write(content, json_incref(facts), sha256, error) ||
        !work_publish(work, "content", content, sha256, error)) {
        json_decref(facts);
        return FALSE;
    }
    json_object_set_new(facts, "file", json_string(valid_name));
    json_object_set_new(facts, "path", json_string(valid));
    return json_write(path, facts, sha256, error) && work_publish(work, ".slide", path, sha256, error);
}
