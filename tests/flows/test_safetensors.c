/* safetensors: valid files are read exactly, invalid ones are refused with one clear error, and nothing crashes. */
#include "flows/files/safetensors.h"
#include "base/error.h"
#include "base/rng.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *directory;

static char *file_at(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

/* Writes a file from header text and data; returns its path. */
static char *write_raw(const char *header, const void *data, size_t data_bytes)
{
    GString *bytes = g_string_new(NULL);
    uint64_t length = strlen(header);
    g_string_append_len(bytes, (const char *)&length, sizeof length);
    g_string_append(bytes, header);
    g_string_append_len(bytes, data, (gssize)data_bytes);
    char *path = file_at("raw.safetensors");
    g_assert_true(g_file_set_contents(path, bytes->str, (gssize)bytes->len, NULL));
    g_string_free(bytes, TRUE);
    return path;
}

/* ---- valid files ---- */

static void write_example(const char *path, char sha256[65])
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
    const real a[6] = {1, -2, 3, REAL(4.5), 0, REAL(1e-30)}, b[1] = {7};
    safetensors_writer_metadata(writer, "zeta", "first");
    safetensors_writer_metadata(writer, "alpha", "μm \"quoted\"");
    safetensors_writer_add(writer, "layer.weight", 2, (int64_t[]){2, 3}, a);
    safetensors_writer_add(writer, "scalar", 0, NULL, b);
    safetensors_writer_add(writer, "empty", 1, (int64_t[]){0}, a);
    g_assert_true(safetensors_writer_commit(writer, path, sha256, &error));
    g_assert_no_error(error);
}

static void test_round_trip(void)
{
    g_autofree char *path = file_at("round.safetensors");
    g_autoptr(GError) error = NULL;
    char sha256[65], again[65];
    write_example(path, sha256);
    write_example(path, again);
    g_assert_cmpstr(sha256, ==, again);
    g_autoptr(Safetensors) file = safetensors_read(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(file), ==, 3);
    g_assert_cmpstr(safetensors_at(file, 0)->name, ==, "layer.weight");
    const Tensor *tensor = safetensors_need(file, "layer.weight", 2, (int64_t[]){2, 3}, &error);
    g_assert_nonnull(tensor);
    const float expected[6] = {1, -2, 3, 4.5f, 0, 1e-30f};
    g_assert_cmpmem(tensor->values, sizeof(float) * (size_t)tensor->count, expected, sizeof expected);
    g_assert_cmpint(safetensors_get(file, "scalar")->rank, ==, 0);
    g_assert_cmpfloat(safetensors_get(file, "scalar")->values[0], ==, 7);
    g_assert_cmpint(safetensors_get(file, "empty")->count, ==, 0);
    g_assert_null(safetensors_get(file, "absent"));
    g_assert_cmpstr(safetensors_metadata(file, "alpha"), ==, "μm \"quoted\"");
    g_assert_null(safetensors_metadata(file, "beta"));
}

static void test_need(void)
{
    g_autofree char *path = file_at("need.safetensors");
    write_example(path, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) file = safetensors_read(path, &error);
    g_assert_null(safetensors_need(file, "layer.weight", 2, (int64_t[]){3, 2}, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "layer.weight"));
    g_assert_nonnull(strstr(error->message, "[2, 3]"));
    g_assert_nonnull(strstr(error->message, "[3, 2]"));
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);
    g_assert_null(safetensors_need(file, "bias", 1, (int64_t[]){3}, &error));
    g_assert_nonnull(strstr(error->message, "missing"));
}

