/* A walk over the directories of a TIFF that trusts nothing.
 *
 * All positions are 64-bit and every sum is checked.  Reads go through one function, tiff_bytes(), which refuses
 * positions outside of the file.  No allocation has a size that the file declares (arrays are read in pieces), so the
 * walk costs at most one read of the arrays.  Directories without tiles (thumbnails, labels) only have to be
 * readable as directories, since they are never levels.
 *
 * NDPI files claim to be classic TIFF but are not: links are 8 bytes long, and the high halves of values beyond 4 GiB are
 * elsewhere.  OpenSlide has its own reader for them, and they have no tiles.  So their links are followed, tiles
 * are refused, and in files beyond 4 GiB values are not followed. */
#include "tiler/tiff/tiffcheck.h"
#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum {
    MAX_DIRECTORIES = 4096,
    MAX_ENTRIES = 4096,
    MAX_TILE_SIDE = 16384,
    MAX_TILE_BYTES = 256 << 20,
    MAX_PIXELS_PER_BYTE = 5000
};
static const uint64_t MAX_PIXELS = (uint64_t)1 << 44;

/* Types of whole numbers (TIFF 6.0, section 2; BigTIFF). */
enum { SHORT = 3, LONG = 4, IFD = 13, LONG8 = 16, IFD8 = 18 };

typedef struct {
    const char *path;
    int fd;
    uint64_t size;
    gboolean big_endian, big_tiff, ndpi;
    int directory;   /* number of the current one, for messages */
    uint64_t pixels; /* declared so far */
    uint64_t stored; /* of these, in tiles that have bytes */
} Tiff;

/* A field of a directory: `count` values of `type` at file position `at`. */
typedef struct {
    gboolean there;
    int type;
    uint64_t count, at;
} Field;

/* The fields that decide what a reader allocates. */
enum {
    F_WIDTH,
    F_HEIGHT,
    F_BITS,
    F_SAMPLES,
    F_PLANAR,
    F_TILE_WIDTH,
    F_TILE_HEIGHT,
    F_OFFSETS,
    F_COUNTS,
    F_JPEG_TABLES,
    F_NDPI,
    FIELDS
};
static const uint16_t field_tags[FIELDS] = {256, 257, 258, 277, 284, 322, 323, 324, 325, 347, 65420};

static gboolean refuse(const Tiff *tiff, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Sets an error that names file and directory. */
static gboolean refuse(const Tiff *tiff, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: directory %d: %s", tiff->path, tiff->directory, what);
    return FALSE;
}

/* Reads `bytes` bytes at `at`; refuses positions outside of the file. */
static gboolean tiff_bytes(const Tiff *tiff, uint64_t at, void *out, size_t bytes, const char *what,
                           GError **error)
{
    /* Written so that no sum can overflow. */
    if (at > tiff->size || bytes > tiff->size - at) {
        return refuse(tiff, error,
                      "possibly truncated (%s at %" PRIu64 " beyond the end of the file, %" PRIu64 " bytes)",
                      what, at, tiff->size);
    }
    for (char *to = out; bytes > 0;) {
        ssize_t got = pread(tiff->fd, to, bytes, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return wsi_error_errno(error, "cannot read", tiff->path);
        }
        if (got == 0) {
            return refuse(tiff, error, "%s: the file became shorter while it was read", what);
        }
        to += got;
        at += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return TRUE;
}

/* A whole number of `size` bytes in the byte order of the file. */
static uint64_t number(const Tiff *tiff, const uint8_t *bytes, int size)
{
    /* The most significant byte first, wherever it is. */
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value = value << 8 | bytes[tiff->big_endian ? i : size - 1 - i];
    }
    return value;
}

/* Bytes of a value (TIFF 6.0, section 2; BigTIFF types 16 to 18); 0 for unknown types. */
static int type_size(int type)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type >= 0 && type < (int)sizeof sizes ? sizes[type] : 0;
}

