/* Slides of Camelyon16 and Camelyon17 by their names: splits, patients, centres, exceptions. */
#pragma once
#include <glib.h>

typedef enum {
    SLIDE_WHOLE,        /* as annotated */
    SLIDE_LESIONS_ONLY, /* not everything is outlined: tissue outside of the outlines is unknown, not normal */
    SLIDE_LEFT_OUT      /* withdrawn from the data set */
} SlideUse;

typedef struct {
    const char *slide; /* lower case */
    SlideUse use;
    const char *reason;
} CamelyonException;
extern const CamelyonException camelyon16_exceptions[]; /* ends with slide NULL */

/* How the slide of that name (in any case) is used in Camelyon16. */
SlideUse camelyon16_use(const char *slide);
/* *test: whether the slide is in the official test set.  FALSE when the name is not normal_NNN, tumor_NNN or test_NNN. */
gboolean camelyon16_is_test(const char *slide, gboolean *test);
/* The same for patient_NNN_node_N; *patient: 0 .. 199; *centre: 0 .. 4, or -1 when the name does not give it. */
gboolean camelyon17_is_test(const char *slide, gboolean *test, int *patient, int *centre);
