/* A synthetic cohort: slides by tiler/synth, their lesions as ASAP XML, patients and splits as a manifest. */
#include "pipeline/cohort/synth_cohort.h"
#include "annotations/write/annotation_write.h"
#include "base/durable.h"
#include "base/error.h"
#include "tiler/synth/synth.h"
#include <stdio.h>

const SynthCohort synth_cohort_default = {
    .slides = 6, .with_lesions = 2, .width = 12288, .height = 9216, .seed = 1};

#define MPP 0.5

static gboolean write_annotation(const char *path, const GPtrArray *outlines, GError **error)
{
    Annotation annotation = {.path = (char *)path,
                             .outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free),
                             .warnings = g_ptr_array_new()};
    for (guint i = 0; i < outlines->len; i++) {
        const SynthOutline *outline = outlines->pdata[i];
        g_autofree char *name = g_strdup_printf("Annotation %u", i);
        g_ptr_array_add(annotation.outlines,
                        outline_new(name, "Tumor", LABEL_LESION, outline->points, outline->xy));
    }
    gboolean ok = asap_write(path, &annotation, NULL, error);
    g_ptr_array_unref(annotation.outlines);
    g_ptr_array_unref(annotation.warnings);
    return ok;
}

static gboolean write_slide(const char *folder, const SynthCohort *cohort, int number, int threads,
                            GError **error)
{
    gboolean lesions = number >= cohort->slides - cohort->with_lesions;
    SynthSpec spec = {.seed = (uint64_t)cohort->seed * 1000 + (uint64_t)number,
                      .width = cohort->width,
                      .height = cohort->height,
                      .mpp = MPP,
                      .lesions = lesions ? 3 : 0,
                      .pen = number % 3 == 1,
                      .black_corner = number % 3 == 2,
                      .artefacts = cohort->artefacts};
    g_autofree char *slide = g_strdup_printf("%s/slides/synth_%02d.tif", folder, number);
    g_autofree char *xml = g_strdup_printf("%s/annotations/synth_%02d.xml", folder, number);
    g_autoptr(GPtrArray) outlines = synth_slide(slide, &spec, threads, error);
    if (!outlines || (lesions && !write_annotation(xml, outlines, error))) {
        return FALSE;
    }
    fprintf(stderr, "%s: %d x %d px, %u lesions\n", slide, cohort->width, cohort->height, outlines->len);
    return TRUE;
}

gboolean synth_cohort_write(const char *folder, const SynthCohort *cohort, int threads, GError **error)
{
    g_autoptr(GString) manifest = g_string_new("slide,patient,centre,split,label\n");
    int normals = cohort->slides - cohort->with_lesions;
    int test_normals = normals > 1 ? MAX(1, normals / 4) : 0;
    for (int i = 0; i < cohort->slides; i++) {
        if (!write_slide(folder, cohort, i, threads, error)) {
            return FALSE;
        }
        gboolean test = i >= normals - test_normals;
        g_string_append_printf(manifest, "slides/synth_%02d.tif,patient_%02d,centre_%d,%s,%s\n", i, i, i % 2,
                               test ? "test" : "train", i < normals ? "normal" : "");
    }
    g_autofree char *path = g_build_filename(folder, "manifest.csv", NULL);
    return durable_write_file(path, manifest->str, manifest->len, NULL, error);
}
