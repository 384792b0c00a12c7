/* Files that were found or named and that the run does not use. */
#pragma once
#include <glib.h>

typedef struct {
    char *name, *reason;
} Unused;

/* An empty list of Unused*; free with g_ptr_array_unref. */
GPtrArray *unused_new(void);
/* Takes ownership of `reason`. */
void unused_add(GPtrArray *list, const char *name, char *reason);
/* Appends one line per reason, with the number of files and the names of the first ones; the list is sorted by reason. */
void unused_put(GString *out, const GPtrArray *list);
