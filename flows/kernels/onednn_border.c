/* A border is copied row by row; its adjoint adds pixel by pixel. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_border.h"
#include <string.h>

void border_copy(const ConvSpec *s, const float *x, float *padded)
{
    size_t pixel = sizeof(float) * s->c_in;
    for (int n = 0; n < s->n; n++) {
        for (int y = 0; y < s->h + 2 * s->pad; y++) {
            /* The source row of padded row y, which gets its left and right border here too. */
            int from = conv_pad_source(y, s->h, s->pad, s->pad_mode);
            const float *row = x + ((size_t)n * s->h + from) * s->w * s->c_in;
            /* Left pixel i is the source's pad - i, right pixel i its w - 2 - i: the edge itself is not repeated. */
            for (int i = 0; i < s->pad; i++) {
                memcpy(padded + (size_t)i * s->c_in, row + (size_t)(s->pad - i) * s->c_in, pixel);
                memcpy(padded + (size_t)(s->pad + s->w + i) * s->c_in, row + (size_t)(s->w - 2 - i) * s->c_in,
                       pixel);
            }
            memcpy(padded + (size_t)s->pad * s->c_in, row, pixel * s->w);
            padded += (size_t)(s->w + 2 * s->pad) * s->c_in;
        }
    }
}

void border_fold(const ConvSpec *s, const float *padded, float *x)
{
    memset(x, 0, sizeof(float) * conv_input_count(s));
    for (int n = 0; n < s->n; n++) {
        for (int y = 0; y < s->h + 2 * s->pad; y++) {
            float *row =
                x + ((size_t)n * s->h + conv_pad_source(y, s->h, s->pad, s->pad_mode)) * s->w * s->c_in;
            for (int i = 0; i < s->w + 2 * s->pad; i++, padded += s->c_in) {
                /* The gradient of a pixel is the sum over its copies, in one fixed order. */
                float *pixel = row + (size_t)conv_pad_source(i, s->w, s->pad, s->pad_mode) * s->c_in;
                for (int c = 0; c < s->c_in; c++) {
                    pixel[c] += padded[c];
                }
            }
        }
    }
}
#endif
