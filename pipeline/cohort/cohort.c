/* The slides of a run.
 *
 * A manifest wins over the folder; without manifest every file of the folder that matches the pattern is a slide
 * (also one with a suffix of slides that turns out not to be one: it is then a slide that failed, and the status says so), but for annotations,
 * masks by their names and files that are plainly something else.  Whatever is found and not
 * used is kept with its reason, for the terminal, the card and the report: a file that is overlooked in silence can make a lesion pass for
 * normal tissue.
 *
 * The supervisor reads the cohort once, when it plans; workers get the text that it stored.  A folder that changes while a run is on
 * changes nothing before the next plan. */
#include "pipeline/cohort/cohort.h"
#include "base/error.h"
#include "pipeline/cohort/cohort_files.h"
#include "pipeline/cohort/splits.h"
#include <stdio.h>
#include <string.h>

const char *slide_label_name(SlideLabel label)
{
    static const char *const names[] = {"normal", "annotated", "unknown"};
    return names[label];
}

void slide_entry_free(SlideEntry *entry)
{
    g_free(entry->id);
    g_free(entry->path);
    g_free(entry->patient);
    g_free(entry->centre);
    g_free(entry->annotation);
    g_free(entry->split);
    g_free(entry);
}

SlideEntry *slide_entry_new(const Config *config, const char *path)
{
    SlideEntry *entry = g_new0(SlideEntry, 1);
    /* The name of a folder, which is a DICOM slide, has no suffix. */
    g_autofree char *name = g_strconcat(path, g_file_test(path, G_FILE_TEST_IS_DIR) ? ".dcm" : "", NULL);
    entry->id = cohort_slide_id(name);
    entry->path = g_strdup(path);
    entry->patient = g_strdup(entry->id);
    entry->centre = g_strdup("");
    entry->split = g_strdup("");
    entry->mpp_x = entry->mpp_y = config->slides_mpp;
    entry->bytes = -1;
    return entry;
}

static void unused_free(Unused *unused)
{
    g_free(unused->name);
    g_free(unused->reason);
    g_free(unused);
}

GPtrArray *unused_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)unused_free);
}

void unused_add(GPtrArray *list, const char *name, char *reason)
{
    Unused *unused = g_new0(Unused, 1);
    unused->name = g_strdup(name);
    unused->reason = reason;
    g_ptr_array_add(list, unused);
}

static Cohort *cohort_new(void)
{
    Cohort *cohort = g_new0(Cohort, 1);
    cohort->slides = g_ptr_array_new_with_free_func((GDestroyNotify)slide_entry_free);
    cohort->unused = unused_new();
    return cohort;
}

void cohort_free(Cohort *cohort)
{
    if (cohort) {
        g_ptr_array_unref(cohort->slides);
        g_ptr_array_unref(cohort->unused);
        g_free(cohort);
    }
}

gboolean cohort_names_patients(const GPtrArray *slides)
{
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (!g_str_equal(entry->patient, entry->id)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- ids ---- */

char *cohort_stem(const char *path)
{
    char *stem = g_path_get_basename(path), *dot = strrchr(stem, '.');
    if (dot && dot != stem) {
        *dot = 0;
    }
    return stem;
}

/* A dot at the beginning would hide the folder, and "." and ".." are other folders. */
char *cohort_slide_id(const char *path)
{
    char *id = cohort_stem(path);
    for (char *at = id; *at == '.'; at++) {
        *at = '_';
    }
    return g_strcanon(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", '_');
}

/* Files of a run are named by the id: the longest as "ID-XXXXXXXX_NNNNNNNNNN_mask.png", a name of at most 255 bytes. */
static gboolean check_length(const char *id, const char *path, const char *way_out, GError **error)
{
    enum { ID_BYTES = 220 };
    if (strlen(id) <= ID_BYTES) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s: the slide's name has %zu bytes, and at most %d fit into the names of files made from "
                "it; %s",
                path, strlen(id), ID_BYTES, way_out);
    return FALSE;
}

static gint by_id(gconstpointer a, gconstpointer b)
{
    const SlideEntry *p = *(SlideEntry *const *)a, *q = *(SlideEntry *const *)b;
    return strcmp(p->id, q->id);
}

static gboolean check_ids(const GPtrArray *slides, GError **error)
{
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (!check_length(entry->id, entry->path, "give it a shorter one by the column id of slides.manifest",
                          error)) {
            return FALSE;
        }
    }
    for (guint i = 1; i < slides->len; i++) {
        const SlideEntry *a = slides->pdata[i - 1], *b = slides->pdata[i];
        if (g_str_equal(a->id, b->id)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "two slides would have the name %s: %s and %s; give them names by the column id of "
                        "slides.manifest, or leave one out by slides.pattern",
                        a->id, a->path, b->path);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean cohort_ids_differ(char *const *paths, int count, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < count; i++) {
        g_autofree char *id = cohort_slide_id(paths[i]);
        const char *other = g_hash_table_lookup(seen, id);
        if (!check_length(id, paths[i], "rename it or link to it", error)) {
            return FALSE;
        }
        if (other) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "two slides would have the name %s: %s and %s; write them to two folders", id, other,
                        paths[i]);
            return FALSE;
        }
        g_hash_table_insert(seen, g_steal_pointer(&id), paths[i]);
    }
    return TRUE;
}

