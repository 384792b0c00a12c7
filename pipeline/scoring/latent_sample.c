/* The choice of tiles by hash. */
#include "pipeline/scoring/latent_sample.h"
#include "base/rng.h"
#include "pipeline/scoring/scoring.h"

#define LABELS 3 /* normal, anomaly, unknown */

typedef struct {
    uint64_t draw;
    guint index;
} Ticket;

static uint64_t draw_of(uint64_t seed, const char *name)
{
    Rng rng = rng_at(seed, rng_name(name), 2);
    uint64_t high = rng_u32(&rng);
    return high << 32 | rng_u32(&rng);
}

uint64_t latent_sample_draw_tile(uint64_t seed, const char *slide, int column, int row)
{
    g_autofree char *name = g_strdup_printf("%s %d %d", slide, column, row);
    return draw_of(seed, name);
}

uint64_t latent_sample_draw_image(uint64_t seed, const char *file)
{
    return draw_of(seed, file);
}

void latent_sample_shares(int64_t total, const int64_t *size, int n, int64_t *share)
{
    int open = 0;
    for (int i = 0; i < n; i++) {
        share[i] = 0;
        open += size[i] > 0;
    }
    while (total > 0 && open > 0) {
        int64_t each = MAX(total / open, 1);
        for (int i = 0; i < n && total > 0; i++) {
            int64_t more = MIN(MIN(each, total), size[i] - share[i]);
            if (more > 0) {
                share[i] += more;
                total -= more;
                open -= share[i] == size[i];
            }
        }
    }
}

static gint by_draw(gconstpointer a, gconstpointer b)
{
    const Ticket *x = a, *y = b;
    if (x->draw != y->draw) {
        return x->draw < y->draw ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

void latent_sample_mark(GArray *scored, const uint64_t *draw, int most)
{
    int64_t size[LABELS], share[LABELS];
    GArray *tickets[LABELS];
    for (int l = 0; l < LABELS; l++) {
        tickets[l] = g_array_new(FALSE, FALSE, sizeof(Ticket));
    }
    for (guint i = 0; i < scored->len; i++) {
        int label = g_array_index(scored, Scored, i).label;
        g_array_append_val(tickets[label < 0 ? LABELS - 1 : label], ((Ticket){draw[i], i}));
    }
    for (int l = 0; l < LABELS; l++) {
        size[l] = tickets[l]->len;
    }
    latent_sample_shares(most, size, LABELS, share);
    for (int l = 0; l < LABELS; l++) {
        g_array_sort(tickets[l], by_draw);
        for (int64_t i = 0; i < share[l]; i++) {
            g_array_index(scored, Scored, g_array_index(tickets[l], Ticket, i).index).kept = TRUE;
        }
        g_array_unref(tickets[l]);
    }
}