/* Bit patterns of IEEE 754 and bfloat16, and a counter that is skipped. */
static void test_types(void)
{
    const char *header = "{\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]},"
                         "\"h\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[4,14]},"
                         "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[16,24]},"
                         "\"pad\":{\"dtype\":\"I16\",\"shape\":[],\"data_offsets\":[14,16]}}  ";
    guint8 data[24];
    const uint16_t bf16[2] = {0x3fc0, 0xc000}, f16[5] = {0x3c00, 0xc100, 0x0001, 0x7bff, 0x0400};
    const double f64 = 0.1;
    memcpy(data, bf16, 4);
    memcpy(data + 4, f16, 10);
    memset(data + 14, 0xff, 2);
    memcpy(data + 16, &f64, 8);
    g_autofree char *path = write_raw(header, data, sizeof data);
    g_autoptr(GError) error = NULL;
    g_autoptr(Safetensors) file = safetensors_read(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(safetensors_count(file), ==, 3);
    const float *b = safetensors_get(file, "b")->values, *h = safetensors_get(file, "h")->values;
    g_assert_cmpfloat(b[0], ==, 1.5f);
    g_assert_cmpfloat(b[1], ==, -2.0f);
    const float expected[5] = {1, -2.5f, 0x1p-24f, 65504, 0x1p-14f};
    g_assert_cmpmem(h, sizeof expected, expected, sizeof expected);
    g_assert_cmpfloat(safetensors_get(file, "d")->values[0], ==, 0.1f);
}

/* ---- invalid files ---- */

/* The header with 8 bytes of data; the message must contain `says`. */
typedef struct {
    const char *name, *header, *says;
} Broken;

#define ENTRY(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define TENSOR(name, dtype, shape, offsets) "\"" name "\":" ENTRY(dtype, shape, offsets)

static const Broken broken[] = {
    {"no-object", "[1,2]", "not a JSON object"},
    {"leading-blank", " {}", "not a JSON object"},
    {"not-json", "{\"a\":", "not a JSON object"},
    {"not-utf8", "{\"\xff\":1}", "not a JSON object"},
    {"trailing-garbage", "{" TENSOR("a", "F32", "[2]", "[0,8]") "} x", "not a JSON object"},
    {"duplicate-name", "{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("a", "F32", "[1]", "[4,8]") "}",
     "duplicate"},
    {"overlap", "{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[2]", "[0,8]") "}",
     "\"b\": begins at 0"},
    {"partial-overlap", "{" TENSOR("a", "BF16", "[3]", "[0,6]") "," TENSOR("b", "BF16", "[2]", "[4,8]") "}",
     "inside the tensor before it"},
    {"gap", "{" TENSOR("a", "BF16", "[1]", "[0,2]") "," TENSOR("b", "F32", "[1]", "[4,8]") "}",
     "gap that begins"},
    {"gap-at-begin", "{" TENSOR("a", "F32", "[1]", "[4,8]") "}", "gap that begins"},
    {"unused-end", "{" TENSOR("a", "F32", "[1]", "[0,4]") "}", "end at 4"},
    {"empty-header", "{}", "end at 0"},
    {"past-end", "{" TENSOR("a", "F32", "[3]", "[0,12]") "}", "end at 12"},
    {"size-mismatch", "{" TENSOR("a", "F32", "[3]", "[0,8]") "}", "needs 12 bytes"},
    {"descending", "{" TENSOR("a", "F32", "[2]", "[8,0]") "}", "ascending"},
    {"negative-offset", "{" TENSOR("a", "F32", "[2]", "[-8,0]") "}", "ascending"},
    {"three-offsets", "{" TENSOR("a", "F32", "[2]", "[0,8,8]") "}", "ascending"},
    {"real-offset", "{" TENSOR("a", "F32", "[2]", "[0,8.0]") "}", "ascending"},
    {"negative-shape", "{" TENSOR("a", "F32", "[-2]", "[0,8]") "}", "shape"},
    {"text-shape", "{" TENSOR("a", "F32", "\"2\"", "[0,8]") "}", "shape"},
    {"rank-9", "{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", "at most 8"},
    {"overflow-count", "{" TENSOR("a", "F32", "[4294967296,4294967296,4294967296]", "[0,8]") "}",
     "overflows"},
    {"overflow-bytes", "{" TENSOR("a", "F64", "[4611686018427387904]", "[0,8]") "}", "overflows"},
    {"overflow-integer", "{" TENSOR("a", "F32", "[99999999999999999999]", "[0,8]") "}", "not a JSON object"},
    {"unknown-dtype", "{" TENSOR("a", "Q4", "[2]", "[0,8]") "}", "unknown dtype \"Q4\""},
    {"number-dtype", "{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", "must have dtype"},
    {"no-shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "must have dtype"},
    {"extra-key", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"code\":\"x\"}}",
     "nothing else"},
    {"entry-no-object", "{\"a\":[1]}", "must have dtype"},
    {"metadata-number", "{\"__metadata__\":{\"k\":1}," TENSOR("a", "F32", "[2]", "[0,8]") "}",
     "strings only"},
    {"metadata-list", "{\"__metadata__\":[]," TENSOR("a", "F32", "[2]", "[0,8]") "}", "must be an object"},
    {"nan", "{" TENSOR("a", "F32", "[2]", "[0,8]") "}", "value 1 is not a finite float"},
    {"f64-too-large", "{" TENSOR("a", "F64", "[1]", "[0,8]") "}", "value 0 is not a finite float"},
    {"f16-infinity", "{" TENSOR("a", "F16", "[4]", "[0,8]") "}", "not a finite float"},
};

static void test_broken(gconstpointer data)
{
    const Broken *it = data;
    guint8 bytes[8] = {0};
    const float not_a_number = NAN;
    const double too_large = 1e300;
    const uint16_t infinity = 0x7c00;
    if (strcmp(it->name, "nan") == 0) {
        memcpy(bytes + 4, &not_a_number, 4);
    } else if (strcmp(it->name, "f64-too-large") == 0) {
        memcpy(bytes, &too_large, 8);
    } else if (strcmp(it->name, "f16-infinity") == 0) {
        memcpy(bytes + 6, &infinity, 2);
    }
    g_autofree char *path = write_raw(it->header, bytes, sizeof bytes);
    g_autoptr(GError) error = NULL;
    g_assert_null(safetensors_read(path, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, path));
    if (!strstr(error->message, it->says)) {
        g_error("%s: \"%s\" does not say \"%s\"", it->name, error->message, it->says);
    }
}

