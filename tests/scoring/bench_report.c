/* The stage `evaluate` on a cohort of 400 slides, which is made here without slides or a model: 1,600,000 tiles of four scores, the score maps of the 130
 * test slides (1,000 x 800), detections, annotations, small pictures of 10 kB.
 *   report_400        seconds from the tables to metrics.json and report.html
 *   report_400_cpu    seconds of processor time of the same, which other programs on the machine change less
 *   report_400_size   MB of report.html */
#include "base/durable.h"
#include "base/rng.h"
#include "pipeline/job/stages.h"
#include "pipeline/report/slide_table.h"
#include "pipeline/scoring/npy.h"
#include "pipeline/slide/lesions.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { SLIDES = 400, TILES = 4000, TEST = 130, MAP_WIDTH = 1000, MAP_HEIGHT = 800, SIDE_PX = 64000 };

static GPtrArray *inputs;
static char *folder;

/* Notes a file of the run as published. */
static void publish(const char *stage, const char *unit, const char *name, const char *file)
{
    JobInput *input = g_new0(JobInput, 1);
    input->stage = g_strdup(stage);
    input->unit = g_strdup(unit);
    g_autofree char *path =
        g_str_equal(unit, COHORT) ? g_strdup(file) : g_build_filename("slides", unit, file, NULL);
    input->artefact = artefact_new(name, path, "0", 0);
    g_ptr_array_add(inputs, input);
}

static void put_file(const SlideEntry *slide, const char *stage, const char *name, const char *file,
                     const char *text, gssize length)
{
    g_autofree char *path = g_build_filename(folder, "slides", slide->id, file, NULL);
    g_assert_true(g_file_set_contents(path, text, length, NULL));
    publish(stage, slide->id, name, file);
}

/* A tenth of the tiles of an annotated slide are lesion; they score two deviations more. */
static void put_scores(const SlideEntry *slide, Rng *rng)
{
    g_autoptr(GString) out = g_string_new("slide,split,column,row,x,y,width,height,tissue_fraction,readable_"
                                          "fraction,lesion_fraction,label,score,"
                                          "contrast,nll,top\n");
    for (int i = 0; i < TILES; i++) {
        int lesion = slide->label == SLIDE_ANNOTATED && i % 10 == 0;
        double score = rng_normal(rng) + 2 * lesion;
        g_string_append_printf(out, "%s,%s,%d,%d,%d,%d,512,512,1.000000,1.000000,%d,%d,%.9g,%.9g,%.9g,%.9g\n",
                               slide->id, slide->split, i % 80, i / 80, i % 80 * 512, i / 80 * 512, lesion,
                               lesion, score, score / 3, score + 1, score * 2);
    }
    put_file(slide, "score", "scores", "scores.csv", out->str, (gssize)out->len);
}

/* A third of the map is tissue. */
static void put_map(const SlideEntry *slide, Rng *rng)
{
    g_autoptr(Map) map = map_new(MAP_WIDTH, MAP_HEIGHT, NULL);
    for (int i = 0; i < MAP_WIDTH * MAP_HEIGHT; i++) {
        map->values[i] = i % MAP_WIDTH < MAP_WIDTH / 3 ? (float)rng_normal(rng) : NAN;
    }
    g_autofree char *path = g_build_filename(folder, "slides", slide->id, "scoremap.npy", NULL);
    g_assert_true(npy_write(path, map, NULL, NULL));
    publish("score", slide->id, "map", "scoremap.npy");
}

static void put_detections(const SlideEntry *slide, Rng *rng)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (int i = 0; i < 100; i++) {
        g_string_append_printf(out, "%.9g,%u,%u\n", 3 + rng_uniform(rng), rng_below(rng, SIDE_PX),
                               rng_below(rng, SIDE_PX));
    }
    put_file(slide, "regions", "detections", "detections.csv", out->str, (gssize)out->len);
}

/* Five squares of 1 mm. */
static void put_lesions(const SlideEntry *slide, Rng *rng)
{
    g_autoptr(GString) text = g_string_new("<ASAP_Annotations><Annotations>");
    for (int k = 0; k < 5; k++) {
        int x = (int)rng_below(rng, SIDE_PX - 2000), y = (int)rng_below(rng, SIDE_PX - 2000);
        g_string_append_printf(
            text,
            "<Annotation Name=\"a\" Type=\"Polygon\" PartOfGroup=\"Tumor\" Color=\"#F4FA58\"><Coordinates>"
            "<Coordinate Order=\"0\" X=\"%d\" Y=\"%d\"/><Coordinate Order=\"1\" X=\"%d\" "
            "Y=\"%d\"/><Coordinate "
            "Order=\"2\" X=\"%d\" Y=\"%d\"/><Coordinate Order=\"3\" X=\"%d\" "
            "Y=\"%d\"/></Coordinates></Annotation>",
            x, y, x + 2000, y, x + 2000, y + 2000, x, y + 2000);
    }
    g_string_append(text, "</Annotations><AnnotationGroups><Group Name=\"Tumor\" PartOfGroup=\"None\" "
                          "Color=\"#000000\"/></AnnotationGroups></ASAP_Annotations>");
    g_autofree char *path = g_build_filename(folder, "a.xml", NULL),
                    *border = g_build_filename(folder, "slides", slide->id, "lesions.border", NULL);
    g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
    GError *error = NULL;
    SlideFrame frame = {.mpp_x = 0.5, .mpp_y = 0.5, .offset_x_nm = NAN, .offset_y_nm = NAN};
    g_autoptr(Annotation) annotation = lesions_load(path, NULL, "auto", &frame, &error);
    if (!annotation) {
        g_error("%s", error->message);
    }
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    g_assert_true(raster_write(raster, border, NULL, NULL));
    publish("mask", slide->id, "border", "lesions.border");
}

