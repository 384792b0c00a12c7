/* What the page asks for as data: the run, the list of slides, one slide. */
#include "pipeline/cohort/slide_entry.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/view/map_store.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/slide_summary.h"
#include "pipeline/view/slide_tiles.h"
#include "pipeline/write/json.h"
#include "tiler/heatmap/colour_map.h"
#include <math.h>

/* File names may hold any bytes; JSON is UTF-8. */
static json_t *text_json(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

static json_t *names_json(const char *const *names)
{
    json_t *out = json_array();
    for (; *names; names++) {
        json_array_append_new(out, json_string(*names));
    }
    return out;
}

/* ---- the run ---- */

static json_t *colours_json(const char *chosen)
{
    json_t *maps = json_object();
    g_autofree const char **names = colour_map_names();
    for (const char **name = names; *name; name++) {
        const uint8_t(*colours)[3] = colour_map_find(*name);
        json_t *one = json_array();
        for (int i = 0; i < 256; i++) {
            char text[7];
            g_snprintf(text, sizeof text, "%02x%02x%02x", colours[i][0], colours[i][1], colours[i][2]);
            json_array_append_new(one, json_string(text));
        }
        json_object_set_new(maps, *name, one);
    }
    return json_pack("{s:s, s:o}", "default", chosen, "maps", maps);
}

static json_t *range_json(const HeatmapLook *look)
{
    return json_pack("{s:f, s:f, s:o, s:s?, s:s}", "low", look->low, "high", look->high, "threshold",
                     json_number_or_null(look->threshold.value), "threshold_source", look->threshold.source,
                     "unit", "standard deviations of normal tiles");
}

static json_t *name_json(const RunView *run)
{
    const char *name = run_view_config(run)->run_name;
    g_autofree char *folder = g_path_get_basename(run_view_folder(run));
    return text_json(name && *name ? name : folder);
}

static json_t *models_json(const View *view)
{
    json_t *models = json_array();
    for (int i = 0; i < VIEW_RUNS && view->runs[i]; i++) {
        json_array_append_new(models, json_pack("{s:o}", "name", name_json(view->runs[i])));
    }
    return models;
}

/* The slides of `run` that `other` does not have. */
static json_t *unmatched_json(const RunView *run, const RunView *other)
{
    json_t *out = json_array();
    for (guint i = 0; i < run_view_slides(run)->len; i++) {
        const SlideEntry *entry = run_view_slides(run)->pdata[i];
        if (run_view_find(other, entry->id) < 0) {
            json_array_append_new(out, text_json(entry->id));
        }
    }
    return out;
}

static json_t *compare_json(const View *view)
{
    return view->runs[1] ? json_pack("{s:o, s:o}", "only_here", unmatched_json(view->runs[0], view->runs[1]),
                                     "only_there", unmatched_json(view->runs[1], view->runs[0]))
                         : json_null();
}

/* The state of the run; NULL with *reply when it cannot be read. */
static const RunState *state_of(const View *view, WebReply **reply)
{
    g_autoptr(GError) error = NULL;
    const RunState *state = run_view_state(view->runs[0], &error);
    if (!state) {
        *reply = web_reply_error(503, "%s", error->message);
    }
    return state;
}

WebReply *route_run(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    g_autoptr(RunState) state = (RunState *)state_of(view, &reply);
    if (!state) {
        return reply;
    }
    json_t *json =
        json_pack("{s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s?, s:o, s:b}", "name",
                  name_json(view->runs[0]), "version", WSIFLOW_VERSION, "slides",
                  (int)run_view_slides(view->runs[0])->len, "models", models_json(view), "range",
                  range_json(&state->look), "colours", colours_json(state->look.colours), "reasons",
                  names_json(review_reasons), "region_states", names_json(review_region_states),
                  "slide_states", names_json(review_slide_states), "drawn_labels",
                  names_json(review_drawn_labels), "read_only", review_desk_read_only(view->desk), "compare",
                  compare_json(view), "other_cohort", (int)state->other_cohort);
    return web_reply_json(200, json);
}

/* ---- the list of slides ---- */

static json_t *review_json(const ReviewCounts *counts)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:i}", "state", counts ? counts->state : review_slide_states[0],
                     "note", counts ? counts->note : "", "confirmed", counts ? counts->confirmed : 0,
                     "rejected", counts ? counts->rejected : 0, "drawn", counts ? counts->drawn : 0);
}

/* null while the slide is not scored. */
static json_t *scores_json(const SlideSummary *summary)
{
    return isnan(summary->maximum)
               ? json_null()
               : json_pack("{s:o, s:o, s:o}", "max", json_number_or_null(summary->maximum), "top",
                           json_number_or_null(summary->top), "area", json_number_or_null(summary->area_mm2));
}

