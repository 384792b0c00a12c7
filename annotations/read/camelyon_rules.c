/* The group rules of the Camelyon sets.
 *
 * The names of annotations mean nothing (a lesion of the Camelyon sets is called "geen tumor?", Dutch for "no tumour?"): only groups
 * decide. */
#include "annotations/read/annotation_read.h"

/* From the organisers of Camelyon16: Tumor, _0 and _1 are lesion, _2 and Exclusion are not.  Camelyon17, and files that were saved again, use
 * the other names.  ASAP writes "None" for no group.  In Camelyon16 such outlines are not lesions; other data sets do not say so, and
 * treating them as normal would lose lesions. */
static const char *const camelyon16_groups[] = {"Tumor", "_0", "_1", "_2", "Exclusion", NULL};
const GroupRule camelyon_rules[] = {
    {"Tumor", LABEL_LESION, NULL},
    {"_0", LABEL_LESION, NULL},
    {"_1", LABEL_LESION, NULL},
    {"metastases", LABEL_LESION, NULL},
    {"metastasis", LABEL_LESION, NULL},
    {"_2", LABEL_NOT_LESION, NULL},
    {"Exclusion", LABEL_NOT_LESION, NULL},
    {"None", LABEL_NOT_LESION, camelyon16_groups},
    {"normal", LABEL_NOT_LESION, NULL},
    {"negative", LABEL_NOT_LESION, NULL},
    {NULL, LABEL_NONE, NULL},
};
