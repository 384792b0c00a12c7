/* The slide's own stain comes from the stage `stain`, the target from the configuration. */
#include "pipeline/slide/coloured_slide.h"
#include "pipeline/slide/tile_recipe.h"

Slide *coloured_slide_open(const Work *work, const SlideEntry *entry, GError **error)
{
    const Config *config = work->run->config;
    g_autofree char *path = work_find(work, "stain", entry->id, "fit");
    g_autoptr(Slide) slide = slide_entry_open(config, entry, error);
    return slide && tile_recipe_colour_by_config(config, slide, path, error) ? g_steal_pointer(&slide) : NULL;
}