/* Value `index` of a field of whole numbers. */
static gboolean field_value(const Tiff *tiff, const Field *field, uint64_t index, const char *what,
                            uint64_t *out, GError **error)
{
    uint8_t bytes[8];
    /* Only unsigned whole numbers are sizes and offsets. */
    int size = type_size(field->type);
    if ((field->type != SHORT && field->type != LONG && field->type != LONG8) || index >= field->count) {
        return refuse(tiff, error, "%s is of type %d with %" PRIu64 " values", what, field->type,
                      field->count);
    }
    if (!tiff_bytes(tiff, field->at + index * (uint64_t)size, bytes, (size_t)size, what, error)) {
        return FALSE;
    }
    *out = number(tiff, bytes, size);
    return TRUE;
}

/* The value of a field, or its default when the field is missing. */
static gboolean optional_value(const Tiff *tiff, const Field *field, const char *what, uint64_t fallback,
                               uint64_t *out, GError **error)
{
    *out = fallback;
    return !field->there || field_value(tiff, field, 0, what, out, error);
}

typedef struct {
    uint64_t width, height, tile_width, tile_height, tiles;
} Tiling;

/* Checks the sizes of image, tile and pixel, and counts the tiles that they imply. */
static gboolean check_geometry(const Tiff *tiff, const Field *fields, Tiling *out, GError **error)
{
    uint64_t bits, samples, planar, planes;
    if (!field_value(tiff, &fields[F_WIDTH], 0, "ImageWidth", &out->width, error) ||
        !field_value(tiff, &fields[F_HEIGHT], 0, "ImageLength", &out->height, error) ||
        !field_value(tiff, &fields[F_TILE_WIDTH], 0, "TileWidth", &out->tile_width, error) ||
        !field_value(tiff, &fields[F_TILE_HEIGHT], 0, "TileLength", &out->tile_height, error) ||
        !optional_value(tiff, &fields[F_BITS], "BitsPerSample", 1, &bits, error) ||
        !optional_value(tiff, &fields[F_SAMPLES], "SamplesPerPixel", 1, &samples, error) ||
        !optional_value(tiff, &fields[F_PLANAR], "PlanarConfiguration", 1, &planar, error)) {
        return FALSE;
    }
    if (out->width < 1 || out->height < 1 || out->width > G_MAXINT32 || out->height > G_MAXINT32) {
        return refuse(tiff, error, "impossible size of %" PRIu64 " x %" PRIu64 " px", out->width,
                      out->height);
    }
    if (out->tile_width < 1 || out->tile_height < 1 || out->tile_width > MAX_TILE_SIDE ||
        out->tile_height > MAX_TILE_SIDE) {
        return refuse(tiff, error, "impossible tile of %" PRIu64 " x %" PRIu64 " px (1 to %d are allowed)",
                      out->tile_width, out->tile_height, MAX_TILE_SIDE);
    }
    if (bits < 1 || bits > 64 || samples < 1 || samples > 1024) {
        return refuse(tiff, error, "impossible pixel of %" PRIu64 " samples of %" PRIu64 " bits", samples,
                      bits);
    }
    /* No overflow: 2^14 * 2^14 * 2^10 * 2^3 is below 2^64. */
    if (out->tile_width * out->tile_height * samples * ((bits + 7) / 8) > MAX_TILE_BYTES) {
        return refuse(tiff, error,
                      "tiles of %" PRIu64 " x %" PRIu64 " px with %" PRIu64 " samples exceed %d MiB",
                      out->tile_width, out->tile_height, samples, MAX_TILE_BYTES >> 20);
    }
    /* Separate planes store each sample in tiles of its own. */
    planes = planar == 2 ? samples : 1;
    out->tiles = ((out->width - 1) / out->tile_width + 1) * ((out->height - 1) / out->tile_height + 1);
    if (__builtin_mul_overflow(out->tiles, planes, &out->tiles)) {
        return refuse(tiff, error, "too many tiles");
    }
    return TRUE;
}

/* Checks that all values of the field are inside the file. */
static gboolean check_inside(const Tiff *tiff, const Field *field, const char *what, GError **error)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(field->count, (uint64_t)type_size(field->type), &bytes) ||
        field->at > tiff->size || bytes > tiff->size - field->at) {
        return refuse(tiff, error,
                      "possibly truncated (%s: %" PRIu64 " values at %" PRIu64 ", file of %" PRIu64 " bytes)",
                      what, field->count, field->at, tiff->size);
    }
    return TRUE;
}

