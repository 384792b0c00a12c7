/* Patch sets on disk.
 *
 * Names are made of parts that come from slides and tables; each part is reduced to letters, digits, '.',
 * '_' and '-', and a leading dot is replaced, so no name leaves its folder or hides.  A path in a manifest
 * is checked the same way before anybody uses it.  Loaders of these sets (MVTec's, BMAD's, MSFlow's) sort
 * names as strings: numbers are padded with zeros. */
#include "tiler/patchset.h"
#include "tiler/picture.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

static const char *const columns[] = {
    "file",         "slide",        "patient",     "x",     "y",     "level", "mpp",
    "tissue_share", "lesion_share", "valid_share", "label", "split", "sha256"};

void patch_clear(Patch *patch)
{
    g_free(patch->file);
    g_free(patch->slide);
    g_free(patch->patient);
    g_free(patch->label);
    g_free(patch->split);
    memset(patch, 0, sizeof *patch);
}

/* One part of a path, from any text. */
static char *safe_part(const char *text)
{
    char *part = g_strdup(*text ? text : "_");
    for (char *c = part; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c)) {
            *c = '_';
        }
    }
    if (part[0] == '.') {
        part[0] = '_';
    }
    return part;
}

/* As safe_part, but different texts give different parts: what had to be changed gets a hash of the
 * original. */
static char *unique_part(const char *text)
{
    char *part = safe_part(text);
    if (g_str_equal(part, text)) {
        return part;
    }
    char *marked = g_strdup_printf("%s-%08x", part, (unsigned)rng_name(text));
    g_free(part);
    return marked;
}

char *patchset_name(const char *split, const char *label, const char *slide, int number)
{
    g_autofree char *folder = safe_part(split), *class = safe_part(label), *stem = unique_part(slide);
    return g_strdup_printf("%s/%s/%s_%06d.png", folder, class, stem, number);
}

/* A relative path of plain parts. */
static gboolean is_safe_file(const char *file)
{
    g_auto(GStrv) parts = g_strsplit(file, "/", -1);
    for (int i = 0; parts[i]; i++) {
        g_autofree char *safe = safe_part(parts[i]);
        if (!g_str_equal(safe, parts[i])) {
            return FALSE;
        }
    }
    return parts[0] != NULL;
}

static gboolean write_mask(const char *root, const Patch *patch, const Image *mask, GError **error)
{
    g_autofree char *name = g_path_get_basename(patch->file);
    char *dot = strrchr(name, '.');
    if (dot) {
        *dot = 0;
    }
    g_autofree char *file = g_strconcat(name, "_mask.png", NULL);
    g_autofree char *path = g_build_filename(root, "ground_truth", "Ungood", file, NULL);
    g_autoptr(Image) binary = image_new(mask->width, mask->height, 1, error);
    if (!binary) {
        return FALSE;
    }
    for (size_t i = 0; i < image_bytes(binary); i++) {
        binary->pixels[i] = mask->pixels[i * mask->channels] ? 255 : 0;
    }
    return picture_write_png(path, binary, NULL, error);
}

gboolean patchset_write(const char *root, Patch *patch, const Image *rgb, const Image *mask, GError **error)
{
    if (!is_safe_file(patch->file)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "\"%s\" is no file name inside a patch set",
                    patch->file);
        return FALSE;
    }
    if (mask && g_str_equal(patch->label, "Ungood") && !write_mask(root, patch, mask, error)) {
        return FALSE;
    }
    g_autofree char *path = g_build_filename(root, patch->file, NULL);
    return picture_write_png(path, rgb, patch->sha256, error);
}

/* A share or resolution with fixed precision, whatever the locale. */
static void number_cell(GString *out, double value, const char *format, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE] = "";
    if (isfinite(value)) {
        g_ascii_formatd(text, sizeof text, format, value);
    }
    csv_cell(out, text, end);
}

