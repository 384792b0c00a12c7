/* FROC of a run.
 *
 * The detections of a run are maxima of anomaly scores, which may be negative; FROC takes confidences above 0, and only their order counts.  So all of
 * them are moved up by one number where that is needed. */
#include "pipeline/evaluation/slide_lesions.h"
#include "pipeline/cohort/cohort.h"
#include "base/error.h"
#include "pipeline/evaluation/detection_table.h"
#include "pipeline/evaluation/lesion_set.h"
#include "pipeline/slide/annotation_notes.h"
#include "pipeline/slide/slide_json.h"
#include <math.h>

/* A slide that counts, with what was read of it. */
typedef struct {
    const SlideEntry *entry;
    const json_t *facts;
    GArray *detections;
} Found;

static void found_free(gpointer data)
{
    Found *found = data;
    g_array_unref(found->detections);
    g_free(found);
}

/* The slides of the test split whose lesions are known; those that do not count are noted in the set.  Array of Found*, NULL with error. */
static GPtrArray *find_slides(const Work *work, LesionSet *set, GError **error)
{
    g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(found_free);
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        g_autofree char *path = work_find(work, "regions", entry->id, "detections");
        if (!g_str_equal(entry->split, "test") || entry->label == SLIDE_UNKNOWN || !entry->scored) {
            continue;
        }
        if (entry->use != SLIDE_WHOLE) {
            lesion_set_leave_out(set, entry->id, LESION_LEFT_OUT);
        } else if (annotation_notes_has_unknown(work->records, entry->id)) {
            lesion_set_leave_out(set, entry->id, LESION_UNKNOWN_PART);
        } else if (!path) {
            lesion_set_leave_out(set, entry->id, "it has no detections, because one of its jobs failed");
        } else {
            GArray *detections = detection_table_read(path, -INFINITY, error);
            if (!detections) {
                return NULL;
            }
            Found *found = g_new(Found, 1);
            *found = (Found){entry, slide_json_record(work->records, entry->id), detections};
            g_ptr_array_add(out, found);
        }
    }
    return g_steal_pointer(&out);
}

/* Moves all confidences above 0 when one is not. */
static void raise_confidences(const GPtrArray *slides)
{
    double least = INFINITY;
    for (int pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < slides->len; i++) {
            GArray *detections = ((Found *)slides->pdata[i])->detections;
            for (guint k = 0; k < detections->len; k++) {
                Detection *d = &g_array_index(detections, Detection, k);
                if (pass == 0) {
                    least = fmin(least, d->confidence);
                } else if (least <= 0) {
                    d->confidence += 1 - least;
                }
            }
        }
    }
}

static gboolean add_slide(const Work *work, LesionSet *set, const Found *found, GError **error)
{
    const SlideEntry *entry = found->entry;
    g_autofree char *border = work_find(work, "mask", entry->id, "border");
    g_autoptr(Components) regions = NULL;
    LesionSlide slide = {.name = entry->id,
                         .patient = cohort_names_patients(work->run->slides) ? entry->patient : NULL,
                         .annotated = entry->label == SLIDE_ANNOTATED,
                         .mpp_x = json_number_value(json_object_get(found->facts, "mpp_x")),
                         .mpp_y = json_number_value(json_object_get(found->facts, "mpp_y")),
                         .detections = found->detections};
    if (!found->facts || (slide.annotated && !border)) { /* both were published before the detections */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "slide %s has detections but no %s", entry->id,
                    found->facts ? "border of its lesions" : "facts");
        return FALSE;
    }
    if (slide.annotated) {
        g_autoptr(Raster) raster = raster_read(border, error);
        if (!raster || !lesion_regions(raster, slide.mpp_x, slide.mpp_y, entry->id, &regions, &slide.left,
                                       &slide.top, error)) {
            return FALSE;
        }
    }
    slide.regions = regions;
    return lesion_set_add(set, &slide, error);
}

/* Why there is no FROC, with the slides that were left out.  counted: slides that were not. */
static json_t *absent_json(const Work *work, const LesionSet *set, guint counted)
{
    gboolean annotated = FALSE;
    for (guint i = 0; i < work->run->slides->len; i++) {
        const SlideEntry *entry = work->run->slides->pdata[i];
        annotated = annotated ||
                    (g_str_equal(entry->split, "test") && entry->scored && entry->label == SLIDE_ANNOTATED);
    }
    const char *why = annotated     ? "each annotated slide of the test split is left out"
                      : counted > 0 ? "no slide of the test split has a lesion, so there is no sensitivity"
                      : json_array_size(lesion_set_left_out(set)) > 0
                          ? "each slide of the test split that has a label is left out"
                          : "no slide of the test split has detections and a label";
    return json_pack("{s:s, s:O}", "absent", why, "left_out", lesion_set_left_out(set));
}

json_t *slide_lesions(const Work *work, GError **error)
{
    g_autoptr(LesionSet) set = lesion_set_new();
    g_autoptr(GPtrArray) slides = find_slides(work, set, error);
    gboolean any = FALSE;
    if (!slides) {
        return NULL;
    }
    raise_confidences(slides);
    for (guint i = 0; i < slides->len; i++) {
        const Found *found = slides->pdata[i];
        any = any || found->entry->label == SLIDE_ANNOTATED;
        if (!add_slide(work, set, found, error)) {
            return NULL;
        }
    }
    if (!any) {
        return absent_json(work, set, slides->len);
    }
    const Found *first = slides->pdata[0];
    json_t *out = lesion_set_metrics(set),
           *threshold =
               json_object_get(records_get(work->records, "regions", first->entry->id, "facts"), "threshold");
    json_object_set(out, "threshold", threshold);
    return out;
}