/* Checks that the array is inside the file and has a value for each tile. */
static gboolean check_array(const Tiff *tiff, const Field *field, uint64_t tiles, const char *what,
                            GError **error)
{
    if (!field->there || field->count < tiles) {
        return refuse(tiff, error, "%s has %" PRIu64 " values for %" PRIu64 " tiles", what,
                      field->there ? field->count : 0, tiles);
    }
    if (field->type != SHORT && field->type != LONG && field->type != LONG8) {
        return refuse(tiff, error, "%s is of type %d", what, field->type);
    }
    return check_inside(tiff, field, what, error);
}

/* Checks that every tile is inside the file; counts those that have bytes. */
static gboolean check_tiles(const Tiff *tiff, const Field *offsets, const Field *counts, uint64_t tiles,
                            uint64_t *stored, GError **error)
{
    enum { PIECE = 4096 };
    uint8_t offset_bytes[PIECE * 8], count_bytes[PIECE * 8];
    int offset_size = type_size(offsets->type), count_size = type_size(counts->type);
    /* Tiles that end after the file. */
    uint64_t beyond = 0;
    *stored = 0;
    for (uint64_t first = 0; first < tiles; first += PIECE) {
        /* Pieces, so that the memory does not depend on the file. */
        size_t n = (size_t)MIN(tiles - first, PIECE);
        if (!tiff_bytes(tiff, offsets->at + first * (uint64_t)offset_size, offset_bytes,
                        n * (size_t)offset_size, "TileOffsets", error) ||
            !tiff_bytes(tiff, counts->at + first * (uint64_t)count_size, count_bytes, n * (size_t)count_size,
                        "TileByteCounts", error)) {
            return FALSE;
        }
        for (size_t i = 0; i < n; i++) {
            uint64_t at = number(tiff, offset_bytes + i * (size_t)offset_size, offset_size);
            uint64_t bytes = number(tiff, count_bytes + i * (size_t)count_size, count_size);
            /* A tile of 0 bytes is missing, wherever it claims to be. */
            *stored += bytes > 0;
            beyond += bytes > 0 && (at > tiff->size || bytes > tiff->size - at);
        }
    }
    if (beyond > 0) {
        return refuse(tiff, error,
                      "possibly truncated (%" PRIu64 " of %" PRIu64
                      " tiles reach beyond the end of the file, %" PRIu64 " bytes)",
                      beyond, tiles, tiff->size);
    }
    return TRUE;
}

/* Checks a directory as a level, if it has tiles. */
static gboolean check_directory(Tiff *tiff, const Field *fields, GError **error)
{
    Tiling tiling;
    uint64_t stored;
    /* Any of these tags makes it a tiled page, which must then be sound. */
    if (!fields[F_TILE_WIDTH].there && !fields[F_TILE_HEIGHT].there && !fields[F_OFFSETS].there) {
        return TRUE;
    }
    if (tiff->ndpi) {
        return refuse(tiff, error, "an NDPI file with tiles");
    }
    if (!check_geometry(tiff, fields, &tiling, error) ||
        !check_array(tiff, &fields[F_OFFSETS], tiling.tiles, "TileOffsets", error) ||
        !check_array(tiff, &fields[F_COUNTS], tiling.tiles, "TileByteCounts", error) ||
        !check_inside(tiff, &fields[F_JPEG_TABLES], "JPEGTables", error) ||
        !check_tiles(tiff, &fields[F_OFFSETS], &fields[F_COUNTS], tiling.tiles, &stored, error)) {
        return FALSE;
    }
    /* The limits hold for the whole file, not for each directory. */
    tiff->pixels += tiling.width * tiling.height;
    tiff->stored += stored * tiling.tile_width * tiling.tile_height;
    if (tiff->pixels > MAX_PIXELS) {
        return refuse(tiff, error, "%" PRIu64 " px are declared in total, more than 2^44", tiff->pixels);
    }
    if (tiff->stored / MAX_PIXELS_PER_BYTE > tiff->size) {
        return refuse(tiff, error,
                      "%" PRIu64 " px are declared for a file of %" PRIu64 " bytes, more than %d px per byte",
                      tiff->stored, tiff->size, MAX_PIXELS_PER_BYTE);
    }
    return TRUE;
}

