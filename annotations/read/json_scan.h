/* Inside annotations/: walking over large JSON texts value by value. */
#pragma once
#include "annotations/read/source.h"
#include <jansson.h>

typedef struct {
    Source *source; /* for errors, and to count numbers that JSON does not have */
    const char *at; /* the next character; the text is NUL-ended */
    int line;
} JsonScan;

/* Moves past white space. */
void json_scan_space(JsonScan *scan);
/* Moves past the string that starts here. */
gboolean json_scan_string(JsonScan *scan, GError **error);
/* Moves past the value that starts here.  Only brackets and strings are checked; json_scan_parse checks the rest. */
gboolean json_scan_value(JsonScan *scan, GError **error);
/* Parses a value strictly; integers become doubles.  line: where the text starts.  Caller frees with json_decref; NULL with error. */
json_t *json_scan_parse(Source *source, const char *text, size_t length, int line, GError **error);
