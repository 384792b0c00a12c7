/* Primitives, reorders and memory views.
 *
 * A primitive whose scratchpad belongs to oneDNN is tied to the thread that made it.  With the caller's scratchpad it may
 * run in any thread, so all primitives here take one from the caller.  Each operation has a stream of its own: streams are cheap. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_step.h"
#include "flows/kernels/scratch.h"
#include "base/error.h"

dnnl_status_t onednn_attributes(dnnl_primitive_attr_t *out, gboolean relu, gboolean add)
{
    dnnl_status_t status = dnnl_primitive_attr_create(out);
    if (status != dnnl_success) {
        return status;
    }
    /* Scratch memory comes with each call, so that threads may share it. */
    dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    dnnl_post_ops_t after;
    status = dnnl_post_ops_create(&after);
    if (status != dnnl_success) {
        return status;
    }
    /* In this order: y + result, then max(., 0). */
    if (add) {
        onednn_after_add(after);
    }
    if (relu) {
        onednn_after_relu(after);
    }
    status = dnnl_primitive_attr_set_post_ops(*out, after);
    dnnl_post_ops_destroy(after);
    return status;
}

gboolean onednn_memory_new(dnnl_memory_t *memory, const OnednnLayout *layout, GError **error)
{
    return onednn_ok(dnnl_memory_create(memory, layout, onednn_engine(), DNNL_MEMORY_NONE), "a memory view",
                     error);
}

size_t onednn_step_reserve(size_t *total, size_t bytes)
{
    size_t offset = *total;
    /* Rounded up, so that every part begins aligned. */
    *total += scratch_round(bytes);
    return offset;
}

gboolean onednn_step_new(OnednnStep *step, size_t *total, dnnl_primitive_desc_t described, GError **error)
{
    const OnednnLayout *layout = dnnl_primitive_desc_query_md(described, dnnl_query_scratchpad_md, 0);
    /* Steps of an operation share one block; each has its part of it. */
    step->offset = onednn_step_reserve(total, dnnl_memory_desc_get_size(layout));
    gboolean ok =
        onednn_ok(dnnl_primitive_create(&step->primitive, described), "making a primitive", error) &&
        onednn_memory_new(&step->scratch, layout, error);
    dnnl_primitive_desc_destroy(described);
    return ok;
}

gboolean onednn_step_reorder_new(OnednnStep *step, size_t *total, const OnednnLayout *from,
                                 const OnednnLayout *to, gboolean add, GError **error)
{
    dnnl_primitive_attr_t attribute = NULL;
    dnnl_primitive_desc_t described = NULL;
    dnnl_status_t status = onednn_attributes(&attribute, FALSE, add);
    if (status == dnnl_success) {
        status = dnnl_reorder_primitive_desc_create(&described, from, onednn_engine(), to, onednn_engine(),
                                                    attribute);
    }
    if (attribute) {
        dnnl_primitive_attr_destroy(attribute);
    }
    return onednn_ok(status, "a reorder", error) && onednn_step_new(step, total, described, error);
}

void onednn_step_clear(OnednnStep *step)
{
    if (step->primitive) {
        dnnl_primitive_destroy(step->primitive);
    }
    if (step->scratch) {
        dnnl_memory_destroy(step->scratch);
    }
}

gboolean onednn_step_run(const OnednnStep *step, dnnl_stream_t stream, dnnl_exec_arg_t *arguments, int count,
                         char *scratch)
{
    /* The scratchpad is one more argument. */
    dnnl_memory_set_data_handle(step->scratch, scratch + step->offset);
    arguments[count] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, step->scratch};
    /* Waiting makes the call synchronous: scratch memory is free when it returns. */
    return dnnl_primitive_execute(step->primitive, stream, count + 1, arguments) == dnnl_success &&
           dnnl_stream_wait(stream) == dnnl_success;
}

gboolean onednn_step_reorder_run(const OnednnStep *step, dnnl_stream_t stream, dnnl_memory_t from,
                                 void *from_data, dnnl_memory_t to, void *to_data, char *scratch)
{
    dnnl_memory_set_data_handle(from, from_data);
    dnnl_memory_set_data_handle(to, to_data);
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    return onednn_step_run(step, stream, arguments, 2, scratch);
}

gboolean onednn_reorder_once(const OnednnLayout *from, void *from_data, const OnednnLayout *to, void *to_data,
                             GError **error)
{
    OnednnStep step = {0};
    size_t bytes = 0;
    dnnl_memory_t memory[2] = {NULL, NULL};
    dnnl_stream_t stream = NULL;
    gboolean ok =
        onednn_step_reorder_new(&step, &bytes, from, to, FALSE, error) &&
        onednn_memory_new(&memory[0], from, error) && onednn_memory_new(&memory[1], to, error) &&
        onednn_ok(dnnl_stream_create(&stream, onednn_engine(), dnnl_stream_default_flags), "a stream", error);
    /* One byte more: a reorder may need no scratch memory, and NULL means failure. */
    g_autofree char *scratch = ok ? wsi_try_alloc(bytes + 1, 1, "a reorder", error) : NULL;
    if (scratch) {
        ok = onednn_step_reorder_run(&step, stream, memory[0], from_data, memory[1], to_data, scratch);
        onednn_ok(ok ? dnnl_success : dnnl_runtime_error, "a reorder", error);
    }
    for (int i = 0; i < 2; i++) {
        if (memory[i]) {
            dnnl_memory_destroy(memory[i]);
        }
    }
    if (stream) {
        dnnl_stream_destroy(stream);
    }
    onednn_step_clear(&step);
    return ok && scratch;
}
#endif
