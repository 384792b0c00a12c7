/* ingest: what is this slide?  Geometry, resolution and where it comes from, bounds, identity.
 *
 * The record holds an allow-list of facts, never the vendor's free texts: those can name a patient. */
#include "pipeline/write/json.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/job/stages.h"
#include "pipeline/slide/slide_grid.h"

/* Two files: what other stages depend on, and the same for people, with the slide's name and path.  A slide that is moved is not scored
 * again. */
gboolean stage_ingest(Work *work, GError **error)
{
    g_autoptr(Slide) slide = slide_entry_open(work->run->config, work->slide, error);
    if (!slide || !slide_grid_check_mpp(slide, error)) {
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
