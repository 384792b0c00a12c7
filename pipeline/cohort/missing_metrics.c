/* Splits and folds without metrics.
 *
 * A split without positives has no AUROC.  With folds this would only show in the turn of that fold, after the others were trained.  So
 * it is reported when the patch set is made, for all folds. */
#include "pipeline/cohort/missing_metrics.h"
#include "tiler/patches/patchset.h"

static const char cannot[] = "AUROC, average precision and F1 cannot be computed from it";

static void add(GPtrArray *out, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add(GPtrArray *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(out, g_strdup_vprintf(format, args));
    va_end(args);
}

static int count_patches(const GPtrArray *patches, const char *split, const char *label)
{
    int n = 0;
    for (guint i = 0; i < patches->len; i++) {
        const Patch *patch = patches->pdata[i];
        n += g_str_equal(patch->split, split) && g_str_equal(patch->label, label);
    }
    return n;
}

static void check_split(GPtrArray *out, const GPtrArray *slides, const GPtrArray *patches, const char *split)
{
    static const char *const labels[] = {"good", "Ungood"};
    int members = 0, annotated = 0;
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        gboolean in = g_str_equal(entry->split, split);
        members += in;
        annotated += in && entry->label == SLIDE_ANNOTATED;
    }
    if (members == 0 && g_str_equal(split, "test")) {
        add(out, "no slide is in the test split: no metrics can be computed");
    }
    if (members > 0 && !patches && annotated == 0) {
        add(out, "the %s split has no annotated slide: %s", split, cannot);
    }
    for (size_t l = 0; members > 0 && patches && l < G_N_ELEMENTS(labels); l++) {
        if (count_patches(patches, split, labels[l]) == 0) {
            add(out, "the %s split has no %s tile: %s", split, labels[l], cannot);
        }
    }
}

static void check_fold(GPtrArray *out, const GPtrArray *slides, int fold, int folds)
{
    int members = 0, annotated = 0;
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        members += entry->fold == fold;
        annotated += entry->fold == fold && entry->label == SLIDE_ANNOTATED;
    }
    if (members == 0) {
        add(out, "fold %d of %d has no slide", fold, folds);
    } else if (annotated == 0) {
        add(out, "fold %d of %d has no annotated slide: %s", fold, folds, cannot);
    }
}

GPtrArray *missing_metrics_find(const GPtrArray *slides, const GPtrArray *patches, const Config *config)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
    if (slides->len == 0) {
        return out;
    }
    check_split(out, slides, patches, "valid");
    check_split(out, slides, patches, "test");
    for (int fold = 1; fold <= config->dataset_folds; fold++) {
        check_fold(out, slides, fold, config->dataset_folds);
    }
    return out;
}
