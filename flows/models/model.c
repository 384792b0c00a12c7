/* A model in memory: what training and loading have in common, and the accessors. */
#include "flows/models/model_private.h"
#include "flows/models/history.h"
#include "base/error.h"

/* A specification that owns its texts.  The kernels' name is that of the table: it lives as long as the program. */
static ModelSpec copy_spec(const ModelSpec *spec, const Kernels *kernels)
{
    ModelSpec copy = *spec;
    copy.extractor.name = g_strdup(spec->extractor.name);
    copy.extractor.weights = g_strdup(spec->extractor.weights);
    copy.kernels = kernels->name;
    copy.tile_recipe = json_incref(spec->tile_recipe);
    return copy;
}

/* A head with initial values.  Its prior is the fraction of anomalies in a batch, so the first logits are right on average. */
static Head *head_of(const ModelSpec *spec, const Msflow *flow)
{
    Head *head = g_new(Head, 1);
    int channels[SCALES], positions[SCALES];
    double prior = (double)model_spec_part_anomalies(spec) / (spec->batch / spec->batch_parts);
    for (int l = 0; l < SCALES; l++) {
        int side = msflow_latent_size(flow, l);
        channels[l] = msflow_latent_channels(flow, l);
        /* Pixels of a latent map (side, side, channels). */
        positions[l] = side * side;
    }
    /* At most 1/2: a logit of at most 0. */
    head_init(head, channels, positions, MIN(prior, 0.5), spec->seed);
    return head;
}

Model *model_prepare(const ModelSpec *spec, GError **error)
{
    /* Cheap checks first: weights of an extractor may be hundreds of megabytes. */
    const Kernels *kernels = kernels_get(spec->kernels);
    if (!kernels) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "model: unknown kernels \"%s\" (%s)", spec->kernels,
                    kernels_names());
        return NULL;
    }
    if (!model_spec_check(spec, error)) {
        return NULL;
    }
    g_autoptr(Model) model = g_new0(Model, 1);
    model->spec = copy_spec(spec, kernels);
    model->kernels = kernels;
    model->history = g_array_new(FALSE, FALSE, sizeof(EpochReport));
    /* The bundle names what it was trained with; loading replaces both by what the file says. */
    model->libraries = flows_versions();
    model->trained_with = g_strdup(kernels->name);
    model->extractor = extractor_new(&model->spec.extractor, error);
    if (!model->extractor) {
        return NULL;
    }
    /* What the flow's specification takes from the others. */
    MsflowSpec *flow = &model->spec.flow;
    /* One seed for everything; streams differ by name. */
    flow->seed = spec->seed;
    extractor_channels(model->extractor, flow->channels);
    for (int l = 0; l < SCALES; l++) { /* extractors give maps at strides 4, 8 and 16 */
        flow->size[l] = spec->tile_size / (4 << l);
    }
    model->flow = msflow_new(flow, error);
    if (!model->flow) {
        return NULL;
    }
    model->head = head_of(&model->spec, model->flow);
    return g_steal_pointer(&model);
}

/* Extractor and flow hold nearly all of the memory. */
void model_release(Model *model)
{
    extractor_release(model->extractor);
    msflow_release(model->flow);
}

/* Also frees a model that model_prepare did not finish. */
void model_free(Model *model)
{
    if (model) {
        model_spec_clear(&model->spec);
        g_clear_pointer(&model->extractor, extractor_free);
        g_clear_pointer(&model->flow, msflow_free);
        g_free(model->head);
        g_array_unref(model->history);
        g_clear_pointer(&model->channels, g_array_unref);
        g_free(model->calibration.map_mean);
        g_free(model->libraries);
        g_free(model->trained_with);
        g_free(model);
    }
}

const ModelSpec *model_spec(const Model *model)
{
    return &model->spec;
}

const GArray *model_history(const Model *model)
{
    return model->history;
}

const GArray *model_channels(const Model *model)
{
    return model->channels;
}

const Calibration *model_calibration(const Model *model)
{
    return &model->calibration;
}

const char *model_tiles_hash(const Model *model)
{
    return model->tiles_hash;
}
