/* slide: what wsiflow reads from slides. */
#include "pipeline/cli/commands.h"
#include "pipeline/cli/options.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/write/json.h"
#include "tiler/tissue/tissue.h"
#include <stdio.h>

/* Areas that tissue detection could not read. */
static void print_bad_areas(const Slide *slide)
{
    const GPtrArray *areas = slide_bad_areas(slide);
    for (guint i = 0; i < areas->len; i++) {
        const BadArea *area = areas->pdata[i];
        printf("  unreadable: level %d, %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
               " x %" G_GINT64_FORMAT " px: %s\n",
               area->level, area->x, area->y, area->width, area->height, area->reason);
    }
}

static void print_glass(const Tissue *tissue)
{
    const GlassColour *glass = &tissue->glass;
    g_autoptr(GPtrArray) warnings = tissue_warnings(tissue);
    if (glass->found) {
        printf("  background (%.0f, %.0f, %.0f)\n", glass->red, glass->green, glass->blue);
    }
    for (guint i = 0; i < warnings->len; i++) {
        printf("  warning: %s\n", (const char *)warnings->pdata[i]);
    }
}

static void print_slide(const Slide *slide, const Tissue *tissue)
{
    const SlideInfo *info = slide_info(slide);
    printf("%s\n  vendor %s, read by %s\n  size %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px\n", info->path,
           info->vendor, info->fast_path ? "libtiff + libjpeg-turbo" : "OpenSlide", info->levels[0].width,
           info->levels[0].height);
    if (info->mpp_source == MPP_NONE) {
        printf("  resolution unknown\n");
    } else {
        printf("  resolution %.6g x %.6g um/px (%s)\n", info->mpp_x, info->mpp_y,
               slide_mpp_source_name(info->mpp_source));
    }
    if (info->objective > 0) {
        printf("  objective %gx\n", info->objective);
    }
    printf("  scanned area %g, %g, %g x %g px\n", info->bounds.x, info->bounds.y, info->bounds.width,
           info->bounds.height);
    for (int i = 0; i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        printf("  level %d: %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " px, downsample %.6g x %.6g", i,
               level->width, level->height, level->downsample_x, level->downsample_y);
        if (level->missing_tiles > 0) {
            printf(", %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " tiles missing", level->missing_tiles,
                   level->tiles);
        }
        printf("\n");
    }
    for (guint i = 0; i < info->notes->len; i++) {
        printf("  note: %s\n", (const char *)info->notes->pdata[i]);
    }
    if (tissue) {
        print_bad_areas(slide);
        print_glass(tissue);
        printf("  tissue %.2f %%, pen %.2f %%, no data %.2f %%\n", 100 * tissue->tissue_fraction,
               100 * tissue->pen_fraction, 100 * tissue->no_data_fraction);
    }
    printf("  fingerprint %s\n", info->fingerprint);
}

static gboolean show_slide(const char *path, const SlideOptions *options, json_t *out, GError **error)
{
    g_autoptr(Slide) slide = slide_open(path, options, error);
    if (!slide) {
        return FALSE;
    }
    g_autoptr(Tissue) tissue = NULL;
    if (slide_info(slide)->mpp_source != MPP_NONE &&
        !(tissue = tissue_find(slide, &tissue_defaults, error))) {
        return FALSE;
    }
    if (!out) {
        print_slide(slide, tissue);
        return TRUE;
    }
    json_t *facts = slide_json(slide);
    json_object_set_new(facts, "file", json_string(path));
    json_object_set_new(facts, "tissue_fraction", tissue ? json_real(tissue->tissue_fraction) : json_null());
    json_object_set_new(facts, "no_data_fraction",
                        tissue ? json_real(tissue->no_data_fraction) : json_null());
    json_object_set_new(facts, "background", tissue ? slide_json_glass(tissue) : json_null());
    json_object_set_new(facts, "warnings", tissue ? slide_json_warnings(tissue) : json_array());
    json_object_set_new(facts, "bad_areas", slide_json_bad_areas(slide));
    json_array_append_new(out, facts);
    return TRUE;
}

static int slide(int argc, char **argv, GError **error)
{
    gboolean json = FALSE, objective = FALSE;
    double mpp = 0;
    int code, failed = 0;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "print JSON", NULL},
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &mpp, "um/px of level 0; overrides the file", "UM"},
        {"objective", 0, 0, G_OPTION_ARG_NONE, &objective,
         "use 10 / nominal magnification when the file gives no resolution", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_slide, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc < 2) {
        return command_misused(error, "a slide is required: wsiflow slide FILE");
    }
    if (!options_distinct(argc, argv, error)) {
        return EXIT_USAGE;
    }
    SlideOptions options = {.mpp_x = mpp, .mpp_y = mpp, .use_objective = objective};
    json_t *out = json ? json_array() : NULL;
    for (int i = 1; i < argc; i++) {
        g_autoptr(GError) why = NULL;
        if (!show_slide(argv[i], &options, out, &why)) {
            fprintf(stderr, "wsiflow slide: %s\n", why->message);
            failed++;
        }
    }
    if (out && json_array_size(out) > 0) {
        json_print(argc == 2 ? json_incref(json_array_get(out, 0)) : json_incref(out));
    }
    json_decref(out);
    return failed == 0 ? EXIT_DONE : failed == argc - 1 ? EXIT_FAILED : EXIT_PARTIAL;
}

const Command command_slide = {"slide", "FILE... [--json]",
                               "show what wsiflow reads from slides: size, levels, resolution, tissue", NULL,
                               slide};
