/* One engine serves all threads.  OpenMP is held to one thread, because the program runs in parallel over tiles. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_engine.h"
#include "base/error.h"
#include <dnnl_debug.h>

/* OpenMP's standard entry; declared here because compilers hide <omp.h> behind options. */
void omp_set_num_threads(int threads);

void onednn_one_thread(void)
{
    omp_set_num_threads(1);
}

dnnl_engine_t onednn_engine(void)
{
    static dnnl_engine_t shared;
    if (g_once_init_enter(&shared)) {
        dnnl_engine_t fresh = NULL;
        /* oneDNN always has a CPU engine, so nothing can be done about a failure. */
        if (dnnl_engine_create(&fresh, dnnl_cpu, 0) != dnnl_success) {
            g_error("oneDNN has no CPU engine");
        }
        g_once_init_leave(&shared, fresh);
    }
    return shared;
}

gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error)
{
    if (status == dnnl_success) {
        return TRUE;
    }
    WsiErrorCode code = status == dnnl_out_of_memory ? WSI_ERROR_MEMORY : WSI_ERROR_INTERNAL;
    g_set_error(error, WSI_ERROR, code, "oneDNN, %s: %s", what, dnnl_status2str(status));
    return FALSE;
}
#endif
