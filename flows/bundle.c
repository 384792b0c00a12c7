/* The bundle: one safetensors file that is a model.
 *
 * Tensors: every tensor of msflow_layout, under its name.  Metadata, in this order:
 *   format     "wsiflow-model 1"
 *   notice     what it may be used for
 *   model      one JSON object: specification, provenance, calibration, history
 * Nothing in it depends on time, machine paths other than the weights' as given, or threads: identical training gives
 * identical bytes.
 *
 * The loader refuses what it does not know: a tensor or key that is missing, unknown, of another shape or kind.  The
 * extractor's weights are not in the file; their SHA-256 is, and must agree. */
#include "flows/model_private.h"
#include "flows/safetensors.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define FORMAT "wsiflow-model 1"
#define NOTICE "For research use only. Not for use in diagnostic procedures."

typedef struct {
    char *wsiflow_version, *libraries, *kernels, *extractor_sha256, *tiles_sha256, *score;
    int best_epoch;
    int64_t dimensions;
} Provenance;

#define AT(member) offsetof(Provenance, member)
static const Field provenance_fields[] = {
    {"wsiflow_version", FIELD_TEXT, AT(wsiflow_version), 1, NULL},
    {"libraries", FIELD_TEXT, AT(libraries), 1, NULL},
    {"kernels", FIELD_TEXT, AT(kernels), 1, NULL},
    {"extractor_sha256", FIELD_TEXT, AT(extractor_sha256), 1, NULL},
    {"tiles_sha256", FIELD_TEXT, AT(tiles_sha256), 1, NULL},
    {"score", FIELD_TEXT, AT(score), 1, NULL},
    {"best_epoch", FIELD_INT, AT(best_epoch), 1, NULL},
    {"dimensions", FIELD_INT64, AT(dimensions), 1, NULL},
    {NULL, 0, 0, 0, NULL},
};

#define OF(member) offsetof(Calibration, member)
static const Field calibration_fields[] = {
    {"tiles", FIELD_INT64, OF(tiles), 1, NULL},          {"m0", FIELD_NUMBER, OF(m0), 1, NULL},
    {"mean", FIELD_NUMBER, OF(mean), TILE_SCORES, NULL}, {"sd", FIELD_NUMBER, OF(sd), TILE_SCORES, NULL},
    {"map_mean", FIELD_NUMBER, OF(map_mean), 1, NULL},   {"map_sd", FIELD_NUMBER, OF(map_sd), 1, NULL},
    {"threshold", FIELD_NUMBER, OF(threshold), 1, NULL}, {NULL, 0, 0, 0, NULL},
};

/* ---- writing ---- */

static char *model_text(const Model *model)
{
    const Provenance provenance = {
        .wsiflow_version = WSIFLOW_VERSION,
        .libraries = model->libraries,
        .kernels = model->trained_with,
        .extractor_sha256 = (char *)extractor_hash(model->extractor),
        .tiles_sha256 = (char *)model->tiles_hash,
        .score = (char *)model_score_name(model),
        .best_epoch = model->best_epoch,
        .dimensions = msflow_dimensions(model->flow),
    };
    g_autoptr(json_t) all = json_object();
    json_object_set_new(all, "specification", model_spec_write(&model->spec));
    json_object_set_new(all, "provenance", fields_write(provenance_fields, &provenance));
    json_object_set_new(all, "calibration", fields_write(calibration_fields, &model->calibration));
    json_object_set_new(all, "history", model_history_write(model->history));
    return fields_text(all);
}

gboolean model_save(const Model *model, const char *path, char sha256[65], GError **error)
{
    g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
    g_autofree char *text = model_text(model);
    int count;
    const MsflowParameter *table = msflow_layout(model->flow, &count);
    const real *values = msflow_parameters(model->flow, NULL, NULL);
    safetensors_writer_metadata(writer, "format", FORMAT);
    safetensors_writer_metadata(writer, "notice", NOTICE);
    safetensors_writer_metadata(writer, "model", text);
    for (int i = 0; i < count; i++) {
        safetensors_writer_add(writer, table[i].name, table[i].rank, table[i].shape,
                               values + table[i].offset);
    }
    return safetensors_writer_commit(writer, path, sha256, error);
}

/* ---- reading ---- */

static gboolean refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %s", path, why);
    return FALSE;
}

static json_t *read_text(const Safetensors *file, const char *path, GError **error)
{
    const char *format = safetensors_metadata(file, "format"), *text = safetensors_metadata(file, "model");
    if (g_strcmp0(format, FORMAT) != 0 || !text) {
        refuse(error, path, "not a model of this version of wsiflow (metadata format is not \"" FORMAT "\")");
        return NULL;
    }
    return fields_parse(text, path, error);
}