/* ---- labels ---- */

/* Of slides that have no annotation and no label of their own. */
static SlideLabel default_label(const Config *config, gboolean source_given)
{
    if (g_str_equal(config->slides_unannotated, "auto")) {
        return source_given ? SLIDE_UNKNOWN : SLIDE_NORMAL;
    }
    return g_str_equal(config->slides_unannotated, "normal") ? SLIDE_NORMAL : SLIDE_UNKNOWN;
}

static gboolean set_labels(const Config *config, Cohort *cohort, GHashTable *beside, gboolean source_given,
                           GError **error)
{
    gboolean found = g_str_equal(config->slides_unannotated, "auto");
    for (guint i = 0; i < cohort->slides->len; i++) {
        SlideEntry *entry = cohort->slides->pdata[i];
        if (entry->label_given && entry->label == SLIDE_NORMAL && entry->annotation) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: slide %s is labelled normal, but has the annotation %s",
                        config->slides_manifest, entry->line, entry->id, entry->annotation);
            return FALSE;
        }
        if (entry->label_given && entry->annotation) {
            unused_add(cohort->unused, entry->annotation,
                       g_strdup_printf("annotation of slide %s, which is labelled unknown", entry->id));
            g_clear_pointer(&entry->annotation, g_free);
        } else if (!entry->label_given) {
            gboolean unknown = found && g_hash_table_contains(beside, entry);
            entry->label = entry->annotation ? SLIDE_ANNOTATED
                           : unknown         ? SLIDE_UNKNOWN
                                             : default_label(config, source_given);
        }
    }
    return TRUE;
}

/* ---- scoring ---- */

/* Which slides are scored.  auto: the test slides and the unknown ones; all slides where that would leave out what people came for, since no
 * slide is annotated, so that there are no figures to keep apart, or none is in the test split. */
static void choose_scored(const Config *config, const GPtrArray *slides)
{
    const char *which = config->score_slides;
    gboolean annotated = FALSE, tested = FALSE;
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        annotated = annotated || entry->label == SLIDE_ANNOTATED;
        tested = tested || g_str_equal(entry->split, "test");
    }
    gboolean all = g_str_equal(which, "all") || (g_str_equal(which, "auto") && !(annotated && tested));
    for (guint i = 0; i < slides->len && !g_str_equal(which, "none"); i++) {
        SlideEntry *entry = slides->pdata[i];
        entry->scored = all || g_str_equal(entry->split, "test") || entry->label == SLIDE_UNKNOWN;
    }
}

/* ---- all together ---- */

static gint by_name(gconstpointer a, gconstpointer b)
{
    const Unused *p = *(Unused *const *)a, *q = *(Unused *const *)b;
    int order = strcmp(p->reason, q->reason);
    return order ? order : strcmp(p->name, q->name);
}

static gboolean read_all(const Config *config, Cohort *cohort, gboolean *labelled, GError **error)
{
    if (*config->slides_manifest) {
        return cohort_read_manifest(config, cohort, labelled, error) &&
               cohort_list_rest(config, cohort, error);
    }
    return cohort_list_folder(config, cohort, error);
}

