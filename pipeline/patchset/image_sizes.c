/* Sizes of images.
 *
 * An image that has not the size of the model's tiles is resampled, and stretched when it is not square.  That may be intended (small images
 * are enlarged for the extractor) or a mistake, so it is always reported with counts. */
#include "pipeline/patchset/image_sizes.h"

enum { MOST_NAMED = 4 };

void image_sizes_add(GArray *sizes, int width, int height)
{
    for (guint i = 0; i < sizes->len; i++) {
        ImageSize *one = &g_array_index(sizes, ImageSize, i);
        if (one->width == width && one->height == height) {
            one->count++;
            return;
        }
    }
    ImageSize fresh = {width, height, 1};
    g_array_append_val(sizes, fresh);
}

int image_sizes_side(const GArray *sizes)
{
    const ImageSize *first = sizes->len == 1 ? &g_array_index(sizes, ImageSize, 0) : NULL;
    return first && first->width == first->height ? first->width : 0;
}

static gboolean fits(const ImageSize *one, int size)
{
    return one->width == size && one->height == size;
}

/* The number of images that are not size x size px. */
static int64_t resampled_images(const GArray *sizes, int size)
{
    int64_t n = 0;
    for (guint i = 0; i < sizes->len; i++) {
        const ImageSize *one = &g_array_index(sizes, ImageSize, i);
        n += fits(one, size) ? 0 : one->count;
    }
    return n;
}

static gint by_count(gconstpointer a, gconstpointer b)
{
    const ImageSize *x = a, *y = b;
    return x->count != y->count   ? (x->count < y->count ? 1 : -1)
           : x->width != y->width ? x->width - y->width
                                  : x->height - y->height;
}

char *image_sizes_text(const GArray *sizes, int size)
{
    g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    int64_t resampled = resampled_images(sizes, size), total = 0, stretched = 0;
    for (guint i = 0; i < sizes->len; i++) {
        const ImageSize *one = &g_array_index(sizes, ImageSize, i);
        total += one->count;
        stretched += one->width != one->height ? one->count : 0;
        if (!fits(one, size)) {
            g_array_append_val(others, *one);
        }
    }
    if (resampled == 0) {
        return NULL;
    }
    g_array_sort(others, by_count);
    GString *out = g_string_new(NULL);
    g_string_append_printf(
        out, "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " images are not %d x %d px and were resampled",
        resampled, total, size, size);
    if (stretched > 0) {
        g_string_append_printf(out, ", %" G_GINT64_FORMAT " of them stretched because they are not square",
                               stretched);
    }
    for (guint i = 0; i < MIN(others->len, MOST_NAMED); i++) {
        const ImageSize *one = &g_array_index(others, ImageSize, i);
        g_string_append_printf(out, "%s%" G_GINT64_FORMAT " of %d x %d px", i ? ", " : ": ", one->count,
                               one->width, one->height);
    }
    if (others->len > MOST_NAMED) {
        g_string_append_printf(out, " and %u more sizes", others->len - MOST_NAMED);
    }
    return g_string_free(out, FALSE);
}

json_t *image_sizes_json(GArray *sizes, int size)
{
    json_t *list = json_array();
    int64_t total = 0;
    g_array_sort(sizes, by_count);
    for (guint i = 0; i < sizes->len; i++) {
        const ImageSize *one = &g_array_index(sizes, ImageSize, i);
        total += one->count;
        json_array_append_new(list, json_pack("{s:i, s:i, s:I}", "width", one->width, "height", one->height,
                                              "images", (json_int_t)one->count));
    }
    return json_pack("{s:i, s:I, s:I, s:o}", "size", size, "images", (json_int_t)total, "resampled",
                     (json_int_t)resampled_images(sizes, size), "sizes", list);
}

char *image_sizes_text_of_json(const json_t *json)
{
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(ImageSize));
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(json, "sizes"), i, one)
    {
        ImageSize size = {(int)json_integer_value(json_object_get(one, "width")),
                          (int)json_integer_value(json_object_get(one, "height")),
                          json_integer_value(json_object_get(one, "images"))};
        g_array_append_val(sizes, size);
    }
    return image_sizes_text(sizes, (int)json_integer_value(json_object_get(json, "size")));
}
