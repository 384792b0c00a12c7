/* The geometry check: files that it refuses never reach a library, and files that it accepts are safe to open. */
#include "tiler/tiff/tiffcheck.h"
#include "tiler/slide/slide.h"
#include "tests/fixture_tiff.h"
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *folder, *path;
} SlideFile;

static void set_up(SlideFile *slide_file, gconstpointer unused)
{
    slide_file->folder = fixture_folder();
    slide_file->path = g_build_filename(slide_file->folder, "a.tif", NULL);
}

static void tear_down(SlideFile *slide_file, gconstpointer unused)
{
    g_free(slide_file->path);
    fixture_remove(slide_file->folder);
}

/* ---- hand-made directories ---- */

static void put(GByteArray *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        guint8 byte = (guint8)(value >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

typedef struct {
    uint16_t tag, type;
    uint64_t count, value;
} Entry;

static void put_directory(GByteArray *out, gboolean big, const Entry *entries, int n, uint64_t next)
{
    put(out, (uint64_t)n, big ? 8 : 2);
    for (int i = 0; i < n; i++) {
        put(out, entries[i].tag, 2);
        put(out, entries[i].type, 2);
        put(out, entries[i].count, big ? 8 : 4);
        put(out, entries[i].value, big ? 8 : 4);
    }
    put(out, next, big ? 8 : 4);
}

static GByteArray *header(gboolean big, uint64_t first)
{
    GByteArray *out = g_byte_array_new();
    g_byte_array_append(out, (const guint8 *)"II", 2);
    put(out, big ? 43 : 42, 2);
    if (big) {
        put(out, 8, 4);
    }
    put(out, first, big ? 8 : 4);
    return out;
}

static void save(const char *path, const GByteArray *bytes)
{
    g_assert_true(g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL));
}

/* A TIFF of one tile of the given size, all in the directory. */
enum { TILE_TAGS = 13 };
static void tile_entries(Entry *out, uint64_t width, uint64_t height, uint64_t tile_width,
                         uint64_t tile_height)
{
    const Entry entries[TILE_TAGS] = {
        {256, 4, 1, width},       {257, 4, 1, height}, {258, 3, 1, 8}, {259, 3, 1, 1},
        {262, 3, 1, 1},           {277, 3, 1, 1},      {284, 3, 1, 1}, {322, 4, 1, tile_width},
        {323, 4, 1, tile_height}, {324, 4, 1, 8},      {325, 4, 1, 4}, {254, 4, 1, 0},
        {339, 3, 1, 1},
    };
    memcpy(out, entries, sizeof entries);
}

static void save_tile(const char *path, gboolean big, uint64_t width, uint64_t height, uint64_t tile_width,
                      uint64_t tile_height)
{
    Entry entries[TILE_TAGS];
    g_autoptr(GByteArray) file = header(big, big ? 16 : 8);
    tile_entries(entries, width, height, tile_width, tile_height);
    put_directory(file, big, entries, TILE_TAGS, 0);
    save(path, file);
}

static void assert_refused(const char *path, const char *reason)
{
    gboolean is_tiff;
    g_autoptr(GError) error = NULL;
    g_assert_false(tiffcheck_file(path, &is_tiff, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, path));
    if (!strstr(error->message, reason)) {
        g_test_message("\"%s\" does not say \"%s\"", error->message, reason);
        g_test_fail();
    }
    /* slide_open() refuses the file with the same message. */
    g_autoptr(GError) open_error = NULL;
    g_assert_null(slide_open(path, NULL, &open_error));
    g_assert_cmpstr(open_error->message, ==, error->message);
}

static void assert_accepted(const char *path, gboolean expected_tiff)
{
    gboolean is_tiff;
    g_autoptr(GError) error = NULL;
    g_assert_true(tiffcheck_file(path, &is_tiff, &error));
    g_assert_no_error(error);
    g_assert_cmpint(is_tiff, ==, expected_tiff);
}

static void test_sound(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(150, 130, 1);
    const FixtureSpec specs[] = {{.levels = 2},
                                 {.levels = 2, .big = TRUE},
                                 {.compression = COMPRESSION_NONE},
                                 {.compression = COMPRESSION_LZW, .tile = 32}};
    for (size_t i = 0; i < G_N_ELEMENTS(specs); i++) {
        fixture_write(slide_file->path, &specs[i], image);
        assert_accepted(slide_file->path, TRUE);
    }
    save_tile(slide_file->path, FALSE, 16, 16, 16, 16);
    assert_accepted(slide_file->path, TRUE);
    save_tile(slide_file->path, TRUE, 16, 16, 16, 16);
    assert_accepted(slide_file->path, TRUE);
}

/* Reliability: tiles of 2^20 and 65536 px a side abort OpenSlide 3.4.1. */
static void test_bombs(SlideFile *slide_file, gconstpointer unused)
{
    for (int big = 0; big < 2; big++) {
        save_tile(slide_file->path, big, 1 << 20, 1 << 20, 1 << 20, 1 << 20);
        assert_refused(slide_file->path, "impossible tile of 1048576 x 1048576 px");
        save_tile(slide_file->path, big, 65536, 65536, 65536, 65536);
        assert_refused(slide_file->path, "impossible tile");
        save_tile(slide_file->path, big, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff);
        assert_refused(slide_file->path, "impossible tile");
        save_tile(slide_file->path, big, 16, 16, 0, 16);
        assert_refused(slide_file->path, "impossible tile");
        save_tile(slide_file->path, big, 0, 16, 16, 16);
        assert_refused(slide_file->path, "impossible size");
        save_tile(slide_file->path, big, 0xffffffffu, 16, 16, 16);
        assert_refused(slide_file->path, "impossible size");
        save_tile(slide_file->path, big, 1 << 20, 1 << 20, 16, 16); /* 2^32 tiles, one offset */
        assert_refused(slide_file->path, "TileOffsets has 1 values for 4294967296 tiles");
        save_tile(slide_file->path, big, 16384, 16384, 16384, 16384); /* 268 Mpx from 4 bytes */
        assert_refused(slide_file->path, "px per byte");
    }
}

static void test_tile_memory(SlideFile *slide_file, gconstpointer unused)
{
    Entry entries[TILE_TAGS];
    g_autoptr(GByteArray) file = header(FALSE, 8);
    tile_entries(entries, 16384, 16384, 16384, 16384);
    entries[5].value = 3; /* samples: 768 MiB a tile */
    put_directory(file, FALSE, entries, TILE_TAGS, 0);
    save(slide_file->path, file);
    assert_refused(slide_file->path, "exceed 256 MiB");
}

static void test_links(SlideFile *slide_file, gconstpointer unused)
{
    Entry entries[TILE_TAGS];
    tile_entries(entries, 16, 16, 16, 16);
    g_autoptr(GByteArray) loop = header(FALSE, 8);
    put_directory(loop, FALSE, entries, TILE_TAGS, 8);
    save(slide_file->path, loop);
    assert_refused(slide_file->path, "loop");

    g_autoptr(GByteArray) beyond = header(FALSE, 8);
    put_directory(beyond, FALSE, entries, TILE_TAGS, 5000);
    save(slide_file->path, beyond);
    assert_refused(slide_file->path,
                   "possibly truncated (IFD offset 5000 beyond the end of the file, 170 bytes)");

    g_autoptr(GByteArray) none = header(FALSE, 0);
    save(slide_file->path, none);
    assert_refused(slide_file->path, "no directory");

    g_autoptr(GByteArray) empty = header(FALSE, 8);
    put_directory(empty, FALSE, entries, 0, 0);
    save(slide_file->path, empty);
    assert_refused(slide_file->path, "0 entries");

    g_autoptr(GByteArray) far = header(TRUE, G_MAXUINT64 - 3);
    save(slide_file->path, far);
    assert_refused(slide_file->path, "possibly truncated");
}

static void test_arrays(SlideFile *slide_file, gconstpointer unused)
{
    Entry entries[TILE_TAGS];
    for (int field = 9; field <= 10; field++) {
        tile_entries(entries, 64, 64, 16, 16);
        entries[9].count = entries[10].count = 16;
        entries[field].value = 0xfffffff0u; /* the array is beyond the file */
        g_autoptr(GByteArray) file = header(FALSE, 8);
        put_directory(file, FALSE, entries, TILE_TAGS, 0);
        save(slide_file->path, file);
        assert_refused(slide_file->path, "possibly truncated");
    }
    tile_entries(entries, 16, 16, 16, 16);
    entries[10].value = 1000; /* the tile reaches beyond the file */
    g_autoptr(GByteArray) file = header(FALSE, 8);
    put_directory(file, FALSE, entries, TILE_TAGS, 0);
    save(slide_file->path, file);
    assert_refused(slide_file->path,
                   "possibly truncated (1 of 1 tiles reach beyond the end of the file, 170 bytes)");
    /* Overflow: 2^61 values of 8 bytes. */
    tile_entries(entries, 16, 16, 16, 16);
    entries[9] = (Entry){324, 16, (uint64_t)1 << 61, 16};
    g_autoptr(GByteArray) many = header(TRUE, 16);
    put_directory(many, TRUE, entries, TILE_TAGS, 0);
    save(slide_file->path, many);
    assert_refused(slide_file->path, "possibly truncated");
}

/* Readers fetch the values of every tag, whether they need them or not. */
static void test_values(SlideFile *slide_file, gconstpointer unused)
{
    static const struct {
        uint16_t tag, type;
        uint64_t count, value;
        const char *reason;
    } cases[] = {
        {283, 5, 1358954497, 64, "tag 283: 1358954497 values at 64"}, /* YResolution */
        {270, 2, 4000000000U, 8, "tag 270: 4000000000 values at 8"},  /* ImageDescription */
        {34675, 7, 1000, 100, "tag 34675: 1000 values at 100"},       /* an ICC profile */
        {50000, 12, 2, 1000, "tag 50000: 2 values at 1000"},          /* a private tag */
        {320, 3, 3 * 256, 8, "tag 320: 768 values at 8"},             /* a colour map */
        {270, 2, 100, 8, NULL},
        {50000, 99, 1000000, 1000000, NULL}, /* of an unknown type */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (int second = 0; second < 2; second++) {
            Entry entries[TILE_TAGS + 1];
            g_autoptr(GByteArray) file = header(FALSE, 8);
            tile_entries(entries, 16, 16, 16, 16);
            if (second) { /* the same in a further directory */
                put_directory(file, FALSE, entries, TILE_TAGS, 8 + 2 + 12 * TILE_TAGS + 4);
            }
            entries[TILE_TAGS] = (Entry){cases[i].tag, cases[i].type, cases[i].count, cases[i].value};
            put_directory(file, FALSE, entries, TILE_TAGS + 1, 0);
            save(slide_file->path, file);
            if (cases[i].reason) {
                assert_refused(slide_file->path, cases[i].reason);
            } else {
                assert_accepted(slide_file->path, TRUE);
            }
        }
    }
    /* Each is inside the file, but together they have more bytes than the file. */
    Entry entries[TILE_TAGS + 2];
    g_autoptr(GByteArray) file = header(FALSE, 8);
    tile_entries(entries, 16, 16, 16, 16);
    entries[TILE_TAGS] = (Entry){50000, 1, 150, 8};
    entries[TILE_TAGS + 1] = (Entry){50001, 1, 150, 8};
    put_directory(file, FALSE, entries, TILE_TAGS + 2, 0);
    save(slide_file->path, file);
    assert_refused(slide_file->path, "bytes of values up to tag 50001");
}

/* Links in NDPI files have 8 bytes; a file that claims to be NDPI must not have tiles. */
static void test_ndpi(SlideFile *slide_file, gconstpointer unused)
{
    Entry entries[TILE_TAGS + 1];
    tile_entries(entries, 1 << 20, 1 << 20, 1 << 20, 1 << 20);
    entries[TILE_TAGS] = (Entry){65420, 4, 1, 1};
    g_autoptr(GByteArray) bomb = header(FALSE, 8);
    put_directory(bomb, FALSE, entries, TILE_TAGS + 1, 0);
    put(bomb, 0, 4);
    save(slide_file->path, bomb);
    assert_refused(slide_file->path, "an NDPI file with tiles");

    const Entry strip[] = {{256, 4, 1, 16}, {257, 4, 1, 16}, {65420, 4, 1, 1}};
    g_autoptr(GByteArray) sound = header(FALSE, 8);
    put_directory(sound, FALSE, strip, 3, 0);
    put(sound, 0, 4); /* the high half of the link */
    save(slide_file->path, sound);
    assert_accepted(slide_file->path, TRUE);
    sound->data[sound->len - 4] = 1;
    save(slide_file->path, sound);
    assert_refused(slide_file->path, "possibly truncated (IFD offset 4294967296");
}

static void test_truncated(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(300, 200, 1);
    fixture_write(slide_file->path, &(FixtureSpec){.levels = 2}, image);
    g_autofree char *bytes = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(slide_file->path, &bytes, &size, NULL));
    for (gsize keep = size - 1; keep >= 8; keep -= MIN(keep, 977)) {
        g_assert_true(g_file_set_contents(slide_file->path, bytes, (gssize)keep, NULL));
        assert_refused(slide_file->path, "possibly truncated");
    }
}

