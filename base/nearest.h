/* For unknown names: the known name that was most likely meant.  Any thread. */
#pragma once
#include <glib.h>

/* The name nearest to `name` among `names` (ended by NULL); borrowed from the list, NULL when none is near.  Nearest is the least number of
 * inserted, dropped, changed or swapped letters (optimal string alignment), where case does not count and _ - . and spaces are equal.  It
 * may be at most a third of the longer name.  Otherwise a name that begins with `name`, or with which `name` begins; of equals the
 * first.  Otherwise the only name of several words that has the same first word (valid_share, valid_fraction). */
const char *nearest_name(const char *name, const char *const *names);
/* '; did you mean "NAME"?', or '' when none is near: for the end of an error message.  Caller frees. */
char *nearest_hint(const char *name, const char *const *names);
