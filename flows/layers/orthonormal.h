/* Matrices with orthonormal rows: back to the nearest one, and how far from losing a row. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

/* Numbers of scratch that orthonormal_rows wants. */
int64_t orthonormal_work(int rows, int columns);
/* w (rows, columns), rows <= columns: replaced by the nearest matrix with orthonormal rows, its polar factor (w w')^-1/2 w, which
 * spans the same rows.  What is not finite stays as it is; lost rank stays lost. */
void orthonormal_rows(int rows, int columns, real *w, double *work);
/* Smallest singular value of w (rows, columns), rows <= columns: 1 for orthonormal rows, 0 when rank is lost, NAN when the matrix is not
 * finite. */
double orthonormal_smallest(int rows, int columns, const real *w);
