/* Camelyon16 and Camelyon17: known exceptions, as a table.
 *
 * Camelyon16 has slides that were withdrawn, and others in which only part of the metastases is outlined.  In the latter, tissue outside of
 * the outlines may be tumour, so it must neither train a model of normal tissue nor count as a false positive.  The list of these training
 * slides is the one that two public code bases for the data set agree on; it was not compared with a list of the organisers. */
#include "pipeline/cohort/camelyon.h"
#include <stdio.h>
#include <string.h>

#define PARTLY "not exhaustively annotated: tissue outside of the outlines is left out"

const CamelyonException camelyon16_exceptions[] = {
    {"normal_086", SLIDE_LEFT_OUT, "contains tumour: the organisers renamed it to tumor_111"},
    {"test_049", SLIDE_LEFT_OUT, "withdrawn by the organisers as a duplicate"},
    {"test_114", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_010", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_015", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_018", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_020", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_025", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_029", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_033", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_034", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_044", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_046", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_051", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_054", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_055", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_056", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_067", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_079", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_085", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_092", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_095", SLIDE_LESIONS_ONLY, PARTLY},
    {"tumor_110", SLIDE_LESIONS_ONLY, PARTLY},
    {NULL, SLIDE_WHOLE, NULL},
};

SlideUse camelyon16_use(const char *slide)
{
    for (const CamelyonException *one = camelyon16_exceptions; one->slide; one++) {
        if (g_ascii_strcasecmp(slide, one->slide) == 0) {
            return one->use;
        }
    }
    return SLIDE_WHOLE;
}

gboolean camelyon16_is_test(const char *slide, gboolean *test)
{
    static const char *const prefixes[] = {"test_", "normal_", "tumor_"};
    g_autofree char *lower = g_ascii_strdown(slide, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        if (g_str_has_prefix(lower, prefixes[i]) && strlen(lower + n) == 3 &&
            strspn(lower + n, "0123456789") == 3) {
            *test = i == 0;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean camelyon17_is_test(const char *slide, gboolean *test, int *patient, int *centre)
{
    int node, end = 0;
    g_autofree char *lower = g_ascii_strdown(slide, -1);
    if (sscanf(lower, "patient_%3d_node_%1d%n", patient, &node, &end) != 2 || lower[end] || *patient < 0 ||
        *patient > 199) {
        return FALSE;
    }
    *test = *patient >= 100;
    *centre = *test ? -1 : *patient / 20; /* twenty patients from each of five centres, in order */
    return TRUE;
}
