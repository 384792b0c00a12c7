/* regions.geojson says by how much its frame differs from level 0 (region_files.c). */
#include "pipeline/view/region_list.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/write/json.h"
#include <math.h>

static void region_free(gpointer data)
{
    Region *region = data;
    g_free(region->id);
    if (region->shape) {
        g_ptr_array_unref(region->shape);
    }
    g_free(region);
}

static double measurement(const json_t *properties, const char *name)
{
    const json_t *value = json_object_get(json_object_get(properties, "measurements"), name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static gboolean add_region(GPtrArray *regions, const json_t *feature, double dx, double dy, GError **error)
{
    const json_t *properties = json_object_get(feature, "properties");
    const char *id = json_string_value(json_object_get(feature, "id"));
    Region *region = g_new0(Region, 1);
    g_ptr_array_add(regions, region);
    region->id = g_strdup(id);
    region->rank = (int)regions->len;
    region->area_um2 = measurement(properties, "Area µm^2");
    region->maximum = measurement(properties, "Score maximum");
    region->mean = measurement(properties, "Score mean");
    region->shape =
        shape_read(json_object_get(json_object_get(feature, "geometry"), "coordinates"), dx, dy, error);
    return region->shape && (id || wsi_error_input(error, "feature %u has no id", regions->len));
}

GPtrArray *region_list_read(const char *path, gboolean *found, GError **error)
{
    g_autoptr(GPtrArray) regions = g_ptr_array_new_with_free_func(region_free);
    FileKind kind;
    if (!listing_kind(path, &kind, error)) {
        return NULL;
    }
    *found = kind == FILE_REGULAR;
    json_auto_t *root = *found ? json_read(path, error) : NULL;
    if (*found && !root) {
        return NULL;
    }
    const json_t *facts = json_object_get(root, "wsiflow"), *features = json_object_get(root, "features");
    const double dx = json_number_value(json_object_get(facts, "offset_x_px")),
                 dy = json_number_value(json_object_get(facts, "offset_y_px"));
    for (size_t i = 0; i < json_array_size(features); i++) {
        if (!add_region(regions, json_array_get(features, i), dx, dy, error)) {
            g_prefix_error(error, "%s: ", path);
            return NULL;
        }
    }
    return g_steal_pointer(&regions);
}

const Region *region_list_find(const GPtrArray *regions, const char *id)
{
    for (guint i = 0; i < regions->len; i++) {
        const Region *region = regions->pdata[i];
        if (g_str_equal(region->id, id)) {
            return region;
        }
    }
    return NULL;
}
