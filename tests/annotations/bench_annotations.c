/* The speed of annotations: `bench NAME VALUE UNIT`; with an argument only that NAME.  Best of three; needs WSIFLOW_TEST_DATA. */
#include "annotations/read/annotation_read.h"
#include "annotations/raster/raster.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLIDE_WIDTH = 97792, SLIDE_HEIGHT = 221184 }; /* the usual size in Camelyon16 */

static const char *data;

static Annotation *read_file(const char *name)
{
    g_autofree char *path = g_build_filename(data, "annotations", "camelyon16", name, NULL);
    g_autoptr(GError) error = NULL;
    Annotation *annotation = annotation_read(path, camelyon_rules, 0, 0, &error);
    if (!annotation) {
        g_error("%s", error->message);
    }
    return annotation;
}

/* Reads all 55 files of Camelyon16, 28 MB. */
static void parse_all(void)
{
    g_autofree char *path = g_build_filename(data, "annotations", "camelyon16", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        if (g_str_has_suffix(name, ".xml")) {
            g_autoptr(Annotation) annotation = read_file(name);
        }
    }
}

/* The whole level-0 mask in strips of 256 rows, without reading the file. */
static void mask(void)
{
    g_autoptr(Annotation) annotation = read_file("tumor_031.xml");
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_autofree uint8_t *rows = g_malloc((size_t)SLIDE_WIDTH * 256);
    for (int64_t y = 0; y < SLIDE_HEIGHT; y += 256) {
        raster_rows_max(raster, 1, y, 256, SLIDE_WIDTH, rows);
    }
}

/* The fractions of all 330,048 tiles of 256 px under the annotation with the most vertices (71,314). */
static void fractions(void)
{
    g_autoptr(Annotation) annotation = read_file("tumor_047.xml");
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    double sum = 0;
    for (int y = 0; y < SLIDE_HEIGHT; y += 256) {
        for (int x = 0; x < SLIDE_WIDTH; x += 256) {
            sum += raster_fraction(raster, &(Rect){x, y, 256, 256});
        }
    }
    if (fabs(sum * 65536 / raster_area(raster) - 1) > 1e-9) {
        g_error("the fractions of the tiles do not add up to the area");
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} benches[] = {{"annotations-parse-55", parse_all},
               {"raster-mask-tumor031", mask},
               {"raster-fractions-largest", fractions}};

int main(int argc, char **argv)
{
    data = g_getenv("WSIFLOW_TEST_DATA");
    for (guint i = 0; i < G_N_ELEMENTS(benches); i++) {
        if (argc > 1 && strcmp(argv[1], benches[i].name) != 0) {
            continue;
        }
        if (!data || !*data) {
            printf("bench %s skipped -\n", benches[i].name);
            continue;
        }
        gint64 best = G_MAXINT64;
        for (int k = 0; k < 3; k++) {
            gint64 start = g_get_monotonic_time();
            benches[i].run();
            best = MIN(best, g_get_monotonic_time() - start);
        }
        printf("bench %s %.3f s\n", benches[i].name, (double)best / 1e6);
        fflush(stdout);
    }
    return 0;
}
