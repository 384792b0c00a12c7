/* Patch sets on disk.
 *
 * Names consist of parts that come from slides and tables.  Each part is reduced to letters, digits, '.',
 * '_' and '-', and a leading dot is replaced, so no name leads outside of its folder or to a hidden file.  A path in a manifest
 * is checked in the same way before use.  Loaders of these sets (MVTec's, BMAD's, MSFlow's) sort
 * names as strings, so numbers are padded with zeros. */
#include "tiler/patches/patchset.h"
#include "tiler/imagefile/imagefile.h"
#include "tiler/tissue/quality.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define OTHER_SET "../dataset_"
#define MASKS "ground_truth/Ungood/"

static const char *const columns[] = {"file",
                                      "slide",
                                      "patient",
                                      "x",
                                      "y",
                                      "level",
                                      "mpp",
                                      "tissue_fraction",
                                      "lesion_fraction",
                                      "readable_fraction",
                                      "label",
                                      "split",
                                      "sha256"};
/* Columns that were added later, so older manifests lack them. */
static const char *const later_columns[] = {"fold", "pixels", "flags", "side", "slide_file"};
/* Only in a manifest with such patches. */
#define HARD_COLUMN "hard"

const char *patch_patient(const Patch *patch)
{
    return patch->patient && *patch->patient ? patch->patient : patch->slide;
}

void patch_clear(Patch *patch)
{
    g_free(patch->file);
    g_free(patch->slide);
    g_free(patch->patient);
    g_free(patch->slide_file);
    g_free(patch->label);
    g_free(patch->split);
    memset(patch, 0, sizeof *patch);
}

void patch_free(Patch *patch)
{
    patch_clear(patch);
    g_free(patch);
}

/* Makes one part of a path from any text. */
static char *safe_part(const char *text)
{
    char *part = g_strdup(*text ? text : "_");
    /* Each byte of a character beyond ASCII becomes one '_'. */
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

/* The same, but different texts give different parts: a text that had to be changed gets a hash of the
 * original. */
static char *unique_part(const char *text)
{
    char *part = safe_part(text);
    if (g_str_equal(part, text)) {
        return part;
    }
    /* 32 bits of the hash keep "a b" and "a_b" apart. */
    char *marked = g_strdup_printf("%s-%08x", part, (unsigned)rng_name(text));
    g_free(part);
    return marked;
}

char *patchset_key(const char *slide, int number)
{
    /* A dot would end the key of a sample (shard.h), so dots are replaced, and the name then gets a hash. */
    g_autofree char *safe = unique_part(slide), *plain = g_strdelimit(g_strdup(safe), ".", '_');
    if (g_str_equal(safe, plain)) {
        return g_strdup_printf("%s_%06d", plain, number);
    }
    return g_strdup_printf("%s-%08x_%06d", plain, (unsigned)rng_name(slide), number);
}

char *patchset_name(const char *split, const char *label, const char *slide, int number,
                    const char *extension)
{
    g_autofree char *folder = safe_part(split), *class = safe_part(label), *stem = unique_part(slide);
    /* Loaders would take valid/ for test images, so it is next to the folder. */
    const char *parent = g_str_equal(folder, "valid") ? OTHER_SET : "";
    return g_strdup_printf("%s%s/%s/%s_%06d.%s", parent, folder, class, stem, number, extension);
}

/* The digits between the last '_' and the extension, at least six. */
int patchset_number(const char *file)
{
    const char *end = strrchr(file, '.'), *at = strrchr(file, '_');
    end = end && (!at || end > at) ? end : file + strlen(file);
    /* Only digits, and not more than an int holds. */
    gint64 number = 0;
    for (const char *c = at ? at + 1 : end; c < end; c++) {
        if (!g_ascii_isdigit(*c) || number > G_MAXINT / 20) {
            return -1;
        }
        number = number * 10 + (*c - '0');
    }
    /* At least six digits, as in SLIDE_000012. */
    return at && end - at > 6 ? (int)number : -1;
}

/* Every part between slashes must be one that safe_part() leaves unchanged: so not empty, and not "..". */
gboolean patchset_is_inside(const char *file)
{
    /* The only ".." that is allowed leads to ../dataset_NAME, next to the set. */
    g_auto(GStrv) parts =
        g_strsplit(g_str_has_prefix(file, OTHER_SET) ? file + strlen("../") : file, "/", -1);
    for (int i = 0; parts[i]; i++) {
        g_autofree char *safe = safe_part(parts[i]);
        if (!g_str_equal(safe, parts[i])) {
            return FALSE;
        }
    }
    /* That folder must have a name. */
    return parts[0] && !g_str_has_prefix(file, OTHER_SET "/") && !g_str_equal(file, OTHER_SET);
}

char *patchset_path(const char *root, const char *file)
{
    return g_canonicalize_filename(file, root);
}

char *patchset_unused_name(const char *file)
{
    return g_strconcat(OTHER_SET "unused/",
                       g_str_has_prefix(file, OTHER_SET) ? file + strlen(OTHER_SET) : file, NULL);
}

char *patchset_mask_name(const Patch *patch)
{
    g_autofree char *name = g_path_get_basename(patch->file), *split = safe_part(patch->split);
    /* The mask has the name of the image with another ending. */
    char *dot = strrchr(name, '.');
    if (dot) {
        *dot = 0;
    }
    /* Loaders read masks of test images only; all others go next to the set. */
    return g_str_equal(split, "test") ? g_strdup_printf(MASKS "%s_mask.png", name)
                                      : g_strdup_printf(OTHER_SET "%s/" MASKS "%s_mask.png", split, name);
}

gboolean patchset_encode(const Image *rgb, int quality, GByteArray *out, GError **error)
{
    /* Quality 0 is PNG, which keeps the pixels. */
    return quality > 0 ? imagefile_encode_jpeg(rgb, quality, out, error)
                       : imagefile_encode_png(rgb, out, error);
}

gboolean patchset_encode_mask(const Image *mask, GByteArray *out, GError **error)
{
    /* The mask may have several channels, of which the first counts. */
    g_autoptr(Image) binary = image_new(mask->width, mask->height, 1, error);
    if (!binary) {
        return FALSE;
    }
    for (size_t i = 0; i < image_bytes(binary); i++) {
        binary->pixels[i] = mask->pixels[i * mask->channels] ? 255 : 0;
    }
    return imagefile_encode_png(binary, out, error);
}

gboolean patchset_holds(const char *root, const char *file, const GByteArray *bytes)
{
    char wanted[65], there[65];
    g_autofree char *path = patchset_path(root, file);
    struct stat now;
    /* The size first, since it is cheap; then the hash. */
    if (stat(path, &now) != 0 || now.st_size != bytes->len || !durable_hash_file(path, there, NULL, NULL)) {
        return FALSE;
    }
    /* Same size: compare the hashes. */
    durable_hash_bytes(bytes->data, bytes->len, wanted);
    return g_str_equal(there, wanted);
}

gboolean patchset_put(const char *root, const char *file, const GByteArray *bytes, GError **error)
{
    if (!patchset_is_inside(file)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "\"%s\" is not a file name inside a patch set", file);
        return FALSE;
    }
    g_autofree char *path = patchset_path(root, file);
    /* A file with the same bytes is left alone, so a second run writes nothing. */
    return patchset_holds(root, file, bytes) ||
           durable_write_file(path, bytes->data, bytes->len, NULL, error);
}

