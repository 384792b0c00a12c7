/* The leak check: no patient, and no slide, is in two splits. */
#pragma once
#include <glib.h>

/* A slide, or part of one, in a split.  Borrowed. */
typedef struct {
    const char *slide, *patient, *split;
    char fingerprint[65]; /* SlideInfo.fingerprint; "" = unknown */
} LeakContent;

/* contents: LeakContent.  FALSE with WSI_ERROR_INPUT that names both slides when a patient, or one content under two names, is in two
 * splits. */
gboolean leak_check(const GArray *contents, GError **error);
