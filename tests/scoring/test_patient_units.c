/* What bootstraps of slides draw: patients where each is known, else slides; and an interval of lesions then is one. */
#include "pipeline/evaluation/evaluation_intervals.h"
#include "pipeline/evaluation/lesion_set.h"
#include "flows/metrics/froc.h"
#include <string.h>

static void test_units(void)
{
    const char *const names[] = {"b", "a", "b", "c", "a"};
    g_autoptr(GPtrArray) patients = g_ptr_array_new();
    int unit[5], units;
    for (int i = 0; i < 5; i++) {
        g_ptr_array_add(patients, (gpointer)names[i]);
    }
    g_assert_cmpstr(patient_units(patients, "slide", unit, &units), ==, "patient");
    const int wanted[] = {0, 1, 0, 2, 1}, alone[] = {0, 1, 2, 3, 4};
    g_assert_cmpint(units, ==, 3);
    g_assert_cmpmem(unit, sizeof unit, wanted, sizeof wanted);
    patients->pdata[3] = NULL;
    g_assert_cmpstr(patient_units(patients, "image", unit, &units), ==, "image");
    g_assert_cmpint(units, ==, 5);
    g_assert_cmpmem(unit, sizeof unit, alone, sizeof alone);
}

/* Ten patients with two slides each; on every third slide the lesion is missed. */
static void test_interval_of_lesions(void)
{
    g_autoptr(LesionSet) set = lesion_set_new();
    g_autoptr(Image) mask = image_new(80, 20, 1, NULL);
    memset(mask->pixels + 800, 1, 60);
    g_autoptr(Components) regions = components_new(mask, NULL);
    for (int s = 0; s < 20; s++) {
        g_autofree char *name = g_strdup_printf("slide %d", s),
                        *patient = g_strdup_printf("patient %d", s / 2);
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Detection));
        Detection hit = {0.5 + s / 100.0, 30.5, 10.5}, wrong = {0.1 + s / 20.0, 30, 3};
        g_array_append_val(found, wrong);
        if (s % 3) {
            g_array_append_val(found, hit);
        }
        LesionSlide slide = {.name = name,
                             .patient = patient,
                             .annotated = TRUE,
                             .regions = regions,
                             .mpp_x = FROC_PIXEL_UM,
                             .mpp_y = FROC_PIXEL_UM,
                             .detections = found};
        g_assert_true(lesion_set_add(set, &slide, NULL));
    }
    json_auto_t *m = lesion_set_metrics(set);
    const json_t *froc = json_array_get(json_object_get(m, "froc"), 0),
                 *interval = json_object_get(froc, "interval");
    double score = json_number_value(json_object_get(froc, "score")),
           low = json_number_value(json_object_get(interval, "low")),
           high = json_number_value(json_object_get(interval, "high"));
    g_assert_cmpstr(json_string_value(json_object_get(m, "unit")), ==, "patient");
    g_assert_cmpint(json_integer_value(json_object_get(m, "units")), ==, 10);
    g_assert_cmpint(json_integer_value(json_object_get(interval, "draws")), ==, 1000);
    g_assert_cmpfloat(low, <, score);
    g_assert_cmpfloat(score, <, high);
    const json_t *band = json_object_get(froc, "band");
    for (size_t r = 0; r < json_array_size(json_object_get(band, "low")); r++) {
        g_assert_cmpfloat(json_number_value(json_array_get(json_object_get(band, "low"), r)), <=,
                          json_number_value(json_array_get(json_object_get(band, "high"), r)));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/patient-units/units", test_units);
    g_test_add_func("/patient-units/lesions", test_interval_of_lesions);
    return g_test_run();
}
