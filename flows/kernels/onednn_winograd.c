/* Winograd's algorithm F(4x4, 3x3) on NHWC (Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016).
 *
 * A 4x4 tile y of the output depends on a 6x6 tile d of the input.  With g the 3x3 kernel of a pair of channels
 *
 *     y = A' [ (G g G') .* (B' d B) ] A            36 products instead of 144
 *
 * The sum over input channels turns the 36 products into 36 matrix products (tiles x I) (I x O).  oneDNN has the algorithm
 * too, on its own layout with 16 channels innermost.  Here maps stay NHWC and nothing is reordered: the border (zero or
 * reflected) is read, and residual and ReLU are applied, while the data is in registers.  The matrix products are oneDNN's;
 * the weights are transformed and packed once.
 *
 * Tiles are computed in blocks that are small enough for the caches:
 *
 *     x --B'dB--> V (36, tiles, I) --x U (36, I, O)--> M (36, tiles, O) --A'MA, bias, residual, ReLU--> y
 *
 * The 36 planes of V and M have a cache line of padding between them, because otherwise they would all fall into the same
 * cache set.  The numbers of channels are multiples of LANES; other algorithms run all other convolutions. */
#if defined(HAVE_DNNL) && !defined(REAL_IS_DOUBLE)
#include "flows/kernels/onednn_op.h"
#include "flows/kernels/onednn_step.h"
#include "flows/kernels/packed_weights.h"
#include "flows/kernels/vecmath.h"
#include "base/error.h"
#include <string.h>

#define OUT 4            /* side of an output tile */
#define IN 6             /* of an input tile */
#define PLANES (IN * IN) /* matrix products */
#define TILES_MOST 128   /* of a block */

typedef struct {
    OnednnOp op;
    ConvSpec spec;
    int across, down, tiles; /* tiles of a row, of a column, of all images */
    int block;               /* tiles that are computed together */
    int *row, *column;       /* padded index -> source index, or -1 for zero; as far as tiles reach */
    float *bias, *zeros;     /* (O), (I) */
    size_t v_plane, m_plane; /* floats between planes */
    size_t v, m;             /* offsets in the scratch memory */
    dnnl_stream_t stream;
    OnednnStep product;
    dnnl_memory_t v_memory, u_memory, m_memory;
    PackedWeights *packed;
} Winograd;

/* ---- the transforms ---- */

/* For each element of Lanes: all bits set, or none. */
typedef int32_t Mask __attribute__((vector_size(LANES * sizeof(int32_t))));

/* o = B' d for six vectors, `step` apart in d and o:
 *          | 4  0 -5  0  1  0 |
 *          | 0 -4 -4  1  1  0 |
 *     B' = | 0  4 -4 -1  1  0 |
 *          | 0 -2 -1  2  1  0 |
 *          | 0  2 -1 -2  1  0 |
 *          | 0  4  0 -5  0  1 |
 * Rows 1 and 2, and rows 3 and 4, are sum and difference of the same two terms. */
static inline __attribute__((always_inline)) void transform_input(const Lanes *d, Lanes *o, int step)
{
    Lanes a = d[4 * step] - 4 * d[2 * step], b = d[3 * step] - 4 * d[step];
    Lanes c = d[4 * step] - d[2 * step], e = 2 * (d[3 * step] - d[step]);
    o[0] = 4 * d[0] - 5 * d[2 * step] + d[4 * step];
    o[step] = a + b;
    o[2 * step] = a - b;
    o[3 * step] = c + e;
    o[4 * step] = c - e;
    o[5 * step] = 4 * d[step] - 5 * d[3 * step] + d[5 * step];
}

/* o = A' m, six vectors to four:
 *          | 1  1  1  1  1  0 |
 *     A' = | 0  1 -1  2 -2  0 |
 *          | 0  1  1  4  4  0 |
 *          | 0  1 -1  8 -8  1 | */
static inline __attribute__((always_inline)) void transform_output(const Lanes *m, Lanes *o, int m_step,
                                                                   int o_step)
{
    Lanes s1 = m[m_step] + m[2 * m_step], s2 = m[m_step] - m[2 * m_step];
    Lanes s3 = m[3 * m_step] + m[4 * m_step], s4 = m[3 * m_step] - m[4 * m_step];
    o[0] = m[0] + s1 + s3;
    o[o_step] = s2 + 2 * s4;
    o[2 * o_step] = s1 + 4 * s3;
    o[3 * o_step] = s2 + 8 * s4 + m[5 * m_step];
}

