/* The meaning of annotation groups, from the configuration or the command line: names, each with a kind. */
#pragma once
#include <glib.h>

typedef struct {
    char *name;       /* as in the annotation files; "*" stands for all other groups */
    const char *kind; /* "lesion", "not", "hard", "unknown", "roi" or "ignore"; static */
} GroupName;

/* An empty list; free with g_ptr_array_unref. */
GPtrArray *groups_new(void);
/* Adds a name.  An unknown kind, and a name that already has another kind (compared without case), are WSI_ERROR_INPUT. */
gboolean groups_add(GPtrArray *groups, const char *name, const char *kind, GError **error);
/* Adds "NAME=KIND", split at the last "=", so that a name may contain "=". */
gboolean groups_add_pair(GPtrArray *groups, const char *pair, GError **error);
/* Adds "name=kind other=kind", for names without blanks; otherwise an error that says how to write them. */
gboolean groups_add_text(GPtrArray *groups, const char *text, GError **error);
/* Whether any name has this kind. */
gboolean groups_have_kind(const GPtrArray *groups, const char *kind);
