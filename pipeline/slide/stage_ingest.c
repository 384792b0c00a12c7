/* ingest: the facts of a slide: geometry, resolution and its source, bounds, fingerprint.
 *
 * The record is an allow-list and never holds the vendor's free texts, which can name a patient. */
#include "pipeline/job/stages.h"
#include "pipeline/slide/slide_grid.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/write/json.h"

/* Two files: content.json, on which other stages depend, and slide.json, the same for people with the slide's name and path.  So a slide
 * that is moved is not scored again. */
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
    g_autofree char *shown_name = g_utf8_make_valid(name, -1),
                    *shown_path = g_utf8_make_valid(work->slide->path, -1);
    if (!json_write(content, json_incref(facts), sha256, error) ||
        !work_publish(work, "content", content, sha256, error)) {
        json_decref(facts);
        return FALSE;
    }
    json_object_set_new(facts, "file", json_string(shown_name));
    json_object_set_new(facts, "path", json_string(shown_path));
    return json_write(path, facts, sha256, error) && work_publish(work, ".slide", path, sha256, error);
}
