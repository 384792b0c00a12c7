/* The format (https://github.com/huggingface/safetensors): 8 bytes N (little-endian), N bytes of JSON
 *
 *     {"__metadata__": {key: text, ...}, NAME: {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...}
 *
 * then the data, to which the offsets are relative.
 *
 * A weights file comes from elsewhere, so nothing in it is trusted.  Sizes are multiplied with overflow checks and compared with
 * the offsets, and the offsets with each other and with the size of the file, before memory is allocated.  The file is read,
 * not mapped, because a file that shrinks while it is mapped kills the process.  NaN and infinity are refused here, because a
 * single one would silently spoil every score. */
#include "flows/files/safetensors.h"
#include "flows/files/file_at.h"
#include "base/durable.h"
#include "base/error.h"
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN); /* data is read without swapping bytes */

#define HEADER_LIMIT (4 << 20) /* bytes; real ones have some kB */
#define RANK_LIMIT 8           /* dimensions */

typedef struct {
    Tensor tensor; /* .name and .values are owned */
    int64_t begin, end;
    const struct Dtype *dtype;
} Entry;

struct Safetensors {
    char *path;
    GArray *entries;      /* of Entry, in the order of the data; floating-point ones only */
    GHashTable *by_name;  /* name (owned by the entry) -> index + 1 */
    GHashTable *metadata; /* char * -> char *, owned */
};

/* ---- element types ---- */

/* Converts `count` elements to floats. */
typedef void (*Convert)(const void *from, float *to, size_t count);

static void convert_f32(const void *from, float *to, size_t count)
{
    memcpy(to, from, sizeof(float) * count);
}

static void convert_f64(const void *from, float *to, size_t count)
{
    const double *in = from;
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)in[i];
    }
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void convert_bf16(const void *from, float *to, size_t count)
{
    const uint16_t *in = from;
    /* A bfloat16 is the upper half of a float. */
    for (size_t i = 0; i < count; i++) {
        to[i] = float_of_bits((uint32_t)in[i] << 16);
    }
}

/* IEEE binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static void convert_f16(const void *from, float *to, size_t count)
{
    const uint16_t *in = from;
    for (size_t i = 0; i < count; i++) {
        int exponent = in[i] >> 10 & 31, fraction = in[i] & 1023;
        /* Subnormal: fraction 2^-24.  Normal: (1 + fraction / 1024) 2^(exponent - 15). */
        float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? ldexpf((float)fraction, -24)
                                     : ldexpf((float)(fraction + 1024), exponent - 25);
        to[i] = in[i] >> 15 ? -size : size;
    }
}

/* A file may hold types without conversion (counters, masks).  They are checked and not loaded. */
static const struct Dtype {
    const char *name;
    int bytes;
    Convert convert;
} dtypes[] = {
    {"F32", 4, convert_f32}, {"F16", 2, convert_f16}, {"BF16", 2, convert_bf16}, {"F64", 8, convert_f64},
    {"I64", 8, NULL},        {"I32", 4, NULL},        {"I16", 2, NULL},          {"I8", 1, NULL},
    {"U64", 8, NULL},        {"U32", 4, NULL},        {"U16", 2, NULL},          {"U8", 1, NULL},
    {"BOOL", 1, NULL},
};

static const struct Dtype *dtype_find(const char *name)
{
    /* Names are case-sensitive, as in the format. */
    for (size_t i = 0; i < G_N_ELEMENTS(dtypes); i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            return &dtypes[i];
        }
    }
    return NULL;
}

/* ---- the header ---- */