static gboolean only_known_parts(const json_t *all, const char *path, GError **error)
{
    static const char *const parts[] = {"specification", "provenance", "calibration", "history"};
    gboolean ok = json_object_size(all) == G_N_ELEMENTS(parts);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        ok = ok && json_object_get(all, parts[i]);
    }
    return ok ||
           refuse(error, path,
                  "its description has other parts than specification, provenance, calibration and history");
}

static gboolean check_calibration(const Calibration *c, const char *path, GError **error)
{
    gboolean ok =
        c->tiles > 0 && isfinite(c->m0) && isfinite(c->map_mean) && c->map_sd > 0 && isfinite(c->threshold);
    for (int i = 0; i < TILE_SCORES; i++) {
        ok = ok && isfinite(c->mean[i]) && c->sd[i] > 0;
    }
    return ok || refuse(error, path, "its calibration has values that are not possible");
}

static gboolean read_tensors(Model *model, const Safetensors *file, const char *path, GError **error)
{
    int count;
    const MsflowParameter *table = msflow_layout(model->flow, &count);
    real *values = msflow_parameters(model->flow, NULL, NULL);
    for (int i = 0; i < count; i++) {
        const Tensor *tensor = safetensors_need(file, table[i].name, table[i].rank, table[i].shape, error);
        if (!tensor) {
            return FALSE;
        }
        for (int64_t k = 0; k < tensor->count; k++) {
            values[table[i].offset + k] = (real)tensor->values[k];
        }
    }
    /* All that the layout names are there; names do not repeat; so more tensors means unknown ones. */
    if (safetensors_count(file) != count) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s: %d tensors, the model has %d", path,
                    safetensors_count(file), count);
        return FALSE;
    }
    msflow_refresh(model->flow);
    return TRUE;
}

static gboolean check_weights(const Model *model, const Provenance *provenance, const char *path,
                              GError **error)
{
    const char *hash = extractor_hash(model->extractor);
    if (g_strcmp0(hash, provenance->extractor_sha256) == 0) {
        return TRUE;
    }
    const char *weights = model->spec.extractor.weights;
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "%s was trained with weights of SHA-256 %s; those of %s have %s", path,
                provenance->extractor_sha256, weights ? weights : model->spec.extractor.name, hash);
    return FALSE;
}

/* The parts of the description into model, whose flow and extractor are made on the way. */
static Model *build(const json_t *all, const Safetensors *file, const char *path, const char *weights,
                    const char *kernels, GError **error)
{
    ModelSpec spec;
    Provenance provenance = {0};
    Model *model = NULL;
    g_autoptr(GArray) history = model_history_read(json_object_get(all, "history"), error);
    gboolean ok = history && model_spec_read(json_object_get(all, "specification"), &spec, error);
    if (!ok) {
        return NULL;
    }
    if (weights) {
        g_free(spec.extractor.weights);
        spec.extractor.weights = g_strdup(weights);
    }
    spec.kernels = kernels;
    ok = fields_read(provenance_fields, json_object_get(all, "provenance"), &provenance, path, error) &&
         (model = model_prepare(&spec, error)) && check_weights(model, &provenance, path, error) &&
         fields_read(calibration_fields, json_object_get(all, "calibration"), &model->calibration, path,
                     error) &&
         check_calibration(&model->calibration, path, error) && read_tensors(model, file, path, error);
    if (ok) {
        g_array_append_vals(model->history, history->data, history->len);
        g_free(model->libraries);
        model->libraries = g_steal_pointer(&provenance.libraries);
        g_free(model->trained_with);
        model->trained_with = g_steal_pointer(&provenance.kernels);
        model->best_epoch = provenance.best_epoch;
        g_strlcpy(model->tiles_hash, provenance.tiles_sha256, sizeof model->tiles_hash);
    } else {
        g_clear_pointer(&model, model_free);
    }
    model_spec_clear(&spec);
    fields_clear(provenance_fields, &provenance);
    return model;
}

Model *model_load(const char *path, const char *weights, const char *kernels, GError **error)
{
    g_autoptr(Safetensors) file = safetensors_read(path, error);
    g_autoptr(json_t) all = file ? read_text(file, path, error) : NULL;
    if (!all || !only_known_parts(all, path, error)) {
        return NULL;
    }
    return build(all, file, path, weights, kernels, error);
}
