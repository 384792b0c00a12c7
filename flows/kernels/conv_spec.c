/* Every entry of the kernel table relies on these sizes and on this rule for borders. */
#include "flows/kernels/conv_spec.h"
#include "base/error.h"

int conv_out_h(const ConvSpec *spec)
{
    /* floor((h + 2 pad - kernel) / stride) + 1; conv_spec_check keeps the numerator from being negative. */
    return (spec->h + 2 * spec->pad - spec->kernel) / spec->stride + 1;
}

int conv_out_w(const ConvSpec *spec)
{
    return (spec->w + 2 * spec->pad - spec->kernel) / spec->stride + 1;
}

size_t conv_weight_count(const ConvSpec *spec)
{
    /* Weights (O,I,K,K), input (N,H,W,I), output (N,H',W',O). */
    return (size_t)spec->c_out * spec->c_in * spec->kernel * spec->kernel;
}

size_t conv_input_count(const ConvSpec *spec)
{
    return (size_t)spec->n * spec->h * spec->w * spec->c_in;
}

size_t conv_output_count(const ConvSpec *spec)
{
    return (size_t)spec->n * conv_out_h(spec) * conv_out_w(spec) * spec->c_out;
}

gboolean conv_spec_check(const ConvSpec *spec, GError **error)
{
    const int limit = 1 << 16; /* of each number: their sums and squares then fit int */
    const int least_1[] = {spec->n, spec->h, spec->w, spec->c_in, spec->c_out, spec->kernel, spec->stride};
    for (size_t i = 0; i < G_N_ELEMENTS(least_1); i++) {
        if (least_1[i] < 1 || least_1[i] > limit) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "convolution: %d is not between 1 and %d",
                        least_1[i], limit);
            return FALSE;
        }
    }
    int least_side = MIN(spec->h, spec->w);
    if (spec->pad < 0 || spec->pad > limit || least_side + 2 * spec->pad < spec->kernel) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution: padding %d does not fit a %dx%d map and a %dx%d kernel", spec->pad, spec->h,
                    spec->w, spec->kernel, spec->kernel);
        return FALSE;
    }
    /* The edge is not repeated, so a side of s pixels has s - 1 to reflect. */
    if (spec->pad_mode == PAD_REFLECT && spec->pad >= least_side) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution: reflecting %d needs a map larger than %dx%d", spec->pad, spec->h, spec->w);
        return FALSE;
    }
    return TRUE;
}

int conv_pad_source(int i, int size, int pad, PadMode mode)
{
    int at = i - pad; /* on the axis without padding */
    if (at >= 0 && at < size) {
        return at;
    }
    if (mode == PAD_ZERO) {
        return -1;
    }
    /* -1 -> 1, size -> size - 2. */
    return at < 0 ? -at : 2 * (size - 1) - at;
}
