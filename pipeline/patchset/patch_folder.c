/* Reading the manifest and the recipe of given patches. */
#include "pipeline/patchset/patch_folder.h"
#include "base/error.h"
#include "base/former_names.h"
#include "base/listing.h"
#include "pipeline/slide/tile_recipe.h"
#include "pipeline/write/json.h"
#include "tiler/patches/patchset.h"
#include <math.h>

GPtrArray *patch_folder_manifest(const char *path, GError **error)
{
    GError *why = NULL;
    GPtrArray *patches = patchset_read_manifest(path, &why);
    if (former_name_caused(why)) {
        g_propagate_prefixed_error(error, why, "the manifest of the patches: ");
    } else if (g_error_matches(why, WSI_ERROR, WSI_ERROR_INPUT)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "the manifest of the patches: %s; if another program made it, rename it: "
                    "the slides are then taken from the names of the images (SLIDE_NNNNNN)",
                    why->message);
        g_clear_error(&why);
    } else if (why) {
        g_propagate_error(error, why);
    }
    return patches;
}

/* The um/px that all patches of a manifest have; 0 when they differ. */
static gboolean manifest_mpp(const char *manifest, double *mpp, GError **error)
{
    FileKind kind;
    *mpp = 0;
    if (!listing_kind(manifest, &kind, error)) {
        return FALSE;
    }
    if (kind == FILE_ABSENT) {
        return TRUE;
    }
    g_autoptr(GPtrArray) patches = patch_folder_manifest(manifest, error);
    for (guint i = 0; patches && i < patches->len; i++) {
        double one = ((const Patch *)patches->pdata[i])->mpp;
        *mpp = i == 0 ? (isfinite(one) ? MAX(one, 0) : 0) : *mpp == one ? one : 0;
    }
    return patches != NULL;
}

gboolean patch_folder_recipe(const char *folder, TileRecipe *out, GError **error)
{
    g_autofree char *path = g_build_filename(folder, TILE_RECIPE_FILE, NULL);
    g_autofree char *manifest = g_build_filename(folder, "manifest.csv", NULL);
    FileKind kind;
    if (!listing_kind(path, &kind, error)) {
        return FALSE;
    }
    if (kind != FILE_ABSENT) {
        json_auto_t *json = json_read(path, error);
        return json && tile_recipe_parse(json, path, out, error);
    }
    *out = (TileRecipe){.unknown = RECIPE_FILTER | RECIPE_ICC | RECIPE_STAIN};
    return manifest_mpp(manifest, &out->cut.mpp, error);
}
