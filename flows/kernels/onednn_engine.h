/* oneDNN's engine, its threads and its errors.  Only the onednn files use this. */
#pragma once
#include <dnnl.h>
#include <glib.h>

/* The CPU; made once, shared by all threads. */
dnnl_engine_t onednn_engine(void);
/* Holds OpenMP to one thread in the calling thread.  Needed before primitives are made, because oneDNN builds them for a number of
 * threads, and before they run. */
void onednn_one_thread(void);
/* TRUE for success.  Otherwise sets WSI_ERROR_MEMORY (out of memory) or WSI_ERROR_INTERNAL (all else), naming `what`. */
gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error);