static void test_broken_length(void)
{
    const uint64_t lengths[] = {0, 1, 9, (4 << 20) + 1, G_MAXUINT64, G_MAXINT64, (uint64_t)1 << 63};
    g_autofree char *path = file_at("length.safetensors");
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        guint8 bytes[16] = "........{}      ";
        memcpy(bytes, &lengths[i], 8);
        g_assert_true(g_file_set_contents(path, (const char *)bytes, sizeof bytes, NULL));
        g_autoptr(GError) error = NULL;
        g_assert_null(safetensors_read(path, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, "does not fit"));
    }
}

static void test_no_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *absent = file_at("absent.safetensors");
    g_assert_null(safetensors_read(absent, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_ABSENT);
    g_clear_error(&error);
    g_assert_null(safetensors_read(directory, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
}

/* A long name with control characters is escaped and shortened in the message. */
static void test_hostile_name(void)
{
    g_autofree char *filler = g_strnfill(5000, 'n');
    g_autofree char *header = g_strdup_printf("{\"\\u001b[2J%s\":1}", filler);
    g_autofree char *path = write_raw(header, "", 0);
    g_autoptr(GError) error = NULL;
    g_assert_null(safetensors_read(path, &error));
    g_assert_null(strchr(error->message, '\033'));
    g_assert_cmpuint(strlen(error->message), <, 500 + strlen(path));
}

/* Every truncation of a good file is refused. */
static void test_truncations(void)
{
    g_autofree char *good = file_at("whole.safetensors"), *path = file_at("cut.safetensors");
    write_example(good, NULL);
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(good, &bytes, &length, NULL));
    for (gsize cut = 0; cut < length; cut++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(
            g_file_set_contents_full(path, bytes, (gssize)cut, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        g_assert_null(safetensors_read(path, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    }
}

/* Random damage: the file is read or refused, and nothing crashes (run this under the sanitizers). */
static void test_mutations(void)
{
    g_autofree char *good = file_at("whole.safetensors"), *path = file_at("mutant.safetensors");
    write_example(good, NULL);
    g_autofree char *bytes = NULL;
    gsize length;
    g_assert_true(g_file_get_contents(good, &bytes, &length, NULL));
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
        Rng rng = rng_at(11, i, 0);
        g_autofree char *mutant = g_memdup2(bytes, length);
        for (int changes = 1 + (int)rng_below(&rng, 3); changes > 0; changes--) {
            const char interesting[] = "\"{}[],:0919-e. \xff";
            mutant[rng_below(&rng, (uint32_t)length)] = interesting[rng_below(&rng, sizeof interesting)];
        }
        g_autoptr(GError) error = NULL;
        g_assert_true(
            g_file_set_contents_full(path, mutant, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        g_autoptr(Safetensors) file = safetensors_read(path, &error);
        g_assert_true((file == NULL) == (error != NULL));
        refused += file == NULL;
    }
    g_assert_cmpint(refused, >, 500);
}

/* ---- what the writer refuses ---- */

static void test_writer_refuses(void)
{
    g_autofree char *path = file_at("refused.safetensors");
    const real one[1] = {1}, bad[1] = {NAN};
    for (int i = 0; i < 5; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
        safetensors_writer_add(writer, "a", 1, (int64_t[]){1}, one);
        if (i == 0) {
            safetensors_writer_add(writer, "a", 1, (int64_t[]){1}, one);
        } else if (i == 1) {
            safetensors_writer_add(writer, "b", 1, (int64_t[]){1}, bad);
        } else if (i == 2) {
            safetensors_writer_add(writer, "__metadata__", 1, (int64_t[]){1}, one);
        } else if (i == 3) {
            safetensors_writer_metadata(writer, "key", "\xff\xfe");
        } else {
            safetensors_writer_metadata(writer, "key", "x");
            safetensors_writer_metadata(writer, "key", "y");
        }
        g_assert_false(safetensors_writer_commit(writer, path, NULL, &error));
        g_assert_error(error, WSI_ERROR, WSI_ERROR_INTERNAL);
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    }
}

static void remove_directory(void)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = file_at(name);
        g_unlink(path);
    }
    g_rmdir(directory);
    g_free(directory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("wsiflow-safetensors-XXXXXX", NULL);
    g_test_add_func("/safetensors/round-trip", test_round_trip);
    g_test_add_func("/safetensors/need", test_need);
    g_test_add_func("/safetensors/types", test_types);
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *name = g_strdup_printf("/safetensors/broken/%s", broken[i].name);
        g_test_add_data_func(name, &broken[i], test_broken);
    }
    g_test_add_func("/safetensors/broken-length", test_broken_length);
    g_test_add_func("/safetensors/no-file", test_no_file);
    g_test_add_func("/safetensors/hostile-name", test_hostile_name);
    g_test_add_func("/safetensors/truncations", test_truncations);
    g_test_add_func("/safetensors/mutations", test_mutations);
    g_test_add_func("/safetensors/writer-refuses", test_writer_refuses);
    int status = g_test_run();
    remove_directory();
    return status;
}
