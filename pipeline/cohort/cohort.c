/* A cohort owns its slides and its list of unused files. */
#include "pipeline/cohort/cohort.h"

Cohort *cohort_new(void)
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
