/* Checkpoints.
 *
 * Numbers that are not tensors are in the metadata, as one JSON object.  The file is written after every epoch by the durable
 * writer, so a kill leaves either the previous checkpoint or the new one. */
#include "flows/training/checkpoint.h"
#include "flows/models/model_private.h"
#include "flows/files/fields.h"
#include "flows/files/safetensors.h"
#include "base/error.h"
#include "base/listing.h"
#include <math.h>
#include <string.h>

/* The numbers of a state that are not arrays. */
#define OF(member) offsetof(TrainState, member)
static const Field fields[] = {
    {"epoch", FIELD_INT, OF(epoch), 1, NULL},
    {"step", FIELD_INT64, OF(step), 1, NULL},
    {"head_step", FIELD_INT64, OF(head_step), 1, NULL},
    {"best_epoch", FIELD_INT, OF(best_epoch), 1, NULL},
    {"best_value", FIELD_NUMBER, OF(best_value), 1, NULL},
    {"effective_rank", FIELD_NUMBER, OF(start.rank), SCALES, NULL},
    {"smallest_deviation", FIELD_NUMBER, OF(start.deviation), SCALES, NULL},
    {"smallest_singular", FIELD_NUMBER, OF(start.singular), SCALES, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* An array of a state as a tensor of rank 1. */
typedef struct {
    const char *name;
    real *values;
    int64_t count;
} Array;
#define ARRAYS 8

/* The tensors of the file; their order is that of the file. */
static void arrays_of(const TrainState *state, Array arrays[ARRAYS])
{
    /* `all` includes the fixed tensors, which the fits before the first epoch set. */
    arrays[0] = (Array){"parameters", state->parameters, state->all};
    arrays[1] = (Array){"best", state->best, state->trainable};
    arrays[2] = (Array){"moment1", state->moment1, state->trainable};
    arrays[3] = (Array){"moment2", state->moment2, state->trainable};
    arrays[4] = (Array){"head", state->head, HEAD_VALUES};
    arrays[5] = (Array){"head_best", state->head_best, HEAD_VALUES};
    arrays[6] = (Array){"head_moment1", state->head_moment1, HEAD_TRAINABLE};
    arrays[7] = (Array){"head_moment2", state->head_moment2, HEAD_TRAINABLE};
}

gboolean checkpoint_write(const char *path, const char *fingerprint, const TrainState *state, GError **error)
{
    g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
    g_autoptr(json_t) counters = fields_write(fields, state);
    g_autoptr(json_t) history = history_write(state->history);
    g_autofree char *counters_text = fields_text(counters);
    g_autofree char *history_text = fields_text(history);
    g_autofree char *choices = kernels_choices_get();
    Array arrays[ARRAYS];
    /* The choices of algorithms decide the last digits: a resumed training must use the same. */
    safetensors_writer_metadata(writer, "fingerprint", fingerprint);
    safetensors_writer_metadata(writer, "state", counters_text);
    safetensors_writer_metadata(writer, "history", history_text);
    safetensors_writer_metadata(writer, "choices", choices);
    arrays_of(state, arrays);
    for (int i = 0; i < ARRAYS; i++) {
        safetensors_writer_add(writer, arrays[i].name, 1, &arrays[i].count, arrays[i].values);
    }
    return safetensors_writer_commit(writer, path, NULL, error);
}

/* A text of the metadata as JSON; NULL with error when it is absent. */
static json_t *need_json(const Safetensors *file, const char *path, const char *key, GError **error)
{
    const char *text = safetensors_metadata(file, key);
    g_autofree char *what = g_strdup_printf("%s: %s", path, key);
    return fields_parse(text ? text : "", what, error);
}

gboolean checkpoint_read(const char *path, const char *fingerprint, TrainState *state, GError **error)
{
    g_autoptr(Safetensors) file = safetensors_read(path, error);
    if (!file) {
        return FALSE;
    }
    /* The fingerprint covers settings and tiles. */
    if (g_strcmp0(safetensors_metadata(file, "fingerprint"), fingerprint) != 0) { /* also absent */
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s belongs to a training with other settings or tiles", path);
        return FALSE;
    }
    /* Everything is read and checked before the state changes. */
    TrainState read = *state;
    Array arrays[ARRAYS];
    const Tensor *tensors[ARRAYS];
    g_autoptr(json_t) counters = need_json(file, path, "state", error);
    g_autoptr(json_t) history = counters ? need_json(file, path, "history", error) : NULL;
    if (!history || !fields_read(fields, counters, &read, path, error)) {
        return FALSE;
    }
    arrays_of(state, arrays);
    for (int i = 0; i < ARRAYS; i++) {
        tensors[i] = safetensors_need(file, arrays[i].name, 1, &arrays[i].count, error);
        if (!tensors[i]) {
            return FALSE;
        }
    }
    g_autoptr(GArray) epochs = history_read(history, error);
    if (!epochs) {
        return FALSE;
    }
    for (int i = 0; i < ARRAYS; i++) {
        for (int64_t k = 0; k < arrays[i].count; k++) {
            arrays[i].values[k] = (real)tensors[i]->values[k];
        }
    }
    /* Reports of this process, if any, are replaced. */
    g_array_set_size(state->history, 0);
    g_array_append_vals(state->history, epochs->data, epochs->len);
    read.history = state->history;
    *state = read;
    return TRUE;
}

gboolean checkpoint_impose_choices(const char *path, GError **error)
{
    FileKind kind;
    GError *why = NULL;
    /* A file that cannot be looked at may be there: that is an error, not an absent file. */
    if (!listing_kind(path, &kind, error)) {
        return FALSE;
    }
    /* A file that is broken counts as absent: checkpoint_read will report it. */
    g_autoptr(Safetensors) file = kind == FILE_ABSENT ? NULL : safetensors_read(path, &why);
    if (why && wsi_error_is_system(why)) {
        g_propagate_error(error, why);
        return FALSE;
    }
    g_clear_error(&why);
    kernels_choices_add(file ? safetensors_metadata(file, "choices") : NULL, NULL);
    return TRUE;
}