static json_t *listed_json(int id, const SlideEntry *entry, const SlideSummary *summary,
                           const ReviewCounts *counts)
{
    return json_pack("{s:i, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", id, "name", text_json(entry->id),
                     "split", text_json(entry->split), "label", slide_label_name(entry->label), "state",
                     summary->state, "reason", summary->reason ? text_json(summary->reason) : json_null(),
                     "scores", scores_json(summary), "review", review_json(counts), "regions",
                     summary->regions < 0 ? json_null() : json_integer(summary->regions));
}

WebReply *route_slides(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    g_autoptr(RunState) state = (RunState *)state_of(view, &reply);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) all = state ? slide_summaries(view->runs[0], state, &error) : NULL;
    if (!all) {
        return reply ? reply : web_reply_error(503, "%s", error->message);
    }
    json_t *list = json_array();
    for (guint i = 0; i < all->len; i++) {
        const SlideEntry *entry = run_view_slides(view->runs[0])->pdata[i];
        json_array_append_new(list, listed_json((int)i, entry, &g_array_index(all, SlideSummary, i),
                                                run_state_review(state, entry->id)));
    }
    return web_reply_json(200, list);
}

/* ---- one slide ---- */

/* The maps of the slide, by model; why there is none goes into `problems`. */
static json_t *maps_json(const View *view, const char *slide, json_t *problems)
{
    json_t *out = json_array();
    for (int m = 0; m < VIEW_RUNS && view->runs[m]; m++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RunState) state = (RunState *)run_view_state(view->runs[m], &error);
        g_autoptr(GBytes) map = state ? map_store_get(view, view->runs[m], state, slide, &error) : NULL;
        if (map) {
            const MapHold *hold = map_tiles_hold(map);
            json_array_append_new(out, json_pack("{s:i, s:i, s:i, s:o, s:o}", "model", m, "width",
                                                 hold->map->width, "height", hold->map->height, "low",
                                                 json_number_or_null(hold->low), "high",
                                                 json_number_or_null(hold->high)));
        } else {
            g_autofree char *text = g_strdup_printf("%s: %s", run_view_folder(view->runs[m]),
                                                    error ? error->message : "no score map of this slide");
            json_array_append_new(problems, text_json(text));
        }
    }
    return out;
}

/* Adds why the pictures of the slide cannot be shown, or are not those of the run. */
static void add_problem(const View *view, const SlideEntry *entry, json_t *problems)
{
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_pool_take(view->slides, run_view_config(view->runs[0]), entry, &error);
    if (!slide) {
        g_prefix_error(&error, "the slide cannot be shown: ");
    } else {
        slide_pool_give(view->slides, slide);
        slide_entry_check_unchanged(entry, &error);
    }
    if (error) {
        json_array_append_new(problems, text_json(error->message));
    }
}

static json_t *has_json(const RunState *state, const SlideEntry *entry)
{
    return json_pack("{s:b, s:b, s:b}", "regions",
                     run_state_find(state, "regions", entry->id, "regions") != NULL, "tissue",
                     run_state_find(state, "tissue", entry->id, ".outlines") != NULL, "annotation",
                     entry->annotation != NULL);
}

/* The run has no facts of the slide: it could not be read, or its turn has not come. */
static WebReply *unopened(const RunState *state, const char *slide)
{
    for (guint i = 0; i < state->rows->len; i++) {
        const JobRow *row = state->rows->pdata[i];
        if (row->error && g_str_equal(row->stage, "ingest") && g_str_equal(row->unit, slide)) {
            return web_reply_error(404, "slide %s could not be read by the run: %s", slide, row->error);
        }
    }
    return web_reply_error(404, "slide %s has not been read by the run yet", slide);
}

WebReply *route_slide(const WebRequest *request, void *data)
{
    const View *view = data;
    WebReply *reply = NULL;
    const SlideEntry *entry = view_slide(view, request, &reply);
    g_autoptr(RunState) state = entry ? (RunState *)state_of(view, &reply) : NULL;
    if (!state) {
        return reply;
    }
    const json_t *facts = slide_json_record(state->records, entry->id);
    if (!facts) {
        return unopened(state, entry->id);
    }
    int64_t width = json_integer_value(json_object_get(facts, "width")),
            height = json_integer_value(json_object_get(facts, "height"));
    json_t *problems = json_array(), *maps = maps_json(view, entry->id, problems);
    add_problem(view, entry, problems);
    json_t *json = json_pack(
        "{s:i, s:o, s:I, s:I, s:O?, s:O?, s:O?, s:i, s:i, s:o, s:o, s:o}", "id", (int)request->numbers[0],
        "name", text_json(entry->id), "width", (json_int_t)width, "height", (json_int_t)height, "mpp_x",
        json_object_get(facts, "mpp_x"), "mpp_y", json_object_get(facts, "mpp_y"), "bounds",
        json_object_get(facts, "bounds"), "tile", VIEW_TILE, "max_zoom", slide_tiles_zoom(width, height),
        "maps", maps, "has", has_json(state, entry), "problems", problems);
    return web_reply_json(200, json);
}
