/* The kernel table, and what all of its entries agree on.
 *
 * The engine spends nearly all of its time in convolutions and matrix products.  They are reached through this
 * table only, so that the rest of flows/ is written once: "reference" says in plain C what each operation means,
 * the others must give the same numbers up to rounding, and the tests compare them one by one.
 *
 * Invariant: every entry runs in the thread that calls it, alone.  Parallelism is over tiles, so that what a tile
 * gives cannot depend on the number of threads; BLAS is held to one thread for the same reason. */
#include "flows/kernels/kernels_private.h"
#include "base/error.h"
#include <cblas.h>
#include <limits.h>
#include <string.h>
#if defined(HAVE_DNNL)
#include <dnnl.h>
#endif

/* The best first. */
static const Kernels *const table[] = {
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
    &kernels_onednn,
    &kernels_onednn_timed,
    &kernels_onednn_bf16,
#endif
    &kernels_reference,
};

static void one_blas_thread(void)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        openblas_set_num_threads(1);
        g_once_init_leave(&done, 1);
    }
}

const Kernels *kernels_get(const char *name)
{
    one_blas_thread();
    if (!name) {
        return table[0];
    }
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}

const char *kernels_names(void)
{
    static char *names;
    if (g_once_init_enter(&names)) {
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
            g_string_append_printf(text, "%s%s", i ? ", " : "", table[i]->name);
        }
        g_once_init_leave(&names, g_string_free(text, FALSE));
    }
    return names;
}

int conv_out_h(const ConvSpec *spec)
{
    return (spec->h + 2 * spec->pad - spec->kernel) / spec->stride + 1;
}

int conv_out_w(const ConvSpec *spec)
{
    return (spec->w + 2 * spec->pad - spec->kernel) / spec->stride + 1;
}

size_t conv_weight_count(const ConvSpec *spec)
{
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
    if (spec->pad_mode == PAD_REFLECT && spec->pad >= least_side) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "convolution: reflecting %d needs a map larger than %dx%d", spec->pad, spec->h, spec->w);
        return FALSE;
    }
    return TRUE;
}

int conv_pad_source(int i, int size, int pad, PadMode mode)
{
    int at = i - pad;
    if (at >= 0 && at < size) {
        return at;
    }
    if (mode == PAD_ZERO) {
        return -1;
    }
    return at < 0 ? -at : 2 * (size - 1) - at;
}

#if defined(HAVE_DNNL)
static const char *isa_name(void)
{
    switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41:
        return "SSE4.1";
    case dnnl_cpu_isa_avx:
        return "AVX";
    case dnnl_cpu_isa_avx2:
        return "AVX2";
    case dnnl_cpu_isa_avx2_vnni:
        return "AVX2 VNNI";
    case dnnl_cpu_isa_avx512_core_amx:
        return "AVX-512 AMX";
    default:
        return "AVX-512";
    }
}
#endif

char *flows_versions(void)
{
    GString *text = g_string_new(NULL);
#if defined(HAVE_DNNL)
    const dnnl_version_t *dnnl = dnnl_version();
    g_string_append_printf(text, "oneDNN %d.%d.%d (%s), ", dnnl->major, dnnl->minor, dnnl->patch, isa_name());
#endif
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the version is the second word. */
    g_auto(GStrv) words = g_strsplit(openblas_get_config(), " ", 3);
    gboolean known = words[0] && words[1];
    g_string_append_printf(text, "OpenBLAS %s (%s)", known ? words[1] : "?", openblas_get_corename());
    return g_string_free(text, FALSE);
}
