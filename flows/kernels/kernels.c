/* The kernel table.
 *
 * The engine spends nearly all of its time in convolutions and matrix products.  The rest of flows/ reaches them through
 * this table only, so it is written once.  "reference" says in plain C what each operation means; the other entries must
 * give the same numbers up to rounding, and the tests compare them with it.
 *
 * Invariant: an entry runs only in the thread that calls it.  The program runs in parallel over tiles, so the result of a
 * tile cannot depend on the number of threads.  BLAS is held to one thread for the same reason. */
#include "flows/kernels/kernels_private.h"
#include <cblas.h>
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

#if defined(HAVE_DNNL)
static const char *isa_name(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {{dnnl_cpu_isa_sse41, "SSE4.1"},
                 {dnnl_cpu_isa_avx, "AVX"},
                 {dnnl_cpu_isa_avx2, "AVX2"},
                 {dnnl_cpu_isa_avx2_vnni, "AVX2 VNNI"},
                 {dnnl_cpu_isa_avx512_core_amx, "AVX-512 AMX"}};
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].isa == isa) {
            return names[i].name;
        }
    }
    return "AVX-512";
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
