/* What a training minimises: the settings of the loss.  flows/training/losses.h holds the terms themselves. */
#pragma once
#include <glib.h>

typedef enum {
    NORMAL_NLL,        /* S, the negative log-likelihood per dimension */
    NORMAL_LOG_SIGMOID /* -ln sigma(-S): easy normals count less (CFLOW-AD, Gudovskiy et al. 2022) */
} NormalTerm;

typedef enum {
    MARGIN_HINGE,      /* two-sided: normals below mean + sd, anomalies `width` sd above that */
    MARGIN_LOG_SIGMOID /* its smooth form, on anomalies only (outlier loss of Schirrmeister et al. 2020) */
} MarginForm;

/* By which metric of the held-out tiles the best epoch is chosen. */
typedef enum { SELECT_NLL, SELECT_F_BETA, SELECT_AUROC, SELECT_AP } Selection;

/* With B tiles in a batch, N of them normal and A anomalies, the loss is
 *   1/N sum_N normal(S) + focal/B sum_B FL + centre/B sum_B C + margin (1/N sum_N M + 1/A sum_A M).
 * FL: focal loss of the head's logit; C: distance of its embedding from the centre of the class; M: margin of S
 * (flows/training/losses.h).  Anomalies are in no likelihood term. */
typedef struct {
    NormalTerm normal;
    gboolean labels;              /* FALSE: only the first term counts, and no anomaly is trained on */
    double focal, centre, margin; /* weights, >= 0 */
    double focal_alpha, focal_gamma;
    MarginForm margin_form;
    double margin_width;     /* standard deviations of normals */
    double start;            /* fraction of the epochs before the terms that use labels begin */
    double anomaly_fraction; /* of each part of a batch, rounded up */
    Selection selection;
    double beta; /* of SELECT_F_BETA: the best F_beta over all thresholds */
} LossSpec;

/* The loss without labels: NLL alone. */
LossSpec loss_spec_default(void);
/* FALSE with WSI_ERROR_INPUT naming the first value out of its range. */
gboolean loss_spec_check(const LossSpec *spec, GError **error);
