/* Slides on a system that fails: an I/O error is an error, never "no data" or "not a slide", and the next attempt
 * succeeds.  The reading functions of the C library are replaced by functions that fail on request. */
#include "tests/slide_file.h"
#include "tiler/slide/tilecache.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- faults ---- */

static struct {
    gboolean armed;
    int number;      /* errno */
    int after, most; /* calls that are let through, and how many fail then */
    int failed;
} fault;

static void arm(int number, int after, int most)
{
    fault.number = number;
    fault.after = after;
    fault.most = most;
    fault.failed = 0;
    fault.armed = TRUE;
}

/* Whether the call fails now. */
static gboolean fails(void)
{
    if (!fault.armed || fault.after-- > 0 || fault.failed >= fault.most) {
        return FALSE;
    }
    fault.failed++;
    errno = fault.number;
    return TRUE;
}

typedef ssize_t (*ReadAt)(int fd, void *to, size_t bytes, off_t at);
typedef size_t (*ReadFile)(void *to, size_t size, size_t count, FILE *file);

static ssize_t read_at(int fd, void *to, size_t bytes, off_t at)
{
    static ReadAt real;
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, "pread");
        memcpy(&real, &symbol, sizeof real);
    }
    return fails() ? -1 : real(fd, to, bytes, at);
}

static size_t read_file(void *to, size_t size, size_t count, FILE *file)
{
    static ReadFile real;
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, "fread");
        memcpy(&real, &symbol, sizeof real);
    }
    return fails() ? 0 : real(to, size, count, file);
}

/* The names by which the compiler and the libraries call them. */
#undef pread
#undef pread64
#undef fread
ssize_t pread(int fd, void *to, size_t bytes, off_t at);
ssize_t pread(int fd, void *to, size_t bytes, off_t at)
{
    return read_at(fd, to, bytes, at);
}
ssize_t pread64(int fd, void *to, size_t bytes, off_t at);
ssize_t pread64(int fd, void *to, size_t bytes, off_t at)
{
    return read_at(fd, to, bytes, at);
}
ssize_t __pread_chk(int fd, void *to, size_t bytes, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *to, size_t bytes, off_t at, size_t room)
{
    return read_at(fd, to, bytes, at);
}
size_t fread(void *to, size_t size, size_t count, FILE *file);
size_t fread(void *to, size_t size, size_t count, FILE *file)
{
    return read_file(to, size, count, file);
}
size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file);
size_t __fread_chk(void *to, size_t room, size_t size, size_t count, FILE *file)
{
    return read_file(to, size, count, file);
}

static void assert_system_error(const GError *error)
{
    g_assert_nonnull(error);
    if (error->code != WSI_ERROR_IO && error->code != WSI_ERROR_MEMORY) {
        g_test_message("code %d: %s", error->code, error->message);
        g_test_fail();
    }
}

/* ---- slides ---- */

static const int numbers[] = {EIO, ESTALE, ENOMEM, ETIMEDOUT};

static const struct {
    const char *name;
    FixtureSpec spec;
    gboolean no_fast_path, fast;
} kinds[] = {
    {"fast", {.levels = 2}, FALSE, TRUE},
    {"OpenSlide, JPEG", {.levels = 2}, TRUE, FALSE},
    {"OpenSlide, Deflate", {.levels = 2, .compression = COMPRESSION_ADOBE_DEFLATE}, FALSE, FALSE},
    {"own", {.levels = 2, .compression = COMPRESSION_LZW, .big_endian = TRUE}, FALSE, TRUE},
};

/* Only one read fails. */
static void test_read(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5), expected = fixture_image(390, 250, 3),
                     rgb = fixture_image(390, 250, 3), readable = fixture_image(390, 250, 1);
    int errors = 0, faults = 0;
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const SlideOptions options = {.no_fast_path = kinds[k].no_fast_path};
        fixture_write(slide_file->path, &kinds[k].spec, image);
        g_autoptr(Slide) sound = open_slide(slide_file->path, &options);
        g_assert_cmpint(slide_info(sound)->fast_path, ==, kinds[k].fast);
        read_area(sound, 0, 0, 0, expected, NULL);
        for (int after = 0; after < 12; after++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(Slide) slide = open_slide(slide_file->path, &options);
            arm(numbers[after % 4], after, 1);
            gboolean ok = slide_read(slide, 0, 0, 0, rgb, readable, &error);
            fault.armed = FALSE;
            faults += fault.failed;
            if (!ok) {
                assert_system_error(error);
                errors++;
            }
            g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 0);
            read_area(slide, 0, 0, 0, rgb, readable);
            assert_same(rgb, expected);
            g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
            g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 0);
        }
    }
    g_test_message("%d faults, %d of them errors, the others read again", faults, errors);
    g_assert_cmpint(errors, >, 12);
}