static void append_patch(GString *out, const Patch *patch)
{
    csv_cell(out, patch->file, ',');
    csv_cell(out, patch->slide, ',');
    csv_cell(out, patch->patient ? patch->patient : "", ',');
    g_string_append_printf(out, "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%d,", patch->x, patch->y,
                           patch->level);
    number_cell(out, patch->mpp, "%.6f", ',');
    number_cell(out, patch->tissue_share, "%.4f", ',');
    number_cell(out, patch->lesion_share, "%.4f", ',');
    number_cell(out, patch->valid_share, "%.4f", ',');
    csv_cell(out, patch->label, ',');
    csv_cell(out, patch->split, ',');
    csv_cell(out, patch->sha256, '\n');
}

gboolean patchset_write_manifest(const char *path, const GPtrArray *patches, char sha256[65], GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
        csv_cell(text, columns[c], c + 1 < G_N_ELEMENTS(columns) ? ',' : '\n');
    }
    for (guint i = 0; i < patches->len; i++) {
        append_patch(text, patches->pdata[i]);
    }
    return durable_write_file(path, text->str, text->len, sha256, error);
}

static void patch_free(gpointer data)
{
    Patch *patch = data;
    patch_clear(patch);
    g_free(patch);
}

/* A whole number that must be there, at most `limit` in size. */
static gboolean read_integer(const char *path, const Csv *csv, int row, int column, double limit,
                             int64_t *out, GError **error)
{
    double value;
    if (!csv_number(csv, row, column, &value, error)) {
        return FALSE;
    }
    if (!(fabs(value) <= limit) || value != floor(value)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %d, column \"%s\": \"%s\" is not a whole number up to %.0f", path,
                    csv_line(csv, row), csv_get(csv, -1, column), csv_get(csv, row, column), limit);
        return FALSE;
    }
    *out = (int64_t)value;
    return TRUE;
}

/* Shares and resolution may be empty: NAN. */
static gboolean read_numbers(const char *path, const Csv *csv, int row, const int *at, Patch *patch,
                             GError **error)
{
    int64_t level;
    if (!read_integer(path, csv, row, at[3], 1e12, &patch->x, error) ||
        !read_integer(path, csv, row, at[4], 1e12, &patch->y, error) ||
        !read_integer(path, csv, row, at[5], 1000, &level, error)) {
        return FALSE;
    }
    patch->level = (int)level;
    return csv_number(csv, row, at[6], &patch->mpp, error) &&
           csv_number(csv, row, at[7], &patch->tissue_share, error) &&
           csv_number(csv, row, at[8], &patch->lesion_share, error) &&
           csv_number(csv, row, at[9], &patch->valid_share, error);
}

static gboolean read_patch(const char *path, const Csv *csv, int row, const int *at, Patch *patch,
                           GError **error)
{
    patch->file = g_strdup(csv_get(csv, row, at[0]));
    patch->slide = g_strdup(csv_get(csv, row, at[1]));
    patch->patient = g_strdup(csv_get(csv, row, at[2]));
    patch->label = g_strdup(csv_get(csv, row, at[10]));
    patch->split = g_strdup(csv_get(csv, row, at[11]));
    g_strlcpy(patch->sha256, csv_get(csv, row, at[12]), sizeof patch->sha256);
    if (!is_safe_file(patch->file)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %d: \"%s\" is no file name inside a patch set", path, csv_line(csv, row),
                    patch->file);
        return FALSE;
    }
    return read_numbers(path, csv, row, at, patch, error);
}

GPtrArray *patchset_read_manifest(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int at[G_N_ELEMENTS(columns)];
    if (!csv) {
        return NULL;
    }
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
        if ((at[c] = csv_need(csv, columns[c], error)) < 0) {
            return NULL;
        }
    }
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func(patch_free);
    for (int row = 0; row < csv_rows(csv); row++) {
        Patch *patch = g_new0(Patch, 1);
        g_ptr_array_add(patches, patch);
        if (!read_patch(path, csv, row, at, patch, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&patches);
}