Cohort *cohort_read(const Config *config, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_new();
    g_autoptr(GHashTable) beside = g_hash_table_new(NULL, NULL);
    gboolean labelled = FALSE;
    if (!*config->slides_folder && !*config->slides_manifest) {
        return g_steal_pointer(&cohort);
    }
    if (!read_all(config, cohort, &labelled, error)) {
        return NULL;
    }
    if (cohort->slides->len == 0) {
        const Unused *first = cohort->unused->len > 0 ? cohort->unused->pdata[0] : NULL;
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "no slide found: %s has no slide that matches \"%s\"%s%s%s%s",
                    *config->slides_manifest ? config->slides_manifest : config->slides_folder,
                    config->slides_pattern, first ? "; the first of its files is " : "",
                    first ? first->name : "", first ? ": " : "", first ? first->reason : "");
        return NULL;
    }
    g_ptr_array_sort(cohort->slides, by_id);
    labelled = labelled || *config->slides_annotations;
    if (!check_ids(cohort->slides, error) || !cohort_find_annotations(config, cohort, beside, error) ||
        !set_labels(config, cohort, beside, labelled, error) || !splits_assign(config, cohort, error)) {
        return NULL;
    }
    choose_scored(config, cohort->slides);
    g_ptr_array_sort(cohort->unused, by_name);
    return g_steal_pointer(&cohort);
}

/* ---- as text ---- */

/* A line a slide or unused file; cells are escaped as C has it and separated by tabs. */
static void put_line(GString *out, const char *const *cells)
{
    for (; *cells; cells++) {
        g_autofree char *safe = g_strescape(*cells, NULL);
        g_string_append(out, safe);
        g_string_append_c(out, cells[1] ? '\t' : '\n');
    }
}

char *cohort_text(const Cohort *cohort)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < cohort->slides->len; i++) {
        const SlideEntry *e = cohort->slides->pdata[i];
        char x[G_ASCII_DTOSTR_BUF_SIZE], y[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_dtostr(x, sizeof x, e->mpp_x);
        g_ascii_dtostr(y, sizeof y, e->mpp_y);
        g_autofree char *numbers = g_strdup_printf("%d %d %d %d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                                                   (int)e->label, (int)e->label_given, e->fold, (int)e->use,
                                                   e->line, (int)e->scored, e->bytes, e->mtime_us);
        put_line(out, (const char *[]){"slide", e->id, e->path, e->patient, e->centre, e->split,
                                       e->annotation ? e->annotation : "", x, y, numbers, NULL});
    }
    for (guint i = 0; i < cohort->unused->len; i++) {
        const Unused *unused = cohort->unused->pdata[i];
        put_line(out, (const char *[]){"unused", unused->name, unused->reason, NULL});
    }
    return g_string_free(out, FALSE);
}

static gboolean parse_slide(Cohort *cohort, char **cells)
{
    int label, given, fold, use, line, scored;
    gint64 bytes = -1, mtime_us = 0; /* a cohort that an earlier version stored does not say them */
    if (sscanf(cells[9], "%d %d %d %d %d %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &label, &given, &fold,
               &use, &line, &scored, &bytes, &mtime_us) < 6) {
        return FALSE;
    }
    SlideEntry *entry = g_new0(SlideEntry, 1);
    *entry = (SlideEntry){.id = g_strdup(cells[1]),
                          .path = g_strdup(cells[2]),
                          .patient = g_strdup(cells[3]),
                          .centre = g_strdup(cells[4]),
                          .label = (SlideLabel)label,
                          .label_given = given,
                          .annotation = *cells[6] ? g_strdup(cells[6]) : NULL,
                          .split = g_strdup(cells[5]),
                          .fold = fold,
                          .use = (SlideUse)use,
                          .mpp_x = g_ascii_strtod(cells[7], NULL),
                          .mpp_y = g_ascii_strtod(cells[8], NULL),
                          .line = line,
                          .scored = scored,
                          .bytes = bytes,
                          .mtime_us = mtime_us};
    g_ptr_array_add(cohort->slides, entry);
    return TRUE;
}

Cohort *cohort_parse(const char *text, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) cells = g_strsplit(*line, "\t", -1);
        guint n = g_strv_length(cells);
        for (guint c = 0; c < n; c++) {
            char *plain = g_strcompress(cells[c]);
            g_free(cells[c]);
            cells[c] = plain;
        }
        gboolean ok = n == 10 && g_str_equal(cells[0], "slide") && parse_slide(cohort, cells);
        if (n == 3 && g_str_equal(cells[0], "unused")) {
            unused_add(cohort->unused, cells[1], g_strdup(cells[2]));
        } else if (!ok) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL,
                        "the stored cohort has a line that cannot be read");
            return NULL;
        }
    }
    return g_steal_pointer(&cohort);
}