/* While the disk is away, no tile becomes a bad area; when it is back, everything can be read. */
static void test_away(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5), expected = fixture_image(390, 250, 3),
                     rgb = fixture_image(390, 250, 3), readable = fixture_image(390, 250, 1);
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const SlideOptions options = {.no_fast_path = kinds[k].no_fast_path};
        fixture_write(slide_file->path, &kinds[k].spec, image);
        g_autoptr(Slide) sound = open_slide(slide_file->path, &options),
                         slide = open_slide(slide_file->path, &options);
        read_area(sound, 0, 0, 0, expected, NULL);
        for (int round = 0; round < 3; round++) {
            g_autoptr(GError) error = NULL;
            MosaicView view;
            arm(numbers[round], round * 3, G_MAXINT);
            g_assert_false(slide_view(slide, 0, 0, 0, 390, 250, &view));
            g_assert_false(slide_read(slide, 0, 0, 0, rgb, readable, &error));
            fault.armed = FALSE;
            assert_system_error(error);
            g_assert_nonnull(strstr(error->message, slide_file->path));
            g_assert_cmpuint(slide_bad_areas(slide)->len, ==, 0);
        }
        read_area(slide, 0, 0, 0, rgb, readable);
        assert_same(rgb, expected);
        g_assert_null(memchr(readable->pixels, 0, image_bytes(readable)));
    }
}

/* Whichever read fails during opening, the result is an error of the system, or the usual slide. */
static void test_open(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const SlideOptions options = {.no_fast_path = kinds[k].no_fast_path};
        fixture_write(slide_file->path, &kinds[k].spec, image);
        g_autoptr(Slide) sound = open_slide(slide_file->path, &options);
        int errors = 0, after = 0;
        do {
            g_autoptr(GError) error = NULL;
            arm(numbers[after % 4], after, 1);
            g_autoptr(Slide) slide = slide_open(slide_file->path, &options, &error);
            fault.armed = FALSE;
            if (slide) {
                g_assert_cmpint(slide_info(slide)->fast_path, ==, kinds[k].fast);
                g_assert_cmpint(slide_info(slide)->level_count, ==, slide_info(sound)->level_count);
                g_assert_cmpstr(slide_info(slide)->fingerprint, ==, slide_info(sound)->fingerprint);
                g_assert_cmpstr(slide_info(slide)->vendor, ==, slide_info(sound)->vendor);
            } else {
                assert_system_error(error);
                errors++;
            }
            after++;
        } while (fault.failed > 0);
        g_test_message("%s: %d of %d faults when opening are errors", kinds[k].name, errors, after - 1);
        g_assert_cmpint(errors, >, 10);
    }
}

/* Too many open files. */
static void test_descriptors(SlideFile *slide_file, gconstpointer unused)
{
    g_autoptr(Image) image = fixture_texture(390, 250, 5);
    struct rlimit limit;
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const SlideOptions options = {.no_fast_path = kinds[k].no_fast_path};
        fixture_write(slide_file->path, &kinds[k].spec, image);
        int next = open("/dev/null", O_RDONLY), errors = 0;
        close(next);
        for (int more = 0; more < 8; more++) {
            g_autoptr(GError) error = NULL;
            struct rlimit few = {(rlim_t)(next + more), limit.rlim_max};
            g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
            g_autoptr(Slide) slide = slide_open(slide_file->path, &options, &error);
            g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
            if (!slide) {
                assert_system_error(error);
                errors++;
            } else {
                g_assert_cmpint(slide_info(slide)->fast_path, ==, kinds[k].fast);
            }
        }
        g_assert_cmpint(errors, >, 0);
        g_assert_cmpint(errors, <, 8);
    }
}

/* ---- the cache ---- */

static gboolean decode_at_second_try(void *data, int level, int64_t index, uint8_t *pixels, char **reason,
                                     GError **error)
{
    int *calls = data;
    if (++*calls == 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "the disk is away");
        return FALSE;
    }
    if (index == 7) {
        *reason = g_strdup("damaged");
        return FALSE;
    }
    memset(pixels, 42, 10);
    return TRUE;
}

static void test_cache(void)
{
    int calls = 0;
    g_autoptr(GError) error = NULL;
    TileCache *cache = tilecache_new(1000, decode_at_second_try, &calls);
    g_assert_null(tilecache_get(cache, 0, 3, 10, &error));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    for (int round = 0; round < 2; round++) {
        CachedTile *tile = tilecache_get(cache, 0, 3, 10, NULL), *bad = tilecache_get(cache, 0, 7, 10, NULL);
        const char *reason;
        g_assert_cmpint(tilecache_pixels(tile, NULL)[9], ==, 42);
        g_assert_null(tilecache_pixels(bad, &reason));
        g_assert_cmpstr(reason, ==, "damaged");
        tilecache_release(cache, tile);
        tilecache_release(cache, bad);
    }
    g_assert_cmpint(calls, ==, 3); /* the failure, the tile, the damaged one: both are remembered */
    tilecache_free(cache);
}

#define ADD(name, function) g_test_add(name, SlideFile, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/slide-faults/one-read-fails", test_read);
    ADD("/slide-faults/the-disk-is-away", test_away);
    ADD("/slide-faults/opening", test_open);
    ADD("/slide-faults/too-many-open-files", test_descriptors);
    g_test_add_func("/slide-faults/cache", test_cache);
    return g_test_run();
}
