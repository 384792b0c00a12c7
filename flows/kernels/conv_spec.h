/* The description of a convolution, and the sizes that follow from it.
 *
 * Maps are NHWC, x[((n * H + h) * W + w) * C + c]; weights are OIHW as in torch; biases are (O). */
#pragma once
#include <glib.h>

typedef enum { PAD_ZERO, PAD_REFLECT } PadMode;

/* The kernel is square; the output has h' = (h + 2 pad - kernel) / stride + 1 rows, and columns likewise. */
typedef struct {
    int n, h, w, c_in, c_out, kernel, stride, pad;
    PadMode pad_mode;
    gboolean relu;     /* forward: max(., 0) at the end */
    gboolean residual; /* forward: adds residual (N,H',W',O) before the ReLU */
    gboolean
        training; /* weights change between calls and backward is needed, so nothing is packed in advance */
    gboolean fixed_choice; /* always the direct algorithm, even if another one is faster */
} ConvSpec;

typedef enum { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS, CONV_DIRECTIONS } ConvDirection;

/* Height and width of the output. */
int conv_out_h(const ConvSpec *spec);
int conv_out_w(const ConvSpec *spec);

/* Numbers in the weights (O,I,K,K), the input (N,H,W,I) and the output (N,H',W',O). */
size_t conv_weight_count(const ConvSpec *spec);
size_t conv_input_count(const ConvSpec *spec);
size_t conv_output_count(const ConvSpec *spec);

/* FALSE with WSI_ERROR_INPUT unless every size is between 1 and 65536, the kernel fits the padded map, and a reflected
 * border is narrower than the map. */
gboolean conv_spec_check(const ConvSpec *spec, GError **error);

/* The source of index i of the padded axis (0 <= i < size + 2 pad): an index of the axis, or -1 for zero.
 * Reflection leaves out the edge itself, as torch's ReflectionPad2d: -1 -> 1, size -> size - 2. */
int conv_pad_source(int i, int size, int pad, PadMode mode);
