/* Line charts as SVG text, and the training history as CSV: what reports and run folders show.
 *
 * The text depends on the arguments only (no date, no locale, no random ids) and stands alone: no script, no style sheet, generic
 * fonts, so it can be put into an HTML page as it is. */
#pragma once
#include <glib.h>

typedef struct {
    const char *name; /* in the legend; NULL = not there */
    int count;
    const double *x, *y; /* points that are not finite break the line */
    gboolean dashed;
} CurveSeries;

typedef struct {
    const char *title, *x_label, *y_label; /* UTF-8; NULL = none */
    double x_min, x_max, y_min, y_max;     /* NAN = from the data */
    int width, height;                     /* px; 0 = 640 x 400 */
} CurveAxes;

/* Axes that take everything from the data. */
CurveAxes curve_axes(const char *title, const char *x_label, const char *y_label);
/* A complete <svg> element. At most 8 series have colours of their own, then they repeat.  Caller frees. */
char *curve_svg(const CurveAxes *axes, const CurveSeries *series, int count);
/* The history of a training run (array of EpochReport, flows/models/model.h): epoch, train_nll, holdout_nll, gradient_norm, learning_rate,
 * skipped_steps, and for each scale effective_rank, smallest_deviation, smallest_singular (empty where nothing before the flows is
 * trained), then focal, centre, margin, holdout_auroc, holdout_ap, holdout_f (empty without labels).  Seconds are left out: they differ between runs that give the same model.  Caller frees. */
char *curve_csv(const GArray *history);
