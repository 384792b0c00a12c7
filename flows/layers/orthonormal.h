/* Matrices with orthonormal rows: the nearest one, and how close a matrix is to losing rank. */
#pragma once
#include "flows/kernels/real.h"
#include <stdint.h>

/* How many numbers of scratch memory orthonormal_rows needs. */
int64_t orthonormal_work(int rows, int columns);
/* Replaces w (rows, columns), rows <= columns, by the nearest matrix with orthonormal rows: its polar factor (w w')^-1/2 w, whose rows
 * span the same space.  A matrix that is not finite stays as it is; lost rank stays lost. */
void orthonormal_rows(int rows, int columns, real *w, double *work);
/* The smallest singular value of w (rows, columns), rows <= columns: 1 for orthonormal rows, 0 when rank is lost, NAN when the matrix is not
 * finite. */
double orthonormal_smallest(int rows, int columns, const real *w);
