/* slide, synth, config, doctor: looking at slides and at the machine. */
#include "annotations/outline.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/listing.h"
#include "base/pool.h"
#include "base/writable.h"
#include "flows/kernels/kernels.h"
#include "pipeline/cli/command.h"
#include "pipeline/config/config.h"
#include "pipeline/write/json.h"
#include "pipeline/cli/options.h"
#include "pipeline/slide/slide_json.h"
#include "pipeline/cohort/synth_cohort.h"
#include "pipeline/write/versions.h"
#include "tiler/slide/dicom.h"
#include "tiler/tissue/tissue.h"
#include "pipeline/run/exit_codes.h"
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* ---- slide ---- */

/* What the search for tissue could not read. */
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
               mpp_source_name(info->mpp_source));
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

int command_slide(int argc, char **argv, GError **error)
{
    gboolean json = FALSE, objective = FALSE;
    double mpp = 0;
    int code, failed = 0;
    GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "as JSON", NULL},
        {"mpp", 0, 0, G_OPTION_ARG_DOUBLE, &mpp, "um/px of level 0, instead of what the file says", "UM"},
        {"objective", 0, 0, G_OPTION_ARG_NONE, &objective,
         "take 10 / nominal magnification when the file says nothing else", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("slide", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc < 2) {
        return command_misused(error, "a slide is needed: wsiflow slide FILE");
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

/* ---- synth ---- */

int command_synth(int argc, char **argv, GError **error)
{
    g_autofree char *output = NULL;
    SynthCohort cohort = synth_cohort_default;
    int code;
    GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "folder to write to", "DIR"},
        {"slides", 'n', 0, G_OPTION_ARG_INT, &cohort.slides, "number of slides (default 6)", "N"},
        {"lesions", 'l', 0, G_OPTION_ARG_INT, &cohort.with_lesions,
         "how many of them have lesions (default 2)", "N"},
        {"width", 0, 0, G_OPTION_ARG_INT, &cohort.width, "px (default 12288)", "PX"},
        {"height", 0, 0, G_OPTION_ARG_INT, &cohort.height, "px (default 9216)", "PX"},
        {"seed", 's', 0, G_OPTION_ARG_INT, &cohort.seed, "another cohort (default 1)", "N"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("synth", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (!output || argc > 1) {
        return command_misused(error,
                               argc > 1 ? "unexpected argument %s" : "an output folder is needed: -o DIR%s",
                               argc > 1 ? argv[1] : "");
    }
    if (cohort.with_lesions > cohort.slides) {
        return command_misused(error, "--lesions %d: there are %d slides (--slides)", cohort.with_lesions,
                               cohort.slides);
    }
    return writable_folder(output, NULL, error) &&
                   synth_cohort_write(output, &cohort, pool_processors(), error)
               ? EXIT_DONE
               : EXIT_FAILED;
}

/* ---- config ---- */

int command_config(int argc, char **argv, GError **error)
{
    int code;
    GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("config", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc > 2) {
        return command_misused(error, "unexpected argument %s", argv[2]);
    }
    g_autoptr(Config) config = argc > 1 ? config_read(argv[1], error) : config_default();
    if (!config) {
        return EXIT_FAILED;
    }
    g_autofree char *text = config_text(config, TRUE);
    fputs(text, stdout);
    return EXIT_DONE;
}

/* ---- doctor ---- */

static int check_disk(const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        printf("disk      %s: cannot be read\n", folder);
        return 1;
    }
    double gib = (double)disk.f_bavail * (double)disk.f_frsize / (1 << 30);
    printf("disk      %.1f GiB free in %s%s\n", gib, folder, gib < 1 ? ": too little" : "");
    return gib < 1;
}

/* Whether the folder's file or folder `name` is one slide to open: a folder of DICOM files is, and of a series in the folder itself its lead. */
static gboolean is_one_slide(const GPtrArray *series, const char *name, const char *path, GError **error)
{
    FileKind kind;
    const DicomSeries *own = series ? dicom_find(series, name) : NULL;
    if (!listing_kind(path, &kind, error)) {
        return TRUE;
    }
    g_autoptr(GPtrArray) inside = kind == FILE_FOLDER ? dicom_list(path, NULL) : NULL;
    return inside ? inside->len > 0 : kind == FILE_REGULAR && (!own || strcmp(own->lead, name) == 0);
}

/* Opens every slide of a folder. */
static int check_slides(const char *folder)
{
    g_autoptr(GError) unlisted = NULL;
    g_autoptr(GPtrArray) names = listing_read(folder, &unlisted);
    g_autoptr(GPtrArray) series = names ? dicom_list(folder, NULL) : NULL;
    int good = 0, bad = 0;
    if (!names) {
        printf("slides    %s\n", unlisted->message);
        return 1;
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        g_autoptr(GError) why = NULL;
        if (!is_one_slide(series, names->pdata[i], path, &why)) {
            continue;
        }
        g_autoptr(Slide) slide = why ? NULL : slide_open(path, NULL, &why);
        if (slide && slide_info(slide)->mpp_source != MPP_NONE) {
            good++;
        } else {
            bad++;
            g_autofree char *unknown = g_strdup_printf("%s: opens, but does not say its um/px", path);
            printf("slides    %s\n", slide ? unknown : why->message);
        }
    }
    printf("slides    %d can be used, %d cannot\n", good, bad);
    return bad > 0;
}

int command_doctor(int argc, char **argv, GError **error)
{
    int code, problems = 0;
    GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options("doctor", entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc > 2) {
        return command_misused(error, "unexpected argument %s: one folder is looked at", argv[2]);
    }
    g_autofree char *versions = versions_text();
    printf("%s\nprocessors %d\n", versions, pool_processors());
    const char *blas = g_getenv("OPENBLAS_CORETYPE");
    if (blas) { /* slower, not wrong */
        printf("warning   OPENBLAS_CORETYPE=%s is set: dense algebra may run at half its speed\n", blas);
    }
    if (g_str_equal(kernels_get(NULL)->name, "reference")) {
        printf("warning   this build has no oneDNN: convolutions are slow\n");
        problems++;
    }
    problems += check_disk(argc > 1 ? argv[1] : ".");
    problems += argc > 1 ? check_slides(argv[1]) : 0;
    printf("%s\n", problems ? "doctor: there are problems" : "doctor: all well");
    return problems ? EXIT_FAILED : EXIT_DONE;
}
