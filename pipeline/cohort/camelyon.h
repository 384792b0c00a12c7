/* What is known of the slides of Camelyon16 and Camelyon17 by their names: splits, patients, centres, exceptions. */
#pragma once
#include <glib.h>

typedef enum {
    SLIDE_WHOLE,        /* as annotated */
    SLIDE_LESIONS_ONLY, /* not everything was outlined: what lies outside of the outlines is unknown, not normal */
    SLIDE_LEFT_OUT      /* no longer in the set */
} SlideUse;

typedef struct {
    const char *slide; /* lower case */
    SlideUse use;
    const char *reason;
} CamelyonException;
extern const CamelyonException camelyon16_exceptions[]; /* ends with slide NULL */

/* What holds for the slide of that name (in any case) in Camelyon16. */
SlideUse camelyon16_use(const char *slide);
/* TRUE and whether the slide is of the official test set; FALSE when the name is none of normal_NNN, tumor_NNN, test_NNN. */
gboolean camelyon16_is_test(const char *slide, gboolean *test);
/* The same for patient_NNN_node_N; patient (0 .. 199) and centre (0 .. 4, or -1 where the name does not tell it). */
gboolean camelyon17_is_test(const char *slide, gboolean *test, int *patient, int *centre);
