/* oneDNN's objects as the onednn files use them: one engine, one thread, scratch memory from the caller. */
#pragma once
#include "flows/kernels/onednn_api.h"

/* The CPU; made once, shared by all threads. */
dnnl_engine_t onednn_engine(void);
/* Holds OpenMP to one thread in this thread; before making and before running primitives, which are built for a number of threads. */
void onednn_one_thread(void);
/* Sets WSI_ERROR_INTERNAL (WSI_ERROR_MEMORY when that is the reason) naming `what`, unless the status is success. */
gboolean onednn_ok(dnnl_status_t status, const char *what, GError **error);
/* With the caller's scratchpad; then, in this order: add to what the result holds, max(., 0).  Destroy *out if it is not NULL. */
dnnl_status_t onednn_attributes(dnnl_primitive_attr_t *out, gboolean relu, gboolean add);
/* A view of memory that is named before each run. */
gboolean onednn_memory_new(dnnl_memory_t *memory, const Layout *layout, GError **error);

/* A primitive and its own scratch memory: a view, and where it begins in the scratch memory of whoever runs it. */
typedef struct {
    dnnl_primitive_t primitive;
    dnnl_memory_t scratch;
    size_t offset;
} Step;

/* Reserves `bytes` at the end of scratch memory whose size so far is *total; returns the offset. */
size_t step_reserve(size_t *total, size_t bytes);
/* Makes the primitive, reserving its scratch memory; destroys the descriptor. */
gboolean step_new(Step *step, size_t *total, dnnl_primitive_desc_t described, GError **error);
/* A reorder. add: to what is there. */
gboolean step_reorder_new(Step *step, size_t *total, const Layout *from, const Layout *to, gboolean add,
                          GError **error);
void step_clear(Step *step);
/* arguments: count, and room for one more. */
gboolean step_run(const Step *step, dnnl_stream_t stream, dnnl_exec_arg_t *arguments, int count,
                  char *scratch);
gboolean step_reorder_run(const Step *step, dnnl_stream_t stream, dnnl_memory_t from, void *from_data,
                          dnnl_memory_t to, void *to_data, char *scratch);
/* A reorder that is needed once. */
gboolean onednn_reorder_once(const Layout *from, void *from_data, const Layout *to, void *to_data,
                             GError **error);
