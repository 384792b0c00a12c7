/* Which algorithm runs a convolution on oneDNN: by rule, by trial, or in bfloat16.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/onednn_op.h"

/* One direction of a convolution, prepared.  weight (O,I,K,K), bias (O) (may be NULL): as for OnednnCandidate.make. */
typedef OnednnOp *(*OnednnAlgorithm)(const ConvSpec *spec, ConvDirection direction, const float *weight,
                                     const float *bias, GError **error);

/* By a rule on the shape, among the algorithms that compute in float. */
OnednnOp *onednn_by_rule(const ConvSpec *spec, ConvDirection direction, const float *weight,
                         const float *bias, GError **error);
/* By a timed trial of all algorithms, or by a choice that was made before (kernels_choice.h). */
OnednnOp *onednn_by_trial(const ConvSpec *spec, ConvDirection direction, const float *weight,
                          const float *bias, GError **error);
/* In bfloat16; by the rule where this is not possible: in training, or where oneDNN does not offer it. */
OnednnOp *onednn_in_bfloat16(const ConvSpec *spec, ConvDirection direction, const float *weight,
                             const float *bias, GError **error);
