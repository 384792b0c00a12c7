/* qupath: the slides of a run with their heatmaps and regions, ready to be opened in QuPath.
 *
 * Nothing of the run is copied.  images.csv names its files from the folder where it lies and absolutely, so the run may be moved as long as
 * one of the two holds; show_heatmap.groovy looks the open slide up in it, and runs the script beside the heatmap. */
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "base/writable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/scoring/qupath_script.h"
#include "pipeline/write/terminal.h"
#include <stdio.h>
#include <string.h>

static const char *const files[] = {"images.txt", "images.csv", "show_heatmap.groovy", NULL};
enum { IMAGES_TXT, IMAGES_CSV, SHOW };

typedef struct {
    char *run, *output; /* absolute, without links between the two */
    const Cohort *cohort;
    const GPtrArray *jobs;  /* JobRow* */
    GHashTable *artefacts;  /* "STAGE UNIT NAME" -> path in the run, owned by an array */
    GString *images, *rows; /* the two lists */
    int listed, failed;
} Export;

/* ---- which slides ---- */

/* Absolute path of an artefact that is there; NULL otherwise.  Caller frees. */
static char *artefact(const Export *export, const char *stage, const char *unit, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s %s %s", stage, unit, name);
    const char *path = g_hash_table_lookup(export->artefacts, key);
    g_autofree char *file = path ? g_build_filename(export->run, path, NULL) : NULL;
    return file && g_file_test(file, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&file) : NULL;
}

/* Why a slide that should be scored has no heatmap.  Caller frees. */
static char *why_missing(const Export *export, const char *slide)
{
    JobState state = JOB_DONE;
    for (guint i = 0; i < export->jobs->len; i++) {
        const JobRow *job = export->jobs->pdata[i];
        if (job->state == JOB_PARKED && g_str_equal(job->unit, slide)) {
            return g_strdup_printf("%s failed: %s", job->stage, job->error ? job->error : "unknown reason");
        }
        if (g_str_equal(job->stage, "heatmap") && g_str_equal(job->unit, slide)) {
            state = job->state;
        }
    }
    return state == JOB_DONE ? g_strdup("its heatmap.ome.tif or wsiflow.groovy is missing: run again")
                             : g_strdup_printf("its heatmap is %s", job_state_name(state));
}

/* Whether QuPath can read the path from a list, a line for each; it takes blanks off the ends. */
static gboolean fits_list(const char *path)
{
    for (const char *c = path; *c; c++) {
        if (g_ascii_iscntrl(*c)) {
            return FALSE;
        }
    }
    return g_utf8_validate(path, -1, NULL) && !g_ascii_isspace(path[strlen(path) - 1]);
}

/* NULL when the slide can be shown.  Caller frees. */
static char *why_left_out(const Export *export, const SlideEntry *entry)
{
    g_autofree char *values = artefact(export, "heatmap", entry->id, "values"),
                    *script = artefact(export, "heatmap", entry->id, ".script");
    if (!entry->scored) {
        return g_strdup("it was not scored (score.slides)");
    }
    if (!values || !script) {
        return why_missing(export, entry->id);
    }
    return fits_list(entry->path)
               ? NULL
               : g_strdup(
                     "its path has a line break, another control character, a blank at its end or is not "
                     "UTF-8: QuPath cannot read it from a list");
}

/* ---- the lists ---- */

/* `to` as seen from the folder `from`, both absolute and canonical.  Caller frees. */
static char *relative_path(const char *from, const char *to)
{
    g_auto(GStrv) a = g_strsplit(from, "/", -1), b = g_strsplit(to, "/", -1);
    guint same = 0;
    while (a[same] && b[same] && g_str_equal(a[same], b[same])) {
        same++;
    }
    GString *out = g_string_new(NULL);
    for (guint i = same; a[i]; i++) {
        g_string_append(out, *a[i] ? "../" : "");
    }
    g_autofree char *rest = g_strjoinv("/", b + same);
    g_string_append(out, rest);
    return g_string_free(out, FALSE);
}

static void add_slide(Export *export, const SlideEntry *entry)
{
    g_autofree char *path = g_canonicalize_filename(entry->path, NULL),
                    *heatmap = artefact(export, "heatmap", entry->id, "values"),
                    *regions = artefact(export, "regions", entry->id, "regions"),
                    *folder = g_path_get_dirname(heatmap), *beside = relative_path(export->output, folder);
    g_string_append_printf(export->images, "%s\n", path);
    const char *const cells[] = {entry->id, path, beside, heatmap, regions ? regions : ""};
    for (guint i = 0; i < G_N_ELEMENTS(cells); i++) {
        csv_cell(export->rows, cells[i], i + 1 < G_N_ELEMENTS(cells) ? ',' : '\n');
    }
    export->listed++;
    if (!regions) {
        fprintf(stderr, "wsiflow qupath: %s: no regions.geojson, so only its map can be shown\n", entry->id);
    }
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_autofree char *shown = terminal_line(path);
        fprintf(stderr, "wsiflow qupath: %s: the slide is no longer at %s\n", entry->id, shown);
    }
}