static void test_other_files(SlideFile *slide_file, gconstpointer unused)
{
    static const char *const contents[] = {"",       "I",        "II",      "hello, this is no slide\n",
                                           "II\x2b", "MM\0\x2c", "%PDF-1.4"};
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_assert_true(g_file_set_contents(slide_file->path, contents[i],
                                          i == 5 ? 4 : (gssize)strlen(contents[i]), NULL));
        assert_accepted(slide_file->path, FALSE);
    }
    g_assert_true(g_file_set_contents(slide_file->path, "II\x2a\0\x08", 5, NULL));
    assert_refused(slide_file->path, "possibly truncated");
    g_unlink(slide_file->path);
    g_assert_cmpint(mkfifo(slide_file->path, 0600), ==, 0);
    assert_refused(slide_file->path, "not a regular file");
    g_unlink(slide_file->path);
    gboolean is_tiff;
    g_autoptr(GError) folder = NULL, absent = NULL;
    g_assert_false(tiffcheck_file(slide_file->folder, &is_tiff,
                                  &folder)); /* slide_open() looks for a DICOM slide in it */
    g_assert_error(folder, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_false(tiffcheck_file(slide_file->path, &is_tiff, &absent));
    g_assert_error(absent, WSI_ERROR, WSI_ERROR_ABSENT);
}

