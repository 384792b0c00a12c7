/* Small helpers over jansson: objects are built with json_pack and written durably. */
#pragma once
#include <glib.h>
#include <jansson.h>

/* Writes indented, keys in the order of insertion, numbers with 17 digits at most; takes over the reference.  sha256 may be NULL. */
gboolean json_write(const char *path, json_t *value, char sha256[65], GError **error);
/* Prints to standard output; takes over the reference. */
void json_print(json_t *value);
/* Texts (char*) as an array, new reference. */
json_t *json_texts(const GPtrArray *texts);
/* A finite number, or null for NaN and infinities (JSON has none). */
json_t *json_number_or_null(double value);
/* Reads a file that wsiflow wrote.  NULL with WSI_ERROR_INPUT when it is not valid JSON, or with the code of the system's error when it cannot be
 * read. */
json_t *json_read(const char *path, GError **error);
