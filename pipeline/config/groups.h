/* What the groups of annotations mean, as the configuration and the command line say it: names of any letters, each with a kind. */
#pragma once
#include <glib.h>

typedef struct {
    char *name;       /* as in the annotation files; "*" is every group that nothing else names */
    const char *kind; /* "lesion", "not", "roi" or "ignore"; static */
} GroupName;

/* An empty list; free with g_ptr_array_unref. */
GPtrArray *groups_new(void);
/* Adds a name.  An unknown kind, and a name that has another kind already (case does not count), are WSI_ERROR_INPUT. */
gboolean groups_add(GPtrArray *groups, const char *name, const char *kind, GError **error);
/* Adds "NAME=KIND": the last = splits, so that every name can be written. */
gboolean groups_add_pair(GPtrArray *groups, const char *pair, GError **error);
/* Adds "name=kind other=kind": for names without blanks only; anything else is an error that says how to write it. */
gboolean groups_add_text(GPtrArray *groups, const char *text, GError **error);
/* Whether a name is a region of interest. */
gboolean groups_have_regions(const GPtrArray *groups);