/* The error "PATH: tensor "NAME": MESSAGE".  The name comes from the file, so it is escaped and shortened. */
static gboolean refuse(const char *path, const char *tensor, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
static gboolean refuse(const char *path, const char *tensor, GError **error, const char *format, ...)
{
    /* Terminals and logs must not see control characters of a file. */
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *name = g_strescape(tensor ? tensor : "", NULL);
    /* 97 characters and three dots. */
    if (strlen(name) > 100) {
        memcpy(name + 97, "...", 4);
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s%s%s%s", path, tensor ? "tensor \"" : "", name,
                tensor ? "\": " : "", message);
    return FALSE;
}

/* Reads a list of at most `limit` non-negative integers.  Returns their number, or -1. */
static int read_integers(const json_t *list, int limit, int64_t *out)
{
    if (!json_is_array(list) || json_array_size(list) > (size_t)limit) {
        return -1;
    }
    int count = (int)json_array_size(list);
    for (int i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        /* 1.0 is not an integer in JSON, and negative sizes do not exist. */
        if (!json_is_integer(item) || json_integer_value(item) < 0) {
            return -1;
        }
        out[i] = json_integer_value(item);
    }
    return count;
}

/* The number of elements and of bytes; FALSE when one of them overflows. */
static gboolean count_elements(Tensor *tensor, int element_bytes, int64_t *bytes)
{
    /* An empty shape is a scalar, with one element. */
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count)) {
            return FALSE;
        }
    }
    return !__builtin_mul_overflow(tensor->count, (int64_t)element_bytes, bytes);
}

/* One tensor of the header. */
static gboolean read_entry(const char *path, const char *name, const json_t *json, Entry *entry,
                           GError **error)
{
    const char *type = json_string_value(json_object_get(json, "dtype"));
    /* Exactly three members: an entry with more may mean something that this reader does not know. */
    if (!json_is_object(json) || json_object_size(json) != 3 || !type) {
        return refuse(path, name, error,
                      "its entry must have dtype, shape and data_offsets, and nothing else");
    }
    entry->dtype = dtype_find(type);
    if (!entry->dtype) {
        return refuse(path, name, error, "unknown dtype \"%.20s\"", type);
    }
    entry->tensor.rank = read_integers(json_object_get(json, "shape"), RANK_LIMIT, entry->tensor.shape);
    if (entry->tensor.rank < 0) {
        return refuse(path, name, error, "shape must be a list of at most %d sizes", RANK_LIMIT);
    }
    int64_t offsets[2];
    if (read_integers(json_object_get(json, "data_offsets"), 2, offsets) != 2 || offsets[0] > offsets[1]) {
        return refuse(path, name, error, "data_offsets must be two offsets in ascending order");
    }
    /* The shape and the offsets must agree on the size. */
    entry->begin = offsets[0];
    entry->end = offsets[1];
    int64_t bytes;
    if (!count_elements(&entry->tensor, entry->dtype->bytes, &bytes)) {
        return refuse(path, name, error, "the product of its shape overflows");
    }
    if (bytes != entry->end - entry->begin) {
        return refuse(path, name, error,
                      "its shape needs %" G_GINT64_FORMAT " bytes but its offsets span %" G_GINT64_FORMAT,
                      bytes, entry->end - entry->begin);
    }
    entry->tensor.name = g_strdup(name);
    return TRUE;
}

/* "__metadata__": an object of strings. */
static gboolean read_metadata(Safetensors *file, const json_t *json, GError **error)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json)) {
        return refuse(file->path, NULL, error, "__metadata__ must be an object");
    }
    json_object_foreach((json_t *)json, key, value)
    {
        if (!json_is_string(value)) {
            return refuse(file->path, NULL, error, "__metadata__ may hold strings only");
        }
        g_hash_table_insert(file->metadata, g_strdup(key), g_strdup(json_string_value(value)));
    }
    return TRUE;
}

