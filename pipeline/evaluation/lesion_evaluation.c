/* FROC of folders. */
#include "pipeline/evaluation/lesion_evaluation.h"
#include "base/error.h"
#include "base/listing.h"
#include "pipeline/cohort/camelyon.h"
#include "pipeline/cohort/folder_files.h"
#include "pipeline/evaluation/detection_table.h"
#include "pipeline/evaluation/lesion_set.h"
#include "pipeline/slide/lesions.h"
#include <math.h>
#include <string.h>

/* ---- one slide ---- */

/* annotation: its path; NULL = normal. */
static gboolean evaluate_slide(const LesionEvaluation *spec, const char *name, const char *annotation,
                               LesionSet *set, GError **error)
{
    g_autofree char *file = g_strconcat(name, ".csv", NULL);
    g_autofree char *path = g_build_filename(spec->detections, file, NULL);
    SlideFrame frame = {.mpp_x = spec->mpp, .mpp_y = spec->mpp, .offset_x_nm = NAN, .offset_y_nm = NAN};
    g_autoptr(GArray) detections = detection_table_read(path, 0, error);
    g_autoptr(Components) regions = NULL;
    LesionSlide slide = {.name = name,
                         .annotated = annotation != NULL,
                         .mpp_x = spec->mpp,
                         .mpp_y = spec->mpp,
                         .detections = detections};
    if (!detections) {
        return FALSE;
    }
    gboolean unknown = FALSE;
    if (annotation && !lesions_find_unknown(annotation, spec->groups, spec->field, &frame, &unknown, error)) {
        return FALSE;
    }
    if (unknown) {
        lesion_set_leave_out(set, name, LESION_UNKNOWN_PART);
        return TRUE;
    }
    if (annotation) {
        g_autoptr(Annotation) outlines = lesions_load(annotation, spec->groups, spec->field, &frame, error);
        g_autoptr(Raster) raster = outlines ? raster_build(outlines, error) : NULL;
        if (!raster || !lesion_regions(raster, spec->mpp, spec->mpp, annotation, &regions, &slide.left,
                                       &slide.top, error)) {
            return FALSE;
        }
    }
    slide.regions = regions;
    return lesion_set_add(set, &slide, error);
}

/* ---- folders ---- */

/* NAME -> path of its annotation; two of one name are an error. */
static GHashTable *annotation_paths(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("--annotations", folder, error);
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; names && i < names->len; i++) {
        int rank;
        size_t stem =
            *(const char *)names->pdata[i] == '.' ? 0 : folder_annotation_stem(names->pdata[i], TRUE, &rank);
        g_autofree char *name = g_strndup(names->pdata[i], stem);
        if (stem > 0 && g_hash_table_contains(paths, name)) {
            wsi_error_input(error, "%s: %s has two annotations", folder, name);
            return NULL;
        }
        if (stem > 0) {
            g_hash_table_insert(paths, g_steal_pointer(&name),
                                g_build_filename(folder, names->pdata[i], NULL));
        }
    }
    return names ? g_steal_pointer(&paths) : NULL;
}

static gboolean evaluate_folder(const LesionEvaluation *spec, GHashTable *annotations, LesionSet *set,
                                GError **error)
{
    g_autoptr(GPtrArray) names = folder_list("--detections", spec->detections, error);
    if (!names) {
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        if (!g_str_has_suffix(names->pdata[i], ".csv") || *(const char *)names->pdata[i] == '.') {
            continue;
        }
        g_autofree char *name = g_strndup(names->pdata[i], strlen(names->pdata[i]) - 4);
        g_autofree char *annotation = g_strdup(g_hash_table_lookup(annotations, name));
        g_hash_table_remove(annotations, name); /* what stays has no detections */
        if (camelyon16_use(name) != SLIDE_WHOLE) {
            lesion_set_leave_out(set, name, LESION_LEFT_OUT);
        } else if (!evaluate_slide(spec, name, annotation, set, error)) {
            return FALSE;
        }
    }
    g_autofree char *left_out = lesion_set_left_out_text(set);
    return lesion_set_count(set) > 0 ||
           (left_out ? wsi_error_input(error, "%s: no slide counts: %s", spec->detections, left_out)
                     : wsi_error_input(error, "%s has no NAME.csv with detections", spec->detections));
}

json_t *lesion_evaluation(const LesionEvaluation *spec, GError **error)
{
    g_autoptr(GHashTable) annotations = annotation_paths(spec->annotations, error);
    g_autoptr(LesionSet) set = lesion_set_new();
    if (!annotations || !evaluate_folder(spec, annotations, set, error)) {
        return NULL;
    }
    json_t *out = lesion_set_metrics(set), *without = json_array();
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(annotations), (GCompareFunc)strcmp);
    for (GList *name = names; name; name = name->next) {
        json_array_append_new(without, json_string(name->data));
    }
    json_object_set_new(out, "annotations_without_detections", without);
    return out;
}