/* U = G g G' of one kernel g (3,3), in double. */
static void transform_kernel(const float *g, double u[PLANES])
{
    static const double G[IN][3] = {{1 / 4.0, 0, 0},
                                    {-1 / 6.0, -1 / 6.0, -1 / 6.0},
                                    {-1 / 6.0, 1 / 6.0, -1 / 6.0},
                                    {1 / 24.0, 1 / 12.0, 1 / 6.0},
                                    {1 / 24.0, -1 / 12.0, 1 / 6.0},
                                    {0, 0, 1}};
    double half[IN][3];
    for (int i = 0; i < IN; i++) {
        for (int k = 0; k < 3; k++) {
            half[i][k] = G[i][0] * g[k] + G[i][1] * g[3 + k] + G[i][2] * g[6 + k];
        }
    }
    for (int i = 0; i < PLANES; i++) {
        const double *h = half[i / IN], *right = G[i % IN];
        u[i] = h[0] * right[0] + h[1] * right[1] + h[2] * right[2];
    }
}

/* The position of a tile in the batch: image, first output row and column. */
typedef struct {
    int image, y, x;
} Position;

static inline Position position_of(const Winograd *w, int tile)
{
    int in_image = w->across * w->down;
    return (Position){tile / in_image, tile % in_image / w->across * OUT, tile % in_image % w->across * OUT};
}

/* V = B' d B of one tile of x (N,H,W,I), to v: the tile's first channel in plane 0. */
VECTOR_CLONES
static void input_tile(const Winograd *w, const float *x, Position position, float *v)
{
    const ConvSpec *s = &w->spec;
    /* The 36 input pixels; outside of the image they are zeros or reflected. */
    const float *pixel[PLANES];
    for (int i = 0; i < PLANES; i++) {
        int row = w->row[position.y + i / IN], column = w->column[position.x + i % IN];
        pixel[i] = row < 0 || column < 0
                       ? w->zeros
                       : x + (((size_t)position.image * s->h + row) * s->w + column) * s->c_in;
    }
    for (int c = 0; c < s->c_in; c += LANES) {
        Lanes d[PLANES], half[PLANES], out[IN];
        for (int i = 0; i < PLANES; i++) {
            d[i] = *(const Lanes *)(pixel[i] + c);
        }
        for (int j = 0; j < IN; j++) { /* B' d, column by column */
            transform_input(d + j, half + j, IN);
        }
        for (int i = 0; i < IN; i++) { /* (B' d) B, row by row, one row of planes */
            transform_input(half + i * IN, out, 1);
            for (int j = 0; j < IN; j++) {
                *(Lanes *)(v + (i * IN + j) * w->v_plane + c) = out[j];
            }
        }
    }
}

/* A' M A of one tile, plus bias and residual, then ReLU, to y (N,H',W',O).  m: the tile's first channel in plane 0. */
VECTOR_CLONES
static void output_tile(const Winograd *w, const float *m, Position position, const float *residual, float *y)
{
    const ConvSpec *s = &w->spec;
    int out_h = conv_out_h(s), out_w = conv_out_w(s);
    int rows = MIN(OUT, out_h - position.y), columns = MIN(OUT, out_w - position.x);
    size_t first = (((size_t)position.image * out_h + position.y) * out_w + position.x) * s->c_out;
    const Mask keep = (Mask){0} - !s->relu; /* all bits set: negative values stay */
    for (int c = 0; c < s->c_out; c += LANES) {
        Lanes half[OUT * IN], out[OUT], bias = *(const Lanes *)(w->bias + c);
        for (int j = 0; j < IN; j++) {
            Lanes column[IN];
            for (int i = 0; i < IN; i++) {
                column[i] = *(const Lanes *)(m + (i * IN + j) * w->m_plane + c);
            }
            transform_output(column, half + j, 1, IN);
        }
        for (int i = 0; i < rows; i++) {
            transform_output(half + i * IN, out, 1, 1);
            for (int j = 0; j < columns; j++) {
                size_t at = first + ((size_t)i * out_w + j) * s->c_out + c;
                Lanes value = out[j] + bias;
                if (residual) {
                    value += *(const Lanes *)(residual + at);
                }
                *(Lanes *)(y + at) = (Lanes)((Mask)value & ((Mask)(value > 0) | keep));
            }
        }
    }
}

/* ---- running ---- */

