/* Reading the slides of a run.
 *
 * A manifest takes precedence over the folder.  Without a manifest, every file of the folder that matches the pattern is a slide, except
 * annotations, masks (by their name) and files that are clearly something else.  A file with a suffix of slides that is not a slide becomes a
 * slide that fails, so that the status shows it.  Every unused file is kept with its reason, for the terminal, the card and the report: a
 * file that is passed over in silence can make a lesion count as normal tissue.
 *
 * The supervisor reads the cohort once, when it plans; workers read the text that it stored.  A folder that changes during a run changes
 * nothing before the next plan. */
#include "pipeline/cohort/cohort_read.h"
#include "base/error.h"
#include "pipeline/cohort/annotation_files.h"
#include "pipeline/cohort/slide_files.h"
#include "pipeline/cohort/slide_id.h"
#include "pipeline/cohort/slide_manifest.h"
#include "pipeline/cohort/splits.h"
#include <string.h>

/* ---- ids ---- */

static gint by_id(gconstpointer a, gconstpointer b)
{
    const SlideEntry *p = *(SlideEntry *const *)a, *q = *(SlideEntry *const *)b;
    return strcmp(p->id, q->id);
}

static gboolean check_ids(const GPtrArray *slides, GError **error)
{
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        if (!slide_id_check_length(entry->id, entry->path,
                                   "give it a shorter id in the column id of slides.manifest", error)) {
            return FALSE;
        }
    }
    for (guint i = 1; i < slides->len; i++) {
        const SlideEntry *a = slides->pdata[i - 1], *b = slides->pdata[i];
        if (g_str_equal(a->id, b->id)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "two slides would have the name %s: %s and %s; give them ids in the column id of "
                        "slides.manifest, or exclude one with slides.pattern",
                        a->id, a->path, b->path);
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- labels ---- */

/* Whether an annotation is of the review page: a review may speak of a slide that the manifest labels normal. */
static gboolean is_review(const char *annotation)
{
    g_autofree char *folder = g_path_get_dirname(annotation);
    g_autofree char *table = g_build_filename(folder, REVIEW_TABLE, NULL);
    return g_file_test(table, G_FILE_TEST_IS_REGULAR);
}

/* The label of slides without an annotation and without a label in the manifest. */
static SlideLabel default_label(const Config *config, gboolean source_given)
{
    if (g_str_equal(config->slides_unannotated, "auto")) {
        return source_given ? SLIDE_UNKNOWN : SLIDE_NORMAL;
    }
    return g_str_equal(config->slides_unannotated, "normal") ? SLIDE_NORMAL : SLIDE_UNKNOWN;
}

static gboolean set_labels(const Config *config, Cohort *cohort, GHashTable *unread, gboolean source_given,
                           GError **error)
{
    gboolean found = g_str_equal(config->slides_unannotated, "auto");
    for (guint i = 0; i < cohort->slides->len; i++) {
        SlideEntry *entry = cohort->slides->pdata[i];
        const gboolean normal = entry->label_given && entry->label == SLIDE_NORMAL && entry->annotation;
        if (normal && is_review(entry->annotation)) {
            entry->label = SLIDE_ANNOTATED; /* without lesions, unless somebody confirmed some */
            continue;
        }
        if (normal) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s line %d: slide %s is labelled normal, but it has the annotation %s",
                        config->slides_manifest, entry->line, entry->id, entry->annotation);
            return FALSE;
        }
        if (entry->label_given && entry->annotation) {
            unused_add(cohort->unused, entry->annotation,
                       g_strdup_printf("annotation of slide %s, which is labelled unknown", entry->id));
            g_clear_pointer(&entry->annotation, g_free);
        } else if (!entry->label_given) {
            gboolean unknown = found && g_hash_table_contains(unread, entry);
            entry->label = entry->annotation ? SLIDE_ANNOTATED
                           : unknown         ? SLIDE_UNKNOWN
                                             : default_label(config, source_given);
        }
    }
    return TRUE;
}

/* ---- scoring ---- */

/* Sets which slides are scored.  auto: the test split and unknown slides; all slides when none is annotated, because then there are no metrics to
 * keep separate, or when none is in the test split. */
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
        return slide_manifest_read(config, cohort, labelled, error) &&
               slide_files_list_unnamed(config, cohort, error);
    }
    return slide_files_add(config, cohort, error);
}

Cohort *cohort_read(const Config *config, GError **error)
{
    g_autoptr(Cohort) cohort = cohort_new();
    g_autoptr(GHashTable) unread = g_hash_table_new(NULL, NULL);
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
                    config->slides_pattern, first ? "; the first unused file is " : "",
                    first ? first->name : "", first ? ": " : "", first ? first->reason : "");
        return NULL;
    }
    g_ptr_array_sort(cohort->slides, by_id);
    labelled = labelled || *config->slides_annotations;
    if (!check_ids(cohort->slides, error) || !annotation_files_assign(config, cohort, unread, error) ||
        !set_labels(config, cohort, unread, labelled, error) || !splits_assign(config, cohort, error)) {
        return NULL;
    }
    choose_scored(config, cohort->slides);
    g_ptr_array_sort(cohort->unused, by_name);
    return g_steal_pointer(&cohort);
}