/* With any bytes changed there is no crash and no abort, and the libraries can open a file that passes. */
static void test_mutations(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(90, 70, 1);
    Rng rng = rng_at(7, 0, 0);
    int accepted = 0, opened = 0, rounds = g_test_slow() ? 20000 : 1500;
    for (int big = 0; big < 2; big++) {
        g_autofree char *bytes = NULL;
        gsize size;
        fixture_write(slide_file->path,
                      &(FixtureSpec){.tile = 32, .levels = 2, .big = big, .compression = COMPRESSION_LZW},
                      image);
        g_assert_true(g_file_get_contents(slide_file->path, &bytes, &size, NULL));
        g_autofree char *changed = g_malloc(size);
        for (int round = 0; round < rounds; round++) {
            gboolean is_tiff;
            memcpy(changed, bytes, size);
            for (uint32_t n = 1 + rng_below(&rng, 4); n > 0; n--) {
                /* mostly in the directories, which libtiff writes at the end */
                uint32_t at = rng_below(&rng, 3) ? (uint32_t)size - 1 - rng_below(&rng, 400)
                                                 : rng_below(&rng, (uint32_t)size);
                changed[at] = (char)(rng_below(&rng, 2) ? rng_u32(&rng) : rng_below(&rng, 2) ? 0xff : 0);
            }
            g_assert_true(g_file_set_contents(slide_file->path, changed, (gssize)size, NULL));
            if (tiffcheck_file(slide_file->path, &is_tiff, NULL)) {
                g_autoptr(Slide) slide = slide_open(slide_file->path, NULL, NULL);
                accepted++;
                opened += slide != NULL;
            }
        }
    }
    g_test_message("%d of %d mutations pass the check, %d of these are slides", accepted, 2 * rounds, opened);
    g_assert_cmpint(accepted, >, rounds / 10);
    g_assert_cmpint(accepted, <, 2 * rounds);
}

static void test_real(void)
{
    const char *data = g_getenv("WSIFLOW_TEST_DATA");
    if (!data) {
        g_test_skip("WSIFLOW_TEST_DATA is not set: no real slides checked");
        return;
    }
    g_autofree char *folder = g_build_filename(data, "slides", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        assert_accepted(path, !g_str_has_suffix(name, ".xml") && !g_str_has_suffix(name, ".dcm"));
    }
}

#define ADD(name, function) g_test_add(name, SlideFile, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/tiffcheck/sound-files-pass", test_sound);
    ADD("/tiffcheck/impossible-sizes", test_bombs);
    ADD("/tiffcheck/tile-memory", test_tile_memory);
    ADD("/tiffcheck/links", test_links);
    ADD("/tiffcheck/arrays", test_arrays);
    ADD("/tiffcheck/values-of-all-tags", test_values);
    ADD("/tiffcheck/ndpi", test_ndpi);
    ADD("/tiffcheck/truncated-anywhere", test_truncated);
    ADD("/tiffcheck/other-files", test_other_files);
    ADD("/tiffcheck/mutations", test_mutations);
    g_test_add_func("/tiffcheck/real-slides-pass", test_real);
    return g_test_run();
}