/* A number with fixed precision, whatever the locale; an empty cell when it is not finite. */
static void number_cell(GString *out, double value, const char *format, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE] = "";
    if (isfinite(value)) {
        g_ascii_formatd(text, sizeof text, format, value);
    }
    csv_cell(out, text, end);
}

/* Appends a line of the manifest, in the order of columns[] and later_columns[]. */
static void append_patch(GString *out, const Patch *patch, gboolean hard)
{
    csv_cell(out, patch->file, ',');
    csv_cell(out, patch->slide, ',');
    csv_cell(out, patch->patient ? patch->patient : "", ',');
    g_string_append_printf(out, "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%d,", patch->x, patch->y,
                           patch->level);
    /* Fixed precision keeps the file the same on every machine. */
    number_cell(out, patch->mpp, "%.6f", ',');
    number_cell(out, patch->tissue_fraction, "%.4f", ',');
    number_cell(out, patch->lesion_fraction, "%.4f", ',');
    number_cell(out, patch->readable_fraction, "%.4f", ',');
    csv_cell(out, patch->label, ',');
    csv_cell(out, patch->split, ',');
    csv_cell(out, patch->sha256, ',');
    /* Folds count from 1; without folds the cell is empty. */
    if (patch->fold > 0) {
        g_string_append_printf(out, "%d", patch->fold);
    }
    g_string_append_c(out, ',');
    csv_cell(out, patch->pixels, ',');
    g_autofree char *flags = quality_flags_text(patch->flags);
    csv_cell(out, flags, ',');
    number_cell(out, patch->side > 0 ? patch->side : NAN, "%.0f", ',');
    csv_cell(out, patch->slide_file ? patch->slide_file : "", hard ? ',' : '\n');
    if (hard) {
        csv_cell(out, patch->hard ? "1" : "0", '\n');
    }
}

