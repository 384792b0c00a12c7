/* regions: what the score map of a slide shows at the threshold. */
#include "pipeline/job/stages.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/scoring/region_files.h"
#include "pipeline/write/json.h"

static gboolean publish(Work *work, int files, json_t *facts, char sha256[REGION_FILES][65], GError **error)
{
    static const char *const names[REGION_FILES] = {"regions", "detections", "mask", "tiles"};
    char facts_sha256[65];
    g_autofree char *facts_path = work_output(work, "regions.json");
    gboolean good = json_write(facts_path, facts, facts_sha256, error) &&
                    work_publish(work, "facts", facts_path, facts_sha256, error);
    for (int i = 0; good && i < files; i++) {
        g_autofree char *path = work_output(work, region_files[i]);
        good = work_publish(work, names[i], path, sha256[i], error);
    }
    return good;
}

gboolean stage_regions(Work *work, GError **error)
{
    g_autofree char *map_path = work_input(work, "score", "map", error);
    g_autoptr(Map) map = map_path ? npy_read(map_path, error) : NULL;
    g_autofree char *scores = map ? work_input(work, "score", "scores", error) : NULL;
    g_autoptr(Slide) slide = scores ? slide_entry_open(work->run->config, work->slide, error) : NULL;
    MapThreshold threshold;
    if (!slide || !map_threshold_of_run(work, &threshold, error)) {
        return FALSE;
    }
    RegionOptions options = region_files_options(work->run->config, threshold);
    g_autofree char *patches = work_find(work, "cut", work->slide->id, "patches");
    options.slide = work->slide->id;
    options.scores = scores;
    options.patches = patches;
    g_autofree char *folder = work_output(work, "");
    char sha256[REGION_FILES][65];
    json_t *facts;
    return region_files_write(folder, &options, slide_info(slide), map, &facts, sha256, error) &&
           publish(work, region_files_count(&options), facts, sha256, error);
}
