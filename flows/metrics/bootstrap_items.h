/* Rows with scores as a bootstrap sweeps over them: in descending order, and joined where there are very many.  Any thread. */
#pragma once
#include <glib.h>

/* Up to so many rows each score is a threshold; of more, classes of scores are. */
#define BOOTSTRAP_EXACT 200000
#define BOOTSTRAP_CLASSES 1024 /* a class has at most this part of the positives and of the negatives */

/* What a unit has at one score, or in one class of scores. */
typedef struct {
    int unit, positives, negatives;
    gboolean last; /* the last one of its score or class */
    double value;  /* the sum of the values of its rows */
} Item;
typedef struct {
    Item *items;
    int n;
} Items;

/* The rows (n) with a score and a label, each of a unit 0..units-1; value (n): NULL = 0.  Up to BOOTSTRAP_EXACT rows each is an item of its own.  More
 * are joined: neighbouring scores become classes, each with at most 1 / BOOTSTRAP_CLASSES of the positives and of the negatives unless a single
 * score has more, so a class is a threshold.  FALSE with WSI_ERROR_MEMORY.  The caller frees out->items. */
gboolean bootstrap_items(const double *score, const int *label, const int *unit, const double *value, int n,
                         int units, Items *out, GError **error);
