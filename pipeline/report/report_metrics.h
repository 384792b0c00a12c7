/* The parts of the report that show metrics.json. */
#pragma once
#include "pipeline/write/page.h"
#include <jansson.h>

/* A heading that names the split of the headline and, when slides failed, how many of its slides are counted. */
void report_metrics_heading(Page *page, const char *title, const json_t *metrics);
/* The table of one slide, a member of `slides`. */
void report_metrics_put_slide(Page *page, const json_t *slide);
