/* Reading level 0 in tiles of 256 px, in megapixels per second of elapsed time, on two pinned threads (or fewer when there are fewer processors):
 *
 *   bench read-fast-256        slide_read, RGB in memory
 *   bench read-openslide-256   openslide_read_region on one shared handle (with one cache for all threads, its fastest way), ARGB
 *   bench read-turbo-256       TIFFReadRawTile and libjpeg-turbo to RGB, one TIFF handle per thread: the limit
 *   bench read-fast-256-against-openslide, -against-turbo   ratios of this run
 *
 * The three alternate in short rounds, so that all run under the same conditions.  The slide is $WSIFLOW_BENCH_SLIDE (JPEG in tiles of
 * 256 px), or a synthetic one of level 0 alone. */
#include "tiler/slide/slide.h"
#include "base/pool.h"
#include "tests/fixture_slide.h"
#include <openslide.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiffio.h>
#include <jpeglib.h>

enum { THREADS = 2, SIDE = 256, ROUNDS = 4 };
static const double WARM_SECONDS = 1.5, ROUND_SECONDS = 1;

typedef struct {
    const char *path;
    int64_t columns, rows;
    Slide *slide;
    openslide_t *openslide;
    TIFF *tiff[THREADS];
    uint8_t *stream[THREADS];
    Image *rgb[THREADS];
    uint32_t *argb[THREADS];
    void (*read)(void *bench, int worker, int64_t column, int64_t row);
    gint64 until;
    gint next; /* atomic: tile to be read */
} Bench;

static void fail(const char *what)
{
    fprintf(stderr, "bench_slide: %s\n", what);
    exit(1);
}

static void read_fast(void *data, int worker, int64_t column, int64_t row)
{
    Bench *bench = data;
    g_autoptr(GError) error = NULL;
    if (!slide_read(bench->slide, 0, column * SIDE, row * SIDE, bench->rgb[worker], NULL, &error)) {
        fail(error->message);
    }
}

static void read_openslide(void *data, int worker, int64_t column, int64_t row)
{
    Bench *bench = data;
    openslide_read_region(bench->openslide, bench->argb[worker], column * SIDE, row * SIDE, 0, SIDE, SIDE);
}

