/* Packed weights, shared by all convolutions of the process that have equal ones.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/onednn_api.h"

typedef struct PackedWeights PackedWeights;

/* Writes the packed weights; FALSE with error. */
typedef gboolean (*WeightPacker)(void *data, void *packed, GError **error);

/* The weights weight[0..count) packed in `layout`: an existing copy, or what `packer` makes now. */
PackedWeights *packed_weights_get(const float *weight, size_t count, const OnednnLayout *layout,
                                  WeightPacker packer, void *data, GError **error);
/* NULL is fine. */
void packed_weights_release(PackedWeights *weights);
/* The content, which never changes; borrowed. */
void *packed_weights_data(const PackedWeights *weights);
