/* A map is known by the hash of its file, so a run that goes on brings new maps and never a mixture. */
#include "pipeline/view/map_store.h"

GBytes *map_store_get(const View *view, const RunView *run, const RunState *state, const char *slide,
                      GError **error)
{
    const Artefact *file = run_state_find(state, "score", slide, "map");
    if (!file) {
        return NULL;
    }
    GBytes *map = byte_cache_get(view->maps, file->sha256);
    if (!map) {
        static GMutex
            reading; /* one at a time, so that many requests do not read many large maps, or one many times */
        g_mutex_lock(&reading);
        map = byte_cache_get(view->maps, file->sha256);
        if (!map) {
            g_autofree char *path = g_build_filename(run_view_folder(run), file->path, NULL);
            map = map_tiles_read(path, error);
            if (map) {
                byte_cache_put(view->maps, file->sha256, map);
            }
        }
        g_mutex_unlock(&reading);
    }
    return map;
}