/* Entry: tag, type, count, then the value itself when it fits, or its position. */
static Field read_entry(const Tiff *tiff, const uint8_t *entry, uint64_t entry_at)
{
    const int inline_bytes = tiff->big_tiff ? 8 : 4;
    Field field = {.there = TRUE, .type = (int)number(tiff, entry + 2, 2)};
    /* Offsets of directories are numbers like others. */
    field.type = field.type == IFD ? LONG : field.type == IFD8 ? LONG8 : field.type;
    field.count = number(tiff, entry + 4, inline_bytes);
    uint64_t value_at = entry_at + 4 + (uint64_t)inline_bytes;
    /* Values of at most 4 (BigTIFF: 8) bytes are in the entry itself. */
    gboolean fits =
        field.count <= 8 && field.count * (uint64_t)type_size(field.type) <= (uint64_t)inline_bytes;
    field.at = fits ? value_at : number(tiff, entry + 4 + inline_bytes, inline_bytes);
    return field;
}

/* Readers fetch the values of every tag, even of tags that nobody uses.  In one directory they may not have more bytes than the file.
 * Unknown types have no size, and no reader follows them. */
static gboolean check_values(const Tiff *tiff, uint64_t entry_at, uint64_t entries, GError **error)
{
    /* Tag 2, type 2, count 4 or 8, value 4 or 8 bytes. */
    const uint64_t entry_size = tiff->big_tiff ? 20 : 12;
    uint8_t entry[20];
    uint64_t bytes = 0;
    if (tiff->ndpi && tiff->size > G_MAXUINT32) {
        return TRUE; /* the high halves are elsewhere */
    }
    for (uint64_t i = 0; i < entries; i++, entry_at += entry_size) {
        if (!tiff_bytes(tiff, entry_at, entry, (size_t)entry_size, "an entry", error)) {
            return FALSE;
        }
        const Field field = read_entry(tiff, entry, entry_at);
        g_autofree char *what = g_strdup_printf("tag %d", (int)number(tiff, entry, 2));
        if (type_size(field.type) > 0 && !check_inside(tiff, &field, what, error)) {
            return FALSE;
        }
        bytes += field.count * (uint64_t)type_size(field.type);
        if (bytes > tiff->size) {
            return refuse(tiff, error,
                          "%" PRIu64 " bytes of values up to tag %d, in a file of %" PRIu64 " bytes", bytes,
                          (int)number(tiff, entry, 2), tiff->size);
        }
    }
    return TRUE;
}

/* Records the field of a directory entry when its tag is in field_tags. */
static void take_entry(const Tiff *tiff, const uint8_t *entry, uint64_t entry_at, Field *fields)
{
    const int tag = (int)number(tiff, entry, 2);
    for (int f = 0; f < FIELDS; f++) {
        if (field_tags[f] == tag && !fields[f].there) {
            fields[f] = read_entry(tiff, entry, entry_at);
        }
    }
}

