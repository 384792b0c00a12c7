/* The logistic function and its integral, for arguments of any size. */
#pragma once

/* ln(1 + e^x). */
double logistic_softplus(double x);
/* 1 / (1 + e^-x), the derivative of softplus. */
double logistic_sigmoid(double x);