static gboolean any_hard(const GPtrArray *patches)
{
    gboolean any = FALSE;
    for (guint i = 0; !any && i < patches->len; i++) {
        any = ((const Patch *)patches->pdata[i])->hard;
    }
    return any;
}

gboolean patchset_write_manifest(const char *path, const GPtrArray *patches, char sha256[65], GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const gboolean hard = any_hard(patches);
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
        csv_cell(text, columns[c], ',');
    }
    for (guint c = 0; c < G_N_ELEMENTS(later_columns); c++) {
        csv_cell(text, later_columns[c], hard || c + 1 < G_N_ELEMENTS(later_columns) ? ',' : '\n');
    }
    if (hard) {
        csv_cell(text, HARD_COLUMN, '\n');
    }
    for (guint i = 0; i < patches->len; i++) {
        append_patch(text, patches->pdata[i], hard);
    }
    return durable_write_file(path, text->str, text->len, sha256, error);
}

/* Reads a required whole number of at most `limit` in absolute value. */
static gboolean read_integer(const char *path, const Csv *csv, int row, int column, double limit,
                             int64_t *out, GError **error)
{
    /* NAN of an empty cell fails the comparison, so it is refused too. */
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

/* Fractions and resolution may be empty, which is NAN. */
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
           csv_number(csv, row, at[7], &patch->tissue_fraction, error) &&
           csv_number(csv, row, at[8], &patch->lesion_fraction, error) &&
           csv_number(csv, row, at[9], &patch->readable_fraction, error);
}

/* Reads the columns that may be missing. */
static gboolean read_later(const char *path, const Csv *csv, int row, Patch *patch, GError **error)
{
    /* Positions in this file; -1 = missing. */
    int fold = csv_column(csv, later_columns[0]), pixels = csv_column(csv, later_columns[1]),
        flags = csv_column(csv, later_columns[2]), side = csv_column(csv, later_columns[3]),
        slide_file = csv_column(csv, later_columns[4]), hard = csv_column(csv, HARD_COLUMN);
    int64_t number = 0, pixel = 0, is_hard = 0;
    if (fold >= 0 && *csv_get(csv, row, fold) && !read_integer(path, csv, row, fold, 1000, &number, error)) {
        return FALSE;
    }
    if (side >= 0 && *csv_get(csv, row, side) && !read_integer(path, csv, row, side, 1e9, &pixel, error)) {
        return FALSE;
    }
    if (hard >= 0 && !read_integer(path, csv, row, hard, 1, &is_hard, error)) {
        return FALSE;
    }
    patch->hard = is_hard != 0;
    patch->slide_file = g_strdup(slide_file >= 0 ? csv_get(csv, row, slide_file) : "");
    patch->fold = (int)number;
    patch->side = (double)MAX(pixel, 0);
    g_strlcpy(patch->pixels, pixels >= 0 ? csv_get(csv, row, pixels) : "", sizeof patch->pixels);
    return flags < 0 || quality_flags_parse(csv_get(csv, row, flags), &patch->flags, error);
}

/* at: the positions of columns[] in the file. */
static gboolean read_patch(const char *path, const Csv *csv, int row, const int *at, Patch *patch,
                           GError **error)
{
    patch->file = g_strdup(csv_get(csv, row, at[0]));
    patch->slide = g_strdup(csv_get(csv, row, at[1]));
    patch->patient = g_strdup(csv_get(csv, row, at[2]));
    patch->label = g_strdup(csv_get(csv, row, at[10]));
    patch->split = g_strdup(csv_get(csv, row, at[11]));
    g_strlcpy(patch->sha256, csv_get(csv, row, at[12]), sizeof patch->sha256);
    /* The name comes from a file that anybody may have written. */
    if (!patchset_is_inside(patch->file)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s line %d: \"%s\" is not a file name inside a patch set", path, csv_line(csv, row),
                    patch->file);
        return FALSE;
    }
    return read_numbers(path, csv, row, at, patch, error) && read_later(path, csv, row, patch, error);
}

GPtrArray *patchset_read_manifest(const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    int at[G_N_ELEMENTS(columns)];
    if (!csv) {
        return NULL;
    }
    for (guint c = 0; c < G_N_ELEMENTS(columns); c++) {
        /* at[c]: where this file has columns[c]. */
        if ((at[c] = csv_need(csv, columns[c], error)) < 0) {
            return NULL;
        }
    }
    g_autoptr(GPtrArray) patches = g_ptr_array_new_with_free_func((GDestroyNotify)patch_free);
    for (int row = 0; row < csv_rows(csv); row++) {
        Patch *patch = g_new0(Patch, 1);
        /* In the array before it is complete, so that an error frees it. */
        g_ptr_array_add(patches, patch);
        if (!read_patch(path, csv, row, at, patch, error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&patches);
}