/* Empty tensors come before the one that begins at the same offset. */
static gint by_offset(gconstpointer a, gconstpointer b)
{
    const Entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

/* The sorted tensors must cover the data exactly once. */
static gboolean check_cover(const Safetensors *file, int64_t data_bytes, GError **error)
{
    /* Where the next tensor has to begin. */
    int64_t at = 0;
    for (guint i = 0; i < file->entries->len; i++) {
        const Entry *entry = &g_array_index(file->entries, Entry, i);
        if (entry->begin != at) {
            return refuse(file->path, entry->tensor.name, error,
                          "begins at %" G_GINT64_FORMAT ", %s at %" G_GINT64_FORMAT, entry->begin,
                          entry->begin < at ? "inside the tensor before it, which ends"
                                            : "after a gap that begins",
                          at);
        }
        at = entry->end;
    }
    if (at != data_bytes) {
        return refuse(file->path, NULL, error,
                      "the tensors end at %" G_GINT64_FORMAT " but there are %" G_GINT64_FORMAT
                      " bytes of data",
                      at, data_bytes);
    }
    return TRUE;
}

/* All entries of the header, sorted by offset and checked against the size of the data. */
static gboolean read_header(Safetensors *file, const char *text, size_t bytes, int64_t data_bytes,
                            GError **error)
{
    json_error_t problem;
    /* Jansson accepts blanks before the object; the format does not. */
    json_t *root = text[0] == '{' ? json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &problem) : NULL;
    if (!root) {
        g_autofree char *near =
            text[0] == '{' ? g_strescape(problem.text, NULL) : g_strdup("it does not begin with {");
        return refuse(file->path, NULL, error, "the header is not a JSON object: %s", near);
    }
    const char *name;
    json_t *value;
    gboolean ok = TRUE;
    json_object_foreach(root, name, value)
    {
        if (strcmp(name, "__metadata__") == 0) {
            ok = read_metadata(file, value, error);
        } else {
            Entry entry = {0};
            ok = read_entry(file->path, name, value, &entry, error);
            if (ok) {
                g_array_append_val(file->entries, entry);
            }
        }
        /* What was read so far is freed with the file. */
        if (!ok) {
            break;
        }
    }
    json_decref(root);
    g_array_sort(file->entries, by_offset);
    return ok && check_cover(file, data_bytes, error);
}

/* ---- reading ---- */

/* One tensor, converted to float; every value must be finite. */
static gboolean read_values(int fd, const Safetensors *file, Entry *entry, int64_t data_start, GError **error)
{
    size_t count = (size_t)entry->tensor.count, bytes = (size_t)(entry->end - entry->begin);
    float *values = wsi_try_alloc(count, sizeof(float), entry->tensor.name, error);
    entry->tensor.values = values;
    /* The bytes as they are in the file. */
    g_autofree void *raw = values ? wsi_try_alloc(bytes, 1, entry->tensor.name, error) : NULL;
    if (!raw || !file_at_read(fd, file->path, raw, bytes, data_start + entry->begin, error)) {
        return FALSE;
    }
    /* A double beyond float's range becomes infinity here and is refused as well. */
    entry->dtype->convert(raw, values, count);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return refuse(file->path, entry->tensor.name, error, "value %zu is not a finite float", i);
        }
    }
    return TRUE;
}

/* Removes the entries of other types and reads the floating-point tensors. */
static gboolean read_tensors(int fd, Safetensors *file, int64_t data_start, GError **error)
{
    /* From the end, because removing moves what follows. */
    for (guint i = file->entries->len; i-- > 0;) {
        if (!g_array_index(file->entries, Entry, i).dtype->convert) {
            g_array_remove_index(file->entries, i);
        }
    }
    for (guint i = 0; i < file->entries->len; i++) {
        Entry *entry = &g_array_index(file->entries, Entry, i);
        if (!read_values(fd, file, entry, data_start, error)) {
            return FALSE;
        }
        /* + 1, because a missing name gives NULL, which is 0. */
        g_hash_table_insert(file->by_name, (char *)entry->tensor.name, GINT_TO_POINTER(i + 1));
    }
    return TRUE;
}

