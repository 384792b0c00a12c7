/* slides.csv: one row per slide of a run, written by the stage `slides` and read by the report. */
#pragma once
#include <glib.h>

typedef struct {
    char *slide, *state, *split, *label; /* state: "done", "failed", or "cancelled" for want of a model */
    char *tissue;                        /* where its tissue mask is from */
    char *warnings, *failure;            /* sentences; "" = none */
    /* NAN = not known.  Fractions of tiles are 0..1; scores are those of tiles, in the unit of the model. */
    double tissue_mm2, tiles, scored, unreadable, pen, blur, dark, maximum, top, above_mm2, regions;
} SlideRow;

/* A row without any value. */
SlideRow *slide_row_new(void);
void slide_row_free(SlideRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SlideRow, slide_row_free)

/* The table as text; rows: SlideRow*.  Caller frees. */
char *slide_table_text(const GPtrArray *rows);
/* Array of SlideRow*, owned; NULL with error.  Caller unrefs. */
GPtrArray *slide_table_read(const char *path, GError **error);
/* The order of people: the score of the slide (`top`, the mean of the highest 1 % of its tiles) descending, those without one last, then by name.
 * For g_ptr_array_sort. */
gint slide_row_by_score(gconstpointer a, gconstpointer b);
