/* The bundle: one safetensors file that is a model.
 *
 * Tensors: those of msflow_layout under their names, those of the head (head_tensors) when there were labels, then
 * "calibration.map_mean".  Metadata, in this order:
 *   format     "wsiflow-model 4"
 *   notice     what it may be used for
 *   model      one JSON object: specification, provenance, calibration, history
 *   choices    with "onednn-timed", which algorithm each convolution uses: everyone who loads the model uses the same
 * Nothing in it depends on time, threads or paths, except the path of the weights as given: the same training gives the same
 * bytes.
 *
 * The loader refuses whatever it does not know: a tensor or key that is missing, unknown, or of another shape or kind.  The
 * extractor's weights are not in the file; their SHA-256 is, and must agree. */
#include "flows/models/model_private.h"
#include "flows/files/fields.h"
#include "flows/files/safetensors.h"
#include "flows/models/history.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define FORMAT "wsiflow-model 4"
#define MAP_MEAN "calibration.map_mean"
#define NOTICE "For research use only. Not for use in diagnostic procedures."

/* Where a model comes from: what must be known to train it again. */
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

/* ---- writing ---- */

/* The metadata "model". */
static char *model_text(const Model *model)
{
    const Provenance provenance = {
        .wsiflow_version = WSIFLOW_VERSION,
        .libraries = model->libraries,
        .kernels = model->trained_with,
        /* The casts only drop const: fields_write() reads. */
        .extractor_sha256 = (char *)extractor_hash(model->extractor),
        .tiles_sha256 = (char *)model->tiles_hash,
        .score = (char *)model_spec_score_name(&model->spec),
        .best_epoch = model->best_epoch,
        .dimensions = msflow_dimensions(model->flow),
    };
    g_autoptr(json_t) all = json_object();
    json_object_set_new(all, "specification", model_spec_write(&model->spec));
    json_object_set_new(all, "provenance", fields_write(provenance_fields, &provenance));
    json_object_set_new(all, "calibration", calibration_write(&model->calibration));
    json_object_set_new(all, "history", history_write(model->history));
    return fields_text(all);
}

gboolean model_save(const Model *model, const char *path, char sha256[65], GError **error)
{
    if (msflow_released(model->flow)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "%s: the model's weights were released", path);
        return FALSE;
    }
    g_autoptr(SafetensorsWriter) writer = safetensors_writer_new();
    g_autofree char *text = model_text(model), *choices = kernels_choices_get();
    int count;
    const Parameter *table = msflow_layout(model->flow, &count);
    const real *values = msflow_parameters(model->flow, NULL, NULL);
    /* The order of metadata and tensors is part of the bytes. */
    safetensors_writer_metadata(writer, "format", FORMAT);
    safetensors_writer_metadata(writer, "notice", NOTICE);
    safetensors_writer_metadata(writer, "model", text);
    if (*choices) {
        safetensors_writer_metadata(writer, "choices", choices);
    }
    for (int i = 0; i < count; i++) {
        safetensors_writer_add(writer, table[i].name, table[i].rank, table[i].shape,
                               values + table[i].offset);
    }
    for (const HeadTensor *t = head_tensors; model->spec.loss.labels && t->name; t++) { /* only with labels */
        safetensors_writer_add(writer, t->name, t->rank, t->shape, model->head->values + t->offset);
    }
    /* (side, side) of the finest latent: the mean map of held-out normals. */
    const int64_t map_shape[] = {model->calibration.map_side, model->calibration.map_side};
    safetensors_writer_add(writer, MAP_MEAN, 2, map_shape, model->calibration.map_mean);
    return safetensors_writer_commit(writer, path, sha256, error);
}

/* ---- reading ---- */

/* Messages of these functions need not name the file: model_load prefixes it. */

static gboolean refuse(GError **error, const char *why)
{
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s", why);
    return FALSE;
}

/* The metadata "model" of a file of this format, with exactly the four parts. */
static json_t *read_description(const Safetensors *file, GError **error)
{
    static const char *const parts[] = {"specification", "provenance", "calibration", "history"};
    const char *format = safetensors_metadata(file, "format"), *text = safetensors_metadata(file, "model");
    if (!format || !text) {
        refuse(error, "not a model of wsiflow: its metadata have no \"format\" and \"model\"");
        return NULL;
    }
    /* Files of other formats are not converted. */
    if (!g_str_equal(format, FORMAT)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "not a model of this version of wsiflow: its format is \"%s\", and this version reads "
                    "\"" FORMAT "\" only; train it again, or use the version of wsiflow that made it",
                    format);
        return NULL;
    }
    g_autoptr(json_t) all = fields_parse(text, "metadata", error);
    /* As many parts as are known, and each of them: then none is unknown. */
    gboolean ok = json_object_size(all) == G_N_ELEMENTS(parts);
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        ok = ok && json_object_get(all, parts[i]);
    }
    if (all && !ok) {
        refuse(error,
               "its description must have the parts specification, provenance, calibration and history only");
    }
    return ok ? g_steal_pointer(&all) : NULL;
}

/* The flow was trained on the features of one extractor; those of another would give scores without meaning. */
static gboolean check_weights(const Model *model, const Provenance *provenance, GError **error)
{
    const char *hash = extractor_hash(model->extractor), *weights = model->spec.extractor.weights;
    if (strcmp(hash, provenance->extractor_sha256) == 0) {
        return TRUE;
    }
    g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                "it was trained with an extractor of SHA-256 %s, but the SHA-256 of %s is %s",
                provenance->extractor_sha256, weights ? weights : model->spec.extractor.name, hash);
    return FALSE;
}