/* The length, the header, the data, each checked before the next is read. */
static gboolean read_file(int fd, Safetensors *file, GError **error)
{
    struct stat status;
    uint64_t header;
    if (fstat(fd, &status) != 0) {
        return wsi_error_errno(error, "cannot read", file->path);
    }
    /* The size of a pipe or a device is not known in advance. */
    if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof header) {
        return refuse(file->path, NULL, error, "too short for a safetensors file");
    }
    if (!file_at_read(fd, file->path, &header, sizeof header, 0, error)) {
        return FALSE;
    }
    /* "{}" is the shortest object. */
    if (header < 2 || header > HEADER_LIMIT || header > (uint64_t)status.st_size - sizeof header) {
        return refuse(file->path, NULL, error,
                      "a header of %" G_GUINT64_FORMAT " bytes does not fit (limit %d, file %" G_GINT64_FORMAT
                      ")",
                      header, HEADER_LIMIT, (int64_t)status.st_size);
    }
    g_autofree char *text = wsi_try_alloc(header + 1, 1, "a safetensors header", error);
    /* Offsets in the header count from here. */
    int64_t data_start = (int64_t)(sizeof header + header);
    return text && file_at_read(fd, file->path, text, header, sizeof header, error) &&
           read_header(file, text, header, status.st_size - data_start, error) &&
           read_tensors(fd, file, data_start, error);
}

static void entry_clear(gpointer data)
{
    Entry *entry = data;
    g_free((char *)entry->tensor.name);
    g_free((float *)entry->tensor.values);
}

Safetensors *safetensors_read(const char *path, GError **error)
{
    /* O_NONBLOCK: opening a FIFO must not wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        wsi_error_errno(error, "cannot open", path);
        return NULL;
    }
    Safetensors *file = g_new0(Safetensors, 1);
    file->path = g_strdup(path);
    file->entries = g_array_new(FALSE, TRUE, sizeof(Entry));
    g_array_set_clear_func(file->entries, entry_clear);
    file->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    file->metadata = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    gboolean ok = read_file(fd, file, error);
    close(fd);
    if (!ok) {
        g_clear_pointer(&file, safetensors_free);
    }
    return file;
}

void safetensors_free(Safetensors *file)
{
    if (!file) {
        return;
    }
    g_hash_table_unref(file->by_name);
    g_hash_table_unref(file->metadata);
    g_array_unref(file->entries);
    g_free(file->path);
    g_free(file);
}

const Tensor *safetensors_get(const Safetensors *file, const char *name)
{
    int index = GPOINTER_TO_INT(g_hash_table_lookup(file->by_name, name));
    return index ? safetensors_at(file, index - 1) : NULL;
}

/* "[64, 3, 7, 7]".  Caller frees. */
static char *shape_text(int rank, const int64_t *shape)
{
    GString *text = g_string_new("[");
    for (int i = 0; i < rank; i++) {
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? ", " : "", shape[i]);
    }
    return g_string_free(g_string_append_c(text, ']'), FALSE);
}

const Tensor *safetensors_need(const Safetensors *file, const char *name, int rank, const int64_t *shape,
                               GError **error)
{
    const Tensor *tensor = safetensors_get(file, name);
    g_autofree char *wanted = shape_text(rank, shape);
    if (!tensor) {
        refuse(file->path, name, error, "missing; expected %s", wanted);
        return NULL;
    }
    /* Same rank and same sizes, in this order. */
    if (tensor->rank != rank || memcmp(tensor->shape, shape, sizeof(int64_t) * rank) != 0) {
        g_autofree char *found = shape_text(tensor->rank, tensor->shape);
        refuse(file->path, name, error, "its shape is %s; expected %s", found, wanted);
        return NULL;
    }
    return tensor;
}

int safetensors_count(const Safetensors *file)
{
    return (int)file->entries->len;
}

const Tensor *safetensors_at(const Safetensors *file, int index)
{
    return &g_array_index(file->entries, Entry, index).tensor;
}

const char *safetensors_metadata(const Safetensors *file, const char *key)
{
    return g_hash_table_lookup(file->metadata, key);
}
