/* Scatter plots of groups as SVG text, as chart.h makes line charts.
 *
 * Both directions have one scale, and there are no ticks: what counts is which points are near which. */
#pragma once
#include <glib.h>

#define SCATTER_GROUPS 10 /* that have colours */

typedef struct {
    const char *title, *x_label, *y_label; /* UTF-8; NULL = none */
    int n;
    const double *at;         /* (n, 2) */
    const int *group;         /* (n): 0 .. groups - 1; -1 = the others, which are grey */
    int groups;               /* at most SCATTER_GROUPS */
    const char *const *names; /* of the groups; long ones are shortened */
    const char *others;       /* name of the others */
} Scatter;

/* A complete <svg> element with a legend that counts the points.  Smaller groups are drawn over larger ones.  Caller frees. */
char *scatter_svg(const Scatter *scatter);