static void read_turbo(void *data, int worker, int64_t column, int64_t row)
{
    Bench *bench = data;
    TIFF *tiff = bench->tiff[worker];
    uint32_t number = TIFFComputeTile(tiff, (uint32_t)column * SIDE, (uint32_t)row * SIDE, 0, 0);
    uint32_t tables_bytes = 0;
    void *tables = NULL;
    tmsize_t bytes = TIFFReadRawTile(tiff, number, bench->stream[worker], SIDE * SIDE * 3);
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    if (TIFFGetField(tiff, TIFFTAG_JPEGTABLES, &tables_bytes, &tables)) {
        jpeg_mem_src(&jpeg, tables, tables_bytes);
        jpeg_read_header(&jpeg, FALSE);
    }
    jpeg_mem_src(&jpeg, bench->stream[worker], (unsigned long)bytes);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.jpeg_color_space = JCS_YCbCr;
    jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW line = bench->rgb[worker]->pixels + (size_t)jpeg.output_scanline * SIDE * 3;
        jpeg_read_scanlines(&jpeg, &line, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
}

/* Tiles in the order of the file, from its beginning again at the end. */
static gboolean read_until(int64_t index, int worker, void *data, GError **error)
{
    Bench *bench = data;
    while (g_get_monotonic_time() < bench->until) {
        int64_t tile = g_atomic_int_add(&bench->next, 1) % (bench->columns * bench->rows);
        bench->read(bench, (int)index, tile % bench->columns, tile / bench->columns);
    }
    return TRUE;
}

static int processors(void)
{
    return MIN(THREADS, pool_processors());
}

/* Reads for so many seconds; *tiles and *taken grow. */
static void read_for(Bench *bench, double seconds, double *tiles, double *taken)
{
    gint64 start = g_get_monotonic_time();
    gint first = bench->next;
    bench->until = start + (gint64)(seconds * 1e6);
    pool_run(processors(), TRUE, processors(), read_until, bench, NULL);
    *tiles += bench->next - first;
    *taken += (double)(g_get_monotonic_time() - start) * 1e-6;
}

static void open_all(Bench *bench)
{
    g_autoptr(GError) error = NULL;
    /* A cache of a few tiles: a small slide would fit in a larger one, and nothing would be decoded. */
    const SlideOptions options = {.cache_bytes = 16 * SIDE * SIDE * 3};
    bench->slide = slide_open(bench->path, &options, &error);
    bench->openslide = openslide_open(bench->path);
    if (!bench->slide || !slide_info(bench->slide)->fast_path || !bench->openslide) {
        fail(bench->slide ? "the slide has no fast path" : error->message);
    }
    const SlideLevel *level = &slide_info(bench->slide)->levels[0];
    bench->columns = level->width / SIDE;
    bench->rows = level->height / SIDE;
    for (int t = 0; t < processors(); t++) {
        uint32_t side = 0;
        bench->tiff[t] = TIFFOpen(bench->path, "rm");
        if (!bench->tiff[t] || !TIFFGetField(bench->tiff[t], TIFFTAG_TILEWIDTH, &side) || side != SIDE) {
            fail("the slide's tiles are not 256 px wide");
        }
        bench->stream[t] = g_malloc(SIDE * SIDE * 3);
        bench->rgb[t] = image_new(SIDE, SIDE, 3, NULL);
        bench->argb[t] = g_new(uint32_t, SIDE * SIDE);
    }
}

static void close_all(Bench *bench)
{
    for (int t = 0; t < processors(); t++) {
        TIFFClose(bench->tiff[t]);
        g_free(bench->stream[t]);
        image_free(bench->rgb[t]);
        g_free(bench->argb[t]);
    }
    openslide_close(bench->openslide);
    slide_free(bench->slide);
}

static void measure(Bench *bench)
{
    static const struct {
        const char *name;
        void (*read)(void *bench, int worker, int64_t column, int64_t row);
    } ways[] = {{"fast", read_fast}, {"openslide", read_openslide}, {"turbo", read_turbo}};
    double tiles[G_N_ELEMENTS(ways)] = {0}, seconds[G_N_ELEMENTS(ways)] = {0}, unused[2] = {0};
    bench->read = read_turbo;
    read_for(bench, WARM_SECONDS, &unused[0], &unused[1]);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t w = 0; w < G_N_ELEMENTS(ways); w++) {
            bench->read = ways[w].read;
            read_for(bench, ROUND_SECONDS, &tiles[w], &seconds[w]);
        }
    }
    double rate[G_N_ELEMENTS(ways)];
    for (size_t w = 0; w < G_N_ELEMENTS(ways); w++) {
        rate[w] = tiles[w] * SIDE * SIDE * 1e-6 / seconds[w];
        printf("bench read-%s-256 %.1f MP/s\n", ways[w].name, rate[w]);
    }
    printf("bench read-fast-256-against-openslide %.2f x\n", rate[0] / rate[1]);
    printf("bench read-fast-256-against-turbo %.2f x\n", rate[0] / rate[2]);
}

int main(int argc, char **argv)
{
    const char *given = g_getenv("WSIFLOW_BENCH_SLIDE");
    if (argc > 1 && !g_str_has_prefix(argv[1], "read-")) {
        return 0;
    }
    char *folder = fixture_folder();
    g_autofree char *made = g_build_filename(folder, "slide.tif", NULL);
    Bench bench = {.path = given ? given : made};
    if (!given) {
        fixture_flat_slide(folder, made);
    }
    open_all(&bench);
    measure(&bench);
    close_all(&bench);
    fixture_remove(folder);
    return 0;
}