static void list_slides(Export *export)
{
    for (guint i = 0; i < export->cohort->slides->len; i++) {
        const SlideEntry *entry = export->cohort->slides->pdata[i];
        g_autofree char *why = why_left_out(export, entry), *line = why ? terminal_line(why) : NULL;
        if (why) {
            fprintf(stderr, "wsiflow qupath: %s left out: %s\n", entry->id, line);
            export->failed += entry->scored;
        } else {
            add_slide(export, entry);
        }
    }
}

static gboolean write_files(const Export *export, GError **error)
{
    const char *const texts[] = {[IMAGES_TXT] = export->images->str,
                                 [IMAGES_CSV] = export->rows->str,
                                 [SHOW] = qupath_script_cohort()};
    for (guint i = 0; files[i]; i++) {
        g_autofree char *path = g_build_filename(export->output, files[i], NULL);
        if (!durable_write_file(path, texts[i], strlen(texts[i]), NULL, error)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- the command ---- */

static void print_steps(const Export *export)
{
    g_autofree char *folder = terminal_line(export->output);
    printf("%d slide%s in %s/images.txt and images.csv. In QuPath 0.5 or later:\n", export->listed,
           export->listed == 1 ? "" : "s", folder);
    printf("  1. File, Project, Create project; then Add images, From path list: images.txt; Import\n"
           "  2. open a slide; Automate, Script editor, File, Open: show_heatmap.groovy; Run\n"
           "     The map lies over the slide, and its regions are annotations. The button C hides the map.\n"
           "  3. for the regions of all slides at once: Run, Run for project\n"
           "Scripts may be run again: no region is added twice.\n");
}

static gboolean make(Export *export, Store *store, GError **error)
{
    g_autoptr(GPtrArray) jobs = store_jobs(store, error);
    g_autoptr(GPtrArray) all = jobs ? store_artefacts(store, error) : NULL;
    g_autoptr(GHashTable) artefacts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; all && i < all->len; i++) {
        const JobInput *one = all->pdata[i];
        g_hash_table_insert(artefacts,
                            g_strdup_printf("%s %s %s", one->stage, one->unit, one->artefact->name),
                            one->artefact->path);
    }
    if (!all) {
        return FALSE;
    }
    export->jobs = jobs;
    export->artefacts = artefacts;
    list_slides(export);
    if (export->listed == 0) {
        return wsi_error_input(error, "%s has no heatmap that QuPath can show", export->run);
    }
    return write_files(export, error);
}

static int qupath(int argc, char **argv, GError **error)
{
    g_autofree char *output = NULL;
    int code;
    GOptionEntry entries[] = {{"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "folder to write to", "DIR"},
                              {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_qupath, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2 || !output) {
        return command_misused(
            error, "required: the folder of a run and one to write to: wsiflow qupath RUN -o DIR");
    }
    g_autoptr(Store) store = store_open_existing(argv[1], error);
    g_autoptr(Cohort) cohort =
        store && writable_folder(output, files, error) ? stored_cohort_read(store, error) : NULL;
    if (!cohort) {
        return EXIT_FAILED;
    }
    g_autofree char *run = g_canonicalize_filename(argv[1], NULL),
                    *to = g_canonicalize_filename(output, NULL);
    g_autoptr(GString) images = g_string_new(NULL);
    g_autoptr(GString) rows = g_string_new("slide,path,folder,heatmap,regions\n");
    Export export = {.run = run, .output = to, .cohort = cohort, .images = images, .rows = rows};
    if (!make(&export, store, error)) {
        return EXIT_FAILED;
    }
    print_steps(&export);
    return export.failed ? EXIT_PARTIAL : EXIT_DONE;
}

const Command command_qupath = {"qupath", "RUN -o DIR",
                                "list a run's slides for QuPath, with a script that shows their heatmaps",
                                "DIR receives images.txt (paths of the slides, for Add images in QuPath), "
                                "images.csv (each slide with its path, heatmap and "
                                "regions) and show_heatmap.groovy (shows the map and the regions of the open "
                                "slide). The run stays as it is.",
                                qupath};
