/* embedding: PCA and t-SNE of the pooled latents of a sample of tiles, for the report and for other programs.
 *
 * It is a stage of its own, so that a report that is written again does not compute it again.  The pooled latents of a tile are divided by their
 * norm, as in the head of a model (flows/models/head.h): then they say in which direction a tile is unusual.  How much is what its score says, and
 * a few tiles with enormous latents would hide all others in the PCA. */
#include "base/csv.h"
#include "base/durable.h"
#include "base/error.h"
#include "flows/embedding/pca.h"
#include "flows/embedding/tsne.h"
#include "flows/scoring/scorer.h"
#include "pipeline/job/stages.h"
#include "pipeline/scoring/embedding_sample.h"
#include "pipeline/write/json.h"
#include <math.h>

#define LEAST_POINTS 10
#define START_DEVIATION 1e-4 /* of the first coordinate of the points that t-SNE starts from */

typedef struct {
    int n;
    double *plane;      /* (n, 2): PCA */
    double fraction[2]; /* of the variance */
    double *tsne;       /* (n, 2) */
    double perplexity, divergence;
} Embedding;

static void embedding_clear(Embedding *embedding)
{
    g_free(embedding->plane);
    g_free(embedding->tsne);
}

static gboolean tick(void *data, int64_t done, int64_t total, GError **error)
{
    return work_tick(data, done, total, "iterations", error);
}

static void divide_by_norm(double *latents, int n)
{
    for (int i = 0; i < n; i++) {
        double *tile = latents + (size_t)i * SCORER_LATENTS, squares = 0;
        for (int j = 0; j < SCORER_LATENTS; j++) {
            squares += tile[j] * tile[j];
        }
        for (int j = 0; j < SCORER_LATENTS && squares > 0; j++) {
            tile[j] /= sqrt(squares);
        }
    }
}

static gboolean run_tsne(Work *work, const double *latents, Embedding *out, GError **error)
{
    const int n = out->n;
    double squares = 0;
    g_autofree double *p =
        wsi_try_alloc((size_t)n * (size_t)n, sizeof(double), "the neighbours of a t-SNE", error);
    if (!p || !tsne_neighbours(latents, n, SCORER_LATENTS, out->perplexity, work->threads, p, error)) {
        return FALSE;
    }
    for (int i = 0; i < n; i++) {
        squares += out->plane[2 * i] * out->plane[2 * i];
    }
    for (int i = 0; i < 2 * n; i++) {
        out->tsne[i] = out->plane[i] * START_DEVIATION / sqrt(squares / n);
    }
    if (!tsne_descend(p, n, out->tsne, work->threads, tick, work, error)) {
        return FALSE;
    }
    out->divergence = tsne_divergence(p, n, out->tsne);
    return TRUE;
}

/* *absent: why there is none (static), or NULL. */
static gboolean embed(Work *work, const EmbeddingSample *sample, Embedding *out, const char **absent,
                      GError **error)
{
    const int n = out->n = (int)sample->tiles->len;
    out->perplexity = fmin(work->run->config->embedding_perplexity, tsne_perplexity_limit(n));
    *absent = n < LEAST_POINTS ? "fewer than 10 tiles have latents" : NULL;
    if (*absent) {
        return TRUE;
    }
    divide_by_norm(sample->latents, n);
    out->plane = g_new0(double, 2 * n);
    out->tsne = g_new0(double, 2 * n);
    if (!pca_project(sample->latents, n, SCORER_LATENTS, 2, out->plane, out->fraction, error)) {
        return FALSE;
    }
    *absent = out->fraction[0] > 0 ? NULL : "all tiles have the same latents";
    return *absent || run_tsne(work, sample->latents, out, error);
}

/* ---- files ---- */

static void put(GString *out, const char *format, double value, char end)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (isfinite(value)) {
        g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
    }
    g_string_append_c(out, end);
}

static gboolean write_points(const char *path, const EmbeddingSample *sample, const Embedding *embedding,
                             gboolean empty, char sha256[65], GError **error)
{
    g_autoptr(GString) out = g_string_new("slide,file,split,centre,label,x,y,score,pca1,pca2,tsne1,tsne2\n");
    for (guint i = 0; !empty && i < sample->tiles->len; i++) {
        const EmbeddingTile *tile = &g_array_index(sample->tiles, EmbeddingTile, i);
        csv_cell(out, tile->slide, ',');
        csv_cell(out, tile->file, ',');
        csv_cell(out, tile->split, ',');
        csv_cell(out, tile->centre, ',');
        put(out, "%.0f", tile->label < 0 ? NAN : tile->label, ',');
        put(out, "%.17g", tile->x, ',');
        put(out, "%.17g", tile->y, ',');
        put(out, "%.9g", tile->score, ',');
        put(out, "%.9g", embedding->plane[2 * i], ',');
        put(out, "%.9g", embedding->plane[2 * i + 1], ',');
        put(out, "%.9g", embedding->tsne[2 * i], ',');
        put(out, "%.9g", embedding->tsne[2 * i + 1], '\n');
    }
    return durable_write_file(path, out->str, out->len, sha256, error);
}

static json_t *facts_of(const EmbeddingSample *sample, const Embedding *embedding, const char *absent)
{
    json_t *facts = json_pack("{s:I, s:I}", "kept", (json_int_t)sample->kept, "unreadable",
                              (json_int_t)sample->unreadable);
    json_object_set_new(facts, "points", json_integer(absent ? 0 : embedding->n));
    if (absent) {
        json_object_set_new(facts, "absent", json_string(absent));
        return facts;
    }
    json_object_set_new(facts, "pca_variance_fraction",
                        json_pack("[f, f]", embedding->fraction[0], embedding->fraction[1]));
    json_object_set_new(facts, "tsne_perplexity", json_real(embedding->perplexity));
    json_object_set_new(facts, "tsne_iterations", json_integer(TSNE_ITERATIONS));
    json_object_set_new(facts, "tsne_divergence", json_real(embedding->divergence));
    return facts;
}

gboolean stage_embedding(Work *work, GError **error)
{
    g_autoptr(EmbeddingSample) sample =
        embedding_sample_read(work, work->run->config->embedding_points, error);
    Embedding embedding = {0};
    const char *absent = NULL;
    char sha256[2][65];
    g_autofree char *points = work_output(work, "embedding.csv"),
                    *facts = work_output(work, "embedding.json");
    gboolean good = sample && embed(work, sample, &embedding, &absent, error) &&
                    write_points(points, sample, &embedding, absent != NULL, sha256[0], error) &&
                    work_publish(work, "points", points, sha256[0], error) &&
                    json_write(facts, facts_of(sample, &embedding, absent), sha256[1], error) &&
                    work_publish(work, "facts", facts, sha256[1], error);
    embedding_clear(&embedding);
    return good;
}