static void put_slide(const SlideEntry *slide, Rng *rng)
{
    char facts[256], picture[10000] = "\xff\xd8";
    g_autofree char *own = g_build_filename(folder, "slides", slide->id, NULL);
    g_mkdir_with_parents(own, 0755);
    g_snprintf(facts, sizeof facts, "{\"width\": %d, \"height\": %d, \"mpp_x\": 0.5, \"mpp_y\": 0.5}",
               SIDE_PX, SIDE_PX);
    put_file(slide, "ingest", "content", "slide.json", facts, -1);
    put_file(slide, "regions", "facts", "regions.json",
             "{\"threshold\": 3, \"regions\": 9, \"area_um2\": 1e6}", -1);
    put_file(slide, "heatmap", "thumbnail", "thumbnail.jpg", picture, sizeof picture);
    put_file(slide, "heatmap", "overview", "heatmap.png", "x", 1);
    put_scores(slide, rng);
    put_detections(slide, rng);
    if (slide->label == SLIDE_ANNOTATED) {
        put_lesions(slide, rng);
    }
    if (g_str_equal(slide->split, "test")) {
        put_map(slide, rng);
    }
}

static GPtrArray *make_slides(const Config *config)
{
    GPtrArray *slides = g_ptr_array_new();
    for (int i = 0; i < SLIDES; i++) {
        g_autofree char *path = g_strdup_printf("/slides/slide_%03d.tif", i);
        SlideEntry *slide = slide_entry_new(config, path);
        g_free(slide->patient);
        g_free(slide->centre);
        g_free(slide->split);
        slide->patient = g_strdup_printf("patient_%03d", i / 2);
        slide->centre = g_strdup_printf("centre_%d", i % 5);
        slide->split = g_strdup(i < TEST ? "test" : i < 2 * TEST ? "valid" : "train");
        slide->label = i % 5 < 2 ? SLIDE_ANNOTATED : SLIDE_NORMAL;
        slide->use = SLIDE_WHOLE;
        slide->scored = TRUE;
        g_ptr_array_add(slides, slide);
    }
    return slides;
}

/* slides.csv */
static void put_table(const GPtrArray *slides, Rng *rng)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *slide = slides->pdata[i];
        SlideRow *row = slide_row_new();
        row->slide = g_strdup(slide->id);
        row->state = g_strdup("done");
        row->split = g_strdup(slide->split);
        row->label = g_strdup(slide_label_name(slide->label));
        row->tissue_mm2 = 100 + rng_uniform(rng);
        row->scored = TILES;
        row->unreadable = 0;
        row->top = 3 + rng_uniform(rng);
        row->maximum = 5;
        row->regions = 9;
        g_ptr_array_add(rows, row);
    }
    g_autofree char *text = slide_table_text(rows), *path = g_build_filename(folder, "slides.csv", NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    publish("slides", COHORT, "slides", "slides.csv");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "report_400") != 0) {
        return 0;
    }
    GError *error = NULL;
    folder = g_dir_make_tmp("wsiflow-report-XXXXXX", NULL);
    inputs = g_ptr_array_new();
    g_autoptr(Config) config = config_default();
    g_free(config->regions_threshold);
    config->regions_threshold = g_strdup("3");
    g_autoptr(GPtrArray) slides = make_slides(config);
    Rng rng = rng_at(1, 2, 3);
    for (guint i = 0; i < slides->len; i++) {
        put_slide(slides->pdata[i], &rng);
    }
    put_table(slides, &rng);
    g_autoptr(Cohort) cohort = cohort_new();
    const Run run = {config, slides, folder, cohort};
    g_autoptr(Records) records = records_read(folder, inputs, NULL);
    Work work = {
        .run = &run, .inputs = inputs, .records = records, .outputs = g_ptr_array_new(), .threads = 1};
    gint64 start = g_get_monotonic_time();
    clock_t cpu = clock();
    if (!stage_evaluate(&work, &error)) {
        g_error("%s", error->message);
    }
    printf("bench report_400 %.3f s\n", (double)(g_get_monotonic_time() - start) / 1e6);
    printf("bench report_400_cpu %.3f s\n", (double)(clock() - cpu) / CLOCKS_PER_SEC);
    g_autofree char *page = g_build_filename(folder, "report.html", NULL);
    struct stat file;
    g_assert_true(stat(page, &file) == 0);
    printf("bench report_400_size %.3f MB\n", (double)file.st_size / 1e6);
    if (g_getenv("WSIFLOW_BENCH_KEEP")) {
        printf("# %s\n", folder);
        return 0;
    }
    const char *remove[] = {"rm", "-rf", folder, NULL};
    g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    return 0;
}
