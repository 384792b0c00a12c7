/* Origins of tiles.
 *
 * The draw is a stratified sample along a space-filling curve.  Tiles that are close on the Hilbert curve are close on the slide, so a run of
 * the curve is a compact area of tissue.  Every n-th tile in the order of rows would come from a few columns when n and the width of the grid
 * have a common factor.  Compare Stevens and Olsen, Spatially balanced sampling of natural resources, 2004. */
#include "pipeline/training/tile_origins.h"
#include "base/rng.h"
#include <string.h>

void tile_origins_init(Origins *o)
{
    *o = (Origins){.patient = g_ptr_array_new(),
                   .slide = g_ptr_array_new(),
                   .name = g_ptr_array_new(),
                   .position = g_array_new(FALSE, FALSE, sizeof(TilePosition)),
                   .texts = g_string_chunk_new(4096)};
}

void tile_origins_clear(Origins *o)
{
    g_ptr_array_unref(o->patient);
    g_ptr_array_unref(o->slide);
    g_ptr_array_unref(o->name);
    g_array_unref(o->position);
    g_string_chunk_free(o->texts);
}

static void add_text(Origins *o, GPtrArray *to, const char *text)
{
    g_ptr_array_add(to, g_string_chunk_insert_const(o->texts, text ? text : ""));
}

void tile_origins_add(Origins *o, const Origin *origin)
{
    add_text(o, o->patient, origin->patient);
    add_text(o, o->slide, origin->slide);
    add_text(o, o->name, origin->name);
    g_array_append_val(o->position, origin->position);
}

static Origin get(const Origins *o, guint i)
{
    return (Origin){o->patient->pdata[i], o->slide->pdata[i], o->name->pdata[i],
                    g_array_index(o->position, TilePosition, i)};
}

void tile_origins_append(Origins *to, const Origins *from)
{
    for (guint i = 0; i < from->position->len; i++) {
        const Origin origin = get(from, i);
        tile_origins_add(to, &origin);
    }
}

void tile_origins_keep(Origins *o, const GArray *index)
{
    for (guint i = 0; i < index->len; i++) {
        guint from = g_array_index(index, guint, i);
        o->patient->pdata[i] = o->patient->pdata[from];
        o->slide->pdata[i] = o->slide->pdata[from];
        o->name->pdata[i] = o->name->pdata[from];
        g_array_index(o->position, TilePosition, i) = g_array_index(o->position, TilePosition, from);
    }
    g_ptr_array_set_size(o->patient, (gint)index->len);
    g_ptr_array_set_size(o->slide, (gint)index->len);
    g_ptr_array_set_size(o->name, (gint)index->len);
    g_array_set_size(o->position, index->len);
}

static const char *const *texts_of(const GPtrArray *texts)
{
    for (guint i = 0; i < texts->len; i++) {
        if (*(const char *)texts->pdata[i]) {
            return (const char *const *)texts->pdata;
        }
    }
    return NULL;
}

void tile_origins_give(const Origins *o, TileSet *set)
{
    gboolean positions = o->position->len > 0;
    for (guint i = 0; i < o->position->len; i++) {
        positions = positions && g_array_index(o->position, TilePosition, i).side > 0;
    }
    set->group = texts_of(o->patient);
    set->slide = texts_of(o->slide);
    set->position = positions ? (const TilePosition *)(const void *)o->position->data : NULL;
}

guint tile_origins_slides(const Origins *o, guint *named)
{
    g_autoptr(GHashTable) slides = g_hash_table_new(g_str_hash, g_str_equal);
    *named = 0;
    for (guint i = 0; i < o->slide->len; i++) {
        if (*(const char *)o->slide->pdata[i]) {
            g_hash_table_add(slides, o->slide->pdata[i]);
            ++*named;
        }
    }
    return g_hash_table_size(slides);
}

/* ---- the draw ---- */

typedef struct {
    const char *slide, *name;
    uint64_t along; /* distance along the curve */
    guint index;
} Ticket;

static int by_curve(gconstpointer a, gconstpointer b)
{
    const Ticket *p = a, *q = b;
    int order = strcmp(p->slide, q->slide);
    if (order == 0 && p->along != q->along) {
        order = p->along < q->along ? -1 : 1;
    }
    return order ? order : strcmp(p->name, q->name);
}

/* Distance along the Hilbert curve through the grid of 2^31 x 2^31. */
static uint64_t hilbert(uint32_t x, uint32_t y)
{
    uint64_t along = 0;
    for (uint32_t s = (uint32_t)1 << 30; s > 0; s /= 2) {
        uint32_t right = (x & s) > 0, lower = (y & s) > 0;
        along += (uint64_t)s * s * ((3 * right) ^ lower);
        if (!lower) {
            uint32_t kept = right ? s - 1 - (x & (s - 1)) : x & (s - 1);
            x = right ? s - 1 - (y & (s - 1)) : y & (s - 1);
            y = kept;
        }
    }
    return along;
}

/* Positions may be negative, because a tile may extend over the border of the slide. */
static uint32_t coordinate(double at)
{
    return (uint32_t)CLAMP(at + (double)(1 << 20), 0, (double)INT32_MAX);
}

static GArray *tickets_of(const Origins *o)
{
    GArray *tickets = g_array_sized_new(FALSE, FALSE, sizeof(Ticket), o->position->len);
    for (guint i = 0; i < o->position->len; i++) {
        const TilePosition *position = &g_array_index(o->position, TilePosition, i);
        uint64_t along = position->side > 0 ? hilbert(coordinate(position->x), coordinate(position->y)) : 0;
        Ticket ticket = {o->slide->pdata[i], o->name->pdata[i], along, i};
        g_array_append_val(tickets, ticket);
    }
    g_array_sort(tickets, by_curve);
    return tickets;
}

static int ascending(gconstpointer a, gconstpointer b)
{
    guint x = *(const guint *)a, y = *(const guint *)b;
    return (x > y) - (x < y);
}

GArray *tile_origins_draw(const Origins *o, guint most, uint64_t seed)
{
    g_autoptr(GArray) tickets = tickets_of(o);
    GArray *chosen = g_array_sized_new(FALSE, FALSE, sizeof(guint), most);
    for (uint64_t run = 0; run < most; run++) {
        guint from = (guint)(run * tickets->len / most), to = (guint)((run + 1) * tickets->len / most);
        Rng rng = rng_at(seed, rng_name("max_tiles"), (uint32_t)run);
        guint at = from + (to > from ? rng_below(&rng, to - from) : 0);
        g_array_append_val(chosen, g_array_index(tickets, Ticket, at).index);
    }
    g_array_sort(chosen, ascending);
    return chosen;
}

/* ---- names ---- */

/* Tried in turn: the tile number of our patch sets (6 digits with leading zeros), a position, a longer number. */
static const char *const name_patterns[] = {
    "^(.+)[_-]0[0-9]{5}\\.[^.]+$", "^(.+)[_-]x[0-9]+[_-]y[0-9]+\\.[^.]+$",
    "^(.+)[_-][0-9]{4,}[_-][0-9]{3,}\\.[^.]+$", "^(.+)[_-][0-9]{6,}\\.[^.]+$"};

char *tile_origins_slide_of_name(const char *file)
{
    for (size_t i = 0; i < G_N_ELEMENTS(name_patterns); i++) {
        g_autoptr(GRegex) pattern = g_regex_new(name_patterns[i], G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        if (g_regex_match(pattern, file, 0, &match)) {
            return g_match_info_fetch(match, 1);
        }
    }
    return g_strdup("");
}
