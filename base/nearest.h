/* Offers for names that are unknown: the right name that was most likely meant.  No locks; any thread. */
#pragma once
#include <glib.h>

/* The name nearest to `name` among `names` (ended by NULL): equal but for case and for _ - and blanks, else the least number of
 * inserted, dropped, changed or swapped letters (optimal string alignment), at most a third of the longer of both, else one of which
 * `name` is the beginning, or that is the beginning of `name`.  Of equals the first in the list.  NULL when none is near.
 * Borrowed from the list. */
const char *nearest_name(const char *name, const char *const *names);
/* "; did you mean "NAME"?", or "" when none is near: for the end of an error message.  Caller frees. */
char *nearest_hint(const char *name, const char *const *names);