static gboolean winograd_run(OnednnOp *base, float *const tensors[TENSORS], const float *residual,
                             char *scratch)
{
    Winograd *w = (Winograd *)base;
    float *v = (float *)(scratch + w->v), *m = (float *)(scratch + w->m);
    onednn_one_thread();
    dnnl_memory_set_data_handle(w->v_memory, v);
    dnnl_memory_set_data_handle(w->u_memory, packed_weights_data(w->packed));
    dnnl_memory_set_data_handle(w->m_memory, m);
    for (int first = 0; first < w->tiles; first += w->block) {
        int count =
            MIN(w->block, w->tiles - first); /* the product always has w->block rows; the rest is not used */
        for (int t = 0; t < count; t++) {
            input_tile(w, tensors[TENSOR_X], position_of(w, first + t), v + (size_t)t * w->spec.c_in);
        }
        dnnl_exec_arg_t arguments[4] = {
            {DNNL_ARG_SRC, w->v_memory}, {DNNL_ARG_WEIGHTS, w->u_memory}, {DNNL_ARG_DST, w->m_memory}};
        if (!onednn_step_run(&w->product, w->stream, arguments, 3, scratch)) {
            return FALSE;
        }
        for (int t = 0; t < count; t++) {
            output_tile(w, m + (size_t)t * w->spec.c_out, position_of(w, first + t), residual,
                        tensors[TENSOR_Y]);
        }
    }
    return TRUE;
}

/* ---- making ---- */

typedef struct {
    const Winograd *w;
    const float *weight;
    const OnednnLayout *packed;
} Packing;

/* WeightPacker: U (36, I, O) in plain layout, then reordered to the layout of the matrix product. */
static gboolean pack(void *data, void *packed, GError **error)
{
    const Packing *p = data;
    const ConvSpec *s = &p->w->spec;
    g_autofree float *u =
        wsi_try_alloc((size_t)PLANES * s->c_in * s->c_out, sizeof(float), "transformed weights", error);
    if (!u) {
        return FALSE;
    }
    for (int o = 0; o < s->c_out; o++) {
        for (int i = 0; i < s->c_in; i++) {
            double one[PLANES];
            transform_kernel(p->weight + ((size_t)o * s->c_in + i) * 9, one);
            for (int k = 0; k < PLANES; k++) {
                u[((size_t)k * s->c_in + i) * s->c_out + o] = (float)one[k];
            }
        }
    }
    OnednnLayout *plain = onednn_layout_new(3, (dnnl_dims_t){PLANES, s->c_in, s->c_out}, dnnl_f32, dnnl_abc);
    gboolean ok = onednn_reorder_once(plain, u, p->packed, packed, error);
    onednn_layout_free(plain);
    return ok;
}

/* The layout of PLANES matrices (rows, columns), `plane` floats apart. */
static OnednnLayout *matrices(int rows, int columns, size_t plane)
{
    return onednn_layout_new_strided(3, (dnnl_dims_t){PLANES, rows, columns}, dnnl_f32,
                                     (dnnl_dims_t){(dnnl_dim_t)plane, columns, 1});
}

/* The matrix products (36, block, I) (36, I, O) -> (36, block, O); NULL when oneDNN has none. */
static dnnl_primitive_desc_t describe_product(const Winograd *w, const OnednnLayout *v, const OnednnLayout *m)
{
    OnednnLayout *u = onednn_layout_new(3, (dnnl_dims_t){PLANES, w->spec.c_in, w->spec.c_out}, dnnl_f32,
                                        dnnl_format_tag_any);
    dnnl_primitive_attr_t attribute = NULL;
    dnnl_primitive_desc_t described = NULL;
    if (onednn_attributes(&attribute, FALSE, FALSE) != dnnl_success ||
        onednn_product(&described, v, u, m, attribute) != dnnl_success) {
        described = NULL;
    }
    onednn_layout_free(u);
    if (attribute) {
        dnnl_primitive_attr_destroy(attribute);
    }
    return described;
}

/* The index table of one axis; tiles may reach beyond the padded map, where zeros are read and results not used. */
static int *sources(int size, int tiles, const ConvSpec *s)
{
    int reach = tiles * OUT + IN - OUT;
    int *source = g_new(int, reach);
    for (int i = 0; i < reach; i++) {
        source[i] = i < size + 2 * s->pad ? conv_pad_source(i, size, s->pad, s->pad_mode) : -1;
    }
    return source;
}

