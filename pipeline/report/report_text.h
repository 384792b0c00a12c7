/* Numbers and headings as all sections of the report write them. */
#pragma once
#include "pipeline/write/page.h"
#include <jansson.h>

#define REPORT_DASH "\xe2\x80\x93" /* for a value that there is not */

/* A member of an object in a format of one double; a dash when it is not a number.  Caller frees. */
char *report_number(const json_t *object, const char *key, const char *format);
/* The same with its interval: "0.912 (0.873 to 0.941)"; interval: {"low", "high"} or NULL.  Caller frees. */
char *report_with_interval(const json_t *value, const json_t *interval);
/* A whole number, 0 when there is none. */
int report_count(const json_t *object, const char *key);
/* "s" unless n is 1. */
const char *report_plural(int n);
/* A heading that names the split of the headline and, when slides failed, how many of its slides are counted. */
void report_heading(Page *page, const char *title, const json_t *metrics);
/* Why metrics are absent, when an object says so. */
void report_absent(Page *page, const char *which, const json_t *object);
/* The titles of a table, NULL-ended; the first one is over the titles of rows.  The body is open afterwards: two page_close end the table. */
void report_table(Page *page, PageTag kind, const char *const *titles);
/* Where the intervals of an object {"unit", "units", "level", ...} are from, as a sentence; or why there are none.  Caller frees. */
char *report_drawn(const json_t *intervals);
