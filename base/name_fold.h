/* Names that look the same to a person.  Any thread. */
#pragma once
#include <glib.h>

/* A form of a name for comparison: composed Unicode (macOS writes decomposed accents, other systems composed ones), without case.  Bytes that are
 * not UTF-8 are replaced.  Caller frees. */
char *name_fold(const char *name);