/* The primitive and its tensors.  u: the layout that it needs for the weights; the caller frees it. */
static gboolean prepare_product(Winograd *w, OnednnLayout **u, gboolean *unsupported, GError **error)
{
    const ConvSpec *s = &w->spec;
    OnednnLayout *v = matrices(w->block, s->c_in, w->v_plane), *m = matrices(w->block, s->c_out, w->m_plane);
    dnnl_primitive_desc_t described = describe_product(w, v, m);
    *unsupported = !described;
    *u = described ? onednn_layout_copy(dnnl_primitive_desc_query_md(described, dnnl_query_weights_md, 0))
                   : NULL;
    w->v = onednn_step_reserve(&w->op.scratch, sizeof(float) * PLANES * w->v_plane);
    w->m = onednn_step_reserve(&w->op.scratch, sizeof(float) * PLANES * w->m_plane);
    gboolean ok = described && onednn_step_new(&w->product, &w->op.scratch, described, error) &&
                  onednn_memory_new(&w->v_memory, v, error) && onednn_memory_new(&w->u_memory, *u, error) &&
                  onednn_memory_new(&w->m_memory, m, error) &&
                  onednn_ok(dnnl_stream_create(&w->stream, onednn_engine(), dnnl_stream_default_flags),
                            "a stream", error);
    onednn_layout_free(v);
    onednn_layout_free(m);
    return ok;
}

/* All that needs memory or oneDNN: product, bias, zeros, packed weights. */
static gboolean prepare(Winograd *w, const float *weight, const float *bias, gboolean *unsupported,
                        GError **error)
{
    const ConvSpec *s = &w->spec;
    OnednnLayout *u = NULL;
    gboolean ok = prepare_product(w, &u, unsupported, error) &&
                  (w->bias = wsi_try_alloc(s->c_out, sizeof(float), "a bias", error)) &&
                  (w->zeros = wsi_try_alloc(s->c_in, sizeof(float), "a border", error));
    if (ok && bias) {
        memcpy(w->bias, bias, sizeof(float) * s->c_out);
    }
    Packing packing = {w, weight, u};
    w->packed = ok ? packed_weights_get(weight, conv_weight_count(s), u, pack, &packing, error) : NULL;
    onednn_layout_free(u);
    return w->packed != NULL;
}

static void winograd_free(OnednnOp *base)
{
    Winograd *w = (Winograd *)base;
    dnnl_memory_t memories[] = {w->v_memory, w->u_memory, w->m_memory};
    for (size_t i = 0; i < G_N_ELEMENTS(memories); i++) {
        if (memories[i]) {
            dnnl_memory_destroy(memories[i]);
        }
    }
    if (w->stream) {
        dnnl_stream_destroy(w->stream);
    }
    onednn_step_clear(&w->product);
    packed_weights_release(w->packed);
    g_free(w->row);
    g_free(w->column);
    g_free(w->bias);
    g_free(w->zeros);
    g_free(w);
}

static gboolean applies(const ConvSpec *s, ConvDirection direction)
{
    return direction == CONV_FORWARD && !s->training && s->kernel == 3 && s->stride == 1 &&
           s->c_in % LANES == 0 && s->c_out % LANES == 0 &&
           conv_output_count(s) / s->c_out <= G_MAXINT; /* tiles are counted in int */
}

OnednnOp *onednn_winograd_new(const ConvSpec *spec, ConvDirection direction, const OnednnCandidate *candidate,
                              const float *weight, const float *bias, gboolean *unsupported, GError **error)
{
    *unsupported = !applies(spec, direction);
    if (*unsupported) {
        return NULL;
    }
    onednn_one_thread();
    Winograd *w = g_new0(Winograd, 1);
    w->op = (OnednnOp){.run = winograd_run, .free = winograd_free};
    w->spec = *spec;
    w->across = (conv_out_w(spec) + OUT - 1) / OUT;
    w->down = (conv_out_h(spec) + OUT - 1) / OUT;
    w->tiles = spec->n * w->across * w->down;
    /* Blocks of nearly equal size, at most TILES_MOST. */
    int blocks = (w->tiles + TILES_MOST - 1) / TILES_MOST;
    w->block = (w->tiles + blocks - 1) / blocks;
    w->v_plane = (size_t)w->block * spec->c_in + LANES; /* LANES floats are a cache line */
    w->m_plane = (size_t)w->block * spec->c_out + LANES;
    w->row = sources(spec->h, w->down, spec);
    w->column = sources(spec->w, w->across, spec);
    if (!prepare(w, weight, bias, unsupported, error)) {
        winograd_free(&w->op);
        return NULL;
    }
    return &w->op;
}
#endif