/* Reads and checks the directory at `at`; *next: the position of the next one, 0 = none. */
static gboolean walk_directory(Tiff *tiff, uint64_t at, uint64_t *next, GError **error)
{
    uint8_t bytes[20];
    int count_size = tiff->big_tiff ? 8 : 2, entry_size = tiff->big_tiff ? 20 : 12;
    Field fields[FIELDS] = {0};
    if (at >= tiff->size) {
        return refuse(tiff, error,
                      "possibly truncated (IFD offset %" PRIu64 " beyond the end of the file, %" PRIu64
                      " bytes)",
                      at, tiff->size);
    }
    if (!tiff_bytes(tiff, at, bytes, (size_t)count_size, "the entry count", error)) {
        return FALSE;
    }
    uint64_t entries = number(tiff, bytes, count_size);
    if (entries < 1 || entries > MAX_ENTRIES) {
        return refuse(tiff, error, "%" PRIu64 " entries (1 to %d are allowed)", entries, MAX_ENTRIES);
    }
    uint64_t entry_at = at + (uint64_t)count_size;
    for (uint64_t i = 0; i < entries; i++, entry_at += (uint64_t)entry_size) {
        if (!tiff_bytes(tiff, entry_at, bytes, (size_t)entry_size, "an entry", error)) {
            return FALSE;
        }
        take_entry(tiff, bytes, entry_at, fields);
    }
    /* The first directory of an NDPI file has Hamamatsu's tag. */
    if (tiff->directory == 0 && !tiff->big_tiff && fields[F_NDPI].there) {
        tiff->ndpi = TRUE;
    }
    int link_size = tiff->big_tiff || tiff->ndpi ? 8 : 4;
    if (!tiff_bytes(tiff, entry_at, bytes, (size_t)link_size, "the link to the next directory", error)) {
        return FALSE;
    }
    *next = number(tiff, bytes, link_size);
    return check_directory(tiff, fields, error) &&
           check_values(tiff, at + (uint64_t)count_size, entries, error);
}

/* Walks the chain of directories from position `at` on; a set of visited positions finds loops. */
static gboolean walk(Tiff *tiff, uint64_t at, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    /* A link of 0 ends the chain. */
    for (; at != 0; tiff->directory++) {
        if (tiff->directory >= MAX_DIRECTORIES) {
            return refuse(tiff, error, "more than %d directories", MAX_DIRECTORIES);
        }
        if (!g_hash_table_add(seen, g_memdup2(&at, sizeof at))) {
            return refuse(tiff, error, "the directories form a loop (offset %" PRIu64 " again)", at);
        }
        if (!walk_directory(tiff, at, &at, error)) {
            return FALSE;
        }
    }
    /* A header without a first directory. */
    return tiff->directory > 0 || refuse(tiff, error, "the file names no directory");
}

/* The header: byte order, 42 (classic) or 43 (BigTIFF), the position of the first directory. */
static gboolean check_open_file(int fd, const char *path, gboolean *is_tiff, GError **error)
{
    uint8_t head[16] = {0};
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return wsi_error_errno(error, "cannot examine", path);
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a regular file", path);
        return FALSE;
    }
    Tiff tiff = {.path = path, .fd = fd, .size = (uint64_t)status.st_size};
    if (!tiff_bytes(&tiff, 0, head, (size_t)MIN(tiff.size, sizeof head), "the header", error)) {
        return FALSE;
    }
    tiff.big_endian = head[0] == 'M';
    uint64_t magic = number(&tiff, head + 2, 2);
    /* Anything else is not a TIFF, and not an error. */
    *is_tiff = tiff.size >= 4 && (memcmp(head, "II", 2) == 0 || memcmp(head, "MM", 2) == 0) &&
               (magic == 42 || magic == 43);
    if (!*is_tiff) {
        return TRUE;
    }
    tiff.big_tiff = magic == 43;
    if (tiff.size < (tiff.big_tiff ? 16u : 8u)) {
        return refuse(&tiff, error, "possibly truncated (a file of %" PRIu64 " bytes)", tiff.size);
    }
    /* BigTIFF states the size of its offsets, which is always 8. */
    if (tiff.big_tiff && (number(&tiff, head + 4, 2) != 8 || number(&tiff, head + 6, 2) != 0)) {
        return refuse(&tiff, error, "a BigTIFF header with offsets of %d bytes",
                      (int)number(&tiff, head + 4, 2));
    }
    return walk(&tiff, number(&tiff, head + (tiff.big_tiff ? 8 : 4), tiff.big_tiff ? 8 : 4), error);
}

gboolean tiffcheck_file(const char *path, gboolean *is_tiff, GError **error)
{
    *is_tiff = FALSE;
    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return wsi_error_errno(error, "cannot open", path);
    }
    gboolean ok = check_open_file(fd, path, is_tiff, error);
    close(fd);
    return ok;
}
