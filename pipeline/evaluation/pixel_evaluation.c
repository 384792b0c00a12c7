/* Pixels of score maps in folders. */
#include "pipeline/evaluation/pixel_evaluation.h"
#include "base/error.h"
#include "pipeline/cohort/folder_files.h"
#include "pipeline/evaluation/pixel_set.h"
#include "pipeline/scoring/npy.h"
#include "tiler/label_mask/label_mask.h"
#include <string.h>

static gboolean take_row(void *data, int64_t y, const uint8_t *values, GError **error)
{
    Image *mask = data;
    memcpy(mask->pixels + (size_t)y * (size_t)mask->width, values, (size_t)mask->width);
    return TRUE;
}

/* The mask of a map; *mask stays NULL when there is no file. */
static gboolean read_mask(const char *folder, const char *name, const Map *map, Image **mask, GError **error)
{
    static const char *const suffixes[] = {".png", ".tif", ".tiff"};
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(name, suffixes[i], NULL);
        g_autofree char *path = g_build_filename(folder, file, NULL);
        FileKind kind;
        if (!listing_kind(path, &kind, error)) {
            return FALSE;
        }
        if (kind == FILE_ABSENT) {
            continue;
        }
        g_autoptr(LabelMask) labels = label_mask_open(path, error);
        if (!labels) {
            return FALSE;
        }
        if (label_mask_width(labels) != map->width || label_mask_height(labels) != map->height) {
            return wsi_error_input(
                error, "%s has %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px, but the map has %d x %d", path,
                label_mask_width(labels), label_mask_height(labels), map->width, map->height);
        }
        *mask = image_new(map->width, map->height, 1, error);
        return *mask && label_mask_read(labels, take_row, *mask, error);
    }
    return TRUE;
}

static gboolean read_all(PixelSet *pixels, const char *maps, const char *masks, GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("--maps", maps, error);
    g_autoptr(GPtrArray) others = names ? folder_list("--masks", masks, error) : NULL;
    int count = 0;
    for (guint i = 0; others && i < names->len; i++) {
        if (!g_str_has_suffix(names->pdata[i], ".npy") || *(const char *)names->pdata[i] == '.') {
            continue;
        }
        g_autofree char *path = g_build_filename(maps, names->pdata[i], NULL);
        g_autofree char *name = g_strndup(names->pdata[i], strlen(names->pdata[i]) - 4);
        g_autoptr(Map) map = npy_read(path, error);
        g_autoptr(Image) mask = NULL;
        if (!map || !read_mask(masks, name, map, &mask, error) ||
            !pixel_set_add(pixels, g_steal_pointer(&map), mask, NULL, error)) {
            return FALSE;
        }
        count++;
    }
    return others && (count > 0 || wsi_error_input(error, "%s has no NAME.npy", maps));
}

json_t *pixel_evaluation(const char *maps, const char *masks, GError **error)
{
    g_autoptr(PixelSet) pixels = pixel_set_new();
    return read_all(pixels, maps, masks, error) ? pixel_set_metrics(pixels, "image", "images", error) : NULL;
}

/* Appends "  NAME VALUE" and " (LOW to HIGH)" where there is an interval. */
static void put(GString *out, const json_t *metrics, const char *key, const char *name)
{
    const json_t *value = json_object_get(metrics, key);
    const json_t *interval = json_object_get(json_object_get(metrics, "intervals"), key);
    char text[3][G_ASCII_DTOSTR_BUF_SIZE];
    if (!value) {
        return;
    }
    const json_t *numbers[] = {value, json_object_get(interval, "low"), json_object_get(interval, "high")};
    for (int i = 0; i < 3; i++) {
        g_ascii_formatd(text[i], sizeof text[i], "%.4f", json_number_value(numbers[i]));
    }
    g_string_append_printf(out, "  %s %s", name, text[0]);
    if (interval) {
        g_string_append_printf(out, " (%s to %s)", text[1], text[2]);
    }
}

char *pixel_evaluation_text(const json_t *metrics)
{
    GString *out = g_string_new(NULL);
    const char *why = json_string_value(json_object_get(metrics, "absent"));
    const char *few = json_string_value(json_object_get(json_object_get(metrics, "intervals"), "absent"));
    g_string_append_printf(out,
                           "%d images (%d without mask: normal), %d pixels, %d without a score, %d regions\n",
                           (int)json_integer_value(json_object_get(metrics, "images")),
                           (int)json_integer_value(json_object_get(metrics, "without_mask")),
                           (int)json_integer_value(json_object_get(metrics, "pixels")),
                           (int)json_integer_value(json_object_get(metrics, "without_score")),
                           (int)json_integer_value(json_object_get(metrics, "regions")));
    put(out, metrics, "auroc", "AUROC");
    put(out, metrics, "average_precision", "average precision");
    put(out, metrics, "prevalence", "prevalence");
    put(out, metrics, "best_f1", "best F1");
    put(out, metrics, "threshold", "threshold");
    put(out, metrics, "aupro", "AUPRO up to 0.3");
    g_string_append_c(out, '\n');
    if (why || few) {
        g_string_append_printf(out, "  %s%s\n", few ? "no intervals: " : "", few ? few : why);
    }
    return g_string_free(out, FALSE);
}
