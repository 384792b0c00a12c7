/* Names that are the same to the eye.  No locks; any thread. */
#pragma once
#include <glib.h>

/* A name for comparison: one Unicode form (composed, so that the e with an accent of macOS is that of others), and no case.  Bytes that are
 * no UTF-8 are replaced.  Caller frees. */
char *name_fold(const char *name);