/* (side, side) of the finest latent. */
static gboolean read_map_mean(Calibration *c, const Msflow *flow, const Safetensors *file, GError **error)
{
    int side = msflow_latent_size(flow, 0);
    const int64_t shape[] = {side, side};
    const Tensor *tensor = safetensors_need(file, MAP_MEAN, 2, shape, error);
    if (tensor) {
        c->map_side = side;
        c->map_mean = g_new(real, tensor->count);
        for (int64_t i = 0; i < tensor->count; i++) {
            c->map_mean[i] = (real)tensor->values[i];
        }
    }
    return tensor != NULL;
}

/* Adds the number of tensors to *count. */
static gboolean read_head(Model *model, const Safetensors *file, int *count, GError **error)
{
    for (const HeadTensor *t = head_tensors; model->spec.loss.labels && t->name; t++) {
        const Tensor *tensor = safetensors_need(file, t->name, t->rank, t->shape, error);
        if (!tensor) {
            return FALSE;
        }
        for (int64_t k = 0; k < tensor->count; k++) {
            model->head->values[t->offset + k] = (real)tensor->values[k];
        }
        (*count)++;
    }
    return TRUE;
}

static gboolean read_tensors(Model *model, const Safetensors *file, GError **error)
{
    int count;
    const Parameter *table = msflow_layout(model->flow, &count);
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
    if (!read_head(model, file, &count, error) ||
        !read_map_mean(&model->calibration, model->flow, file, error)) {
        return FALSE;
    }
    /* All known tensors were found and names do not repeat, so any further tensor is unknown. */
    if (safetensors_count(file) != count + 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "it has %d tensors, but its specification needs %d",
                    safetensors_count(file), count + 1);
        return FALSE;
    }
    /* The values of permutations, signs and deviations must be usable before anything is derived from them. */
    if (!msflow_check(model->flow, error)) {
        return FALSE;
    }
    msflow_refresh(model->flow);
    return TRUE;
}

/* A model with the extractor and an untrained flow of the specification. */
static Model *read_model(const json_t *all, const char *weights, const char *kernels, GError **error)
{
    ModelSpec spec;
    Model *model = NULL;
    if (model_spec_read(json_object_get(all, "specification"), &spec, error)) {
        if (weights) { /* the file may be elsewhere on this machine */
            g_free(spec.extractor.weights);
            spec.extractor.weights = g_strdup(weights);
        }
        spec.kernels = kernels;
        model = model_prepare(&spec, error);
    }
    model_spec_clear(&spec);
    return model;
}

/* The provenance stays that of the training: saving a loaded model gives the same bytes. */
static gboolean read_provenance(const json_t *object, Model *model, GError **error)
{
    Provenance read = {0};
    gboolean ok = fields_read(provenance_fields, object, &read, "provenance", error) &&
                  check_weights(model, &read, error);
    if (ok) {
        g_free(model->libraries);
        g_free(model->trained_with);
        model->libraries = g_steal_pointer(&read.libraries);
        model->trained_with = g_steal_pointer(&read.kernels);
        model->best_epoch = read.best_epoch;
        g_strlcpy(model->tiles_hash, read.tiles_sha256, sizeof model->tiles_hash);
    }
    fields_clear(provenance_fields, &read);
    return ok;
}

static Model *load(const Safetensors *file, const char *weights, const char *kernels, GError **error)
{
    g_autoptr(json_t) all = read_description(file, error);
    /* Cheap parts first; then the extractor, whose weights may be large; tensors last. */
    g_autoptr(GArray) history = all ? history_read(json_object_get(all, "history"), error) : NULL;
    g_autoptr(Model) model = history ? read_model(all, weights, kernels, error) : NULL;
    if (!model || !read_provenance(json_object_get(all, "provenance"), model, error) ||
        !calibration_read(json_object_get(all, "calibration"), &model->calibration, error) ||
        !read_tensors(model, file, error)) {
        return NULL;
    }
    model->spec.threshold = model->calibration.chosen; /* the specification in the file is without it */
    g_array_append_vals(model->history, history->data, history->len);
    return g_steal_pointer(&model);
}

gboolean model_describe(const char *path, ModelSpec *spec, Calibration *calibration, GError **error)
{
    g_autoptr(Safetensors) file = safetensors_read(path, error);
    g_autoptr(json_t) all = file ? read_description(file, error) : NULL;
    *spec = (ModelSpec){0};
    *calibration = (Calibration){0};
    gboolean ok = all && model_spec_read(json_object_get(all, "specification"), spec, error) &&
                  calibration_read(json_object_get(all, "calibration"), calibration, error);
    if (!ok) {
        model_spec_clear(spec);
        if (error && !strstr((*error)->message, path)) {
            g_prefix_error(error, "%s: ", path);
        }
    }
    return ok;
}

Model *model_load(const char *path, const char *weights, const char *kernels, GError **error)
{
    g_autoptr(Safetensors) file = safetensors_read(path, error);
    if (!file) {
        return NULL;
    }
    /* Choices of algorithms must be known before anything is prepared with others. */
    gboolean known = kernels_choices_add(safetensors_metadata(file, "choices"), error);
    Model *model = known ? load(file, weights, kernels, error) : NULL;
    if (!model && error && !strstr((*error)->message, path)) {
        g_prefix_error(error, "%s: ", path);
    }
    return model;
}
