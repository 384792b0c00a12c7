/* oneDNN's primitives and memory views with scratch memory from the caller.  Only the onednn files use this. */
#pragma once
#include "flows/kernels/onednn_api.h"
#include "flows/kernels/onednn_engine.h"

/* Attributes of a primitive that takes its scratchpad from the caller, adds its result to what is there (add) and then applies
 * max(., 0) (relu).  The caller destroys *out unless it is NULL, also on failure. */
dnnl_status_t onednn_attributes(dnnl_primitive_attr_t *out, gboolean relu, gboolean add);
/* A view of memory; its address is set before each run. */
gboolean onednn_memory_new(dnnl_memory_t *memory, const OnednnLayout *layout, GError **error);

/* A primitive, and the view and the offset of its part of the caller's scratch memory. */
typedef struct {
    dnnl_primitive_t primitive;
    dnnl_memory_t scratch;
    size_t offset;
} OnednnStep;

/* Reserves `bytes` at the end of scratch memory whose size so far is *total; returns the offset. */
size_t onednn_step_reserve(size_t *total, size_t bytes);
/* Makes the primitive and reserves its scratch memory.  Destroys `described`, also on failure. */
gboolean onednn_step_new(OnednnStep *step, size_t *total, dnnl_primitive_desc_t described, GError **error);
/* A reorder from one layout to another; add: to what is there. */
gboolean onednn_step_reorder_new(OnednnStep *step, size_t *total, const OnednnLayout *from,
                                 const OnednnLayout *to, gboolean add, GError **error);
void onednn_step_clear(OnednnStep *step);
/* arguments: `count` of them, with room for one more.  FALSE: oneDNN failed. */
gboolean onednn_step_run(const OnednnStep *step, dnnl_stream_t stream, dnnl_exec_arg_t *arguments, int count,
                         char *scratch);
gboolean onednn_step_reorder_run(const OnednnStep *step, dnnl_stream_t stream, dnnl_memory_t from,
                                 void *from_data, dnnl_memory_t to, void *to_data, char *scratch);
/* Makes, runs and destroys a reorder. */
gboolean onednn_reorder_once(const OnednnLayout *from, void *from_data, const OnednnLayout *to, void *to_data,
                             GError **error);
