/* Embedding: t-SNE and PCA of pooled latents, as the stage `embedding` published them. */
#include "base/csv.h"
#include "pipeline/report/report_section.h"
#include "pipeline/write/scatter.h"
#include <stdlib.h>

typedef struct {
    const Csv *csv;
    int n;                /* points */
    double *tsne, *plane; /* (n, 2) */
    int *group;           /* (n), of the colours that are drawn next */
    const char *names[SCATTER_GROUPS];
    int groups, all; /* that have colours; that there are */
} Points;

static gboolean read_pair(const Csv *csv, const char *first, const char *second, double *out, GError **error)
{
    int columns[2] = {csv_need(csv, first, error), -1};
    columns[1] = columns[0] < 0 ? -1 : csv_need(csv, second, error);
    for (int i = 0; i < 2 * csv_rows(csv); i++) {
        if (columns[i % 2] < 0 || !csv_number(csv, i / 2, columns[i % 2], &out[i], error)) {
            return FALSE;
        }
    }
    return columns[1] >= 0;
}

/* ---- groups ---- */

typedef struct {
    const char *name;
    int count;
} Group;

static gint by_count(gconstpointer a, gconstpointer b)
{
    const Group *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : g_strcmp0(x->name, y->name);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(const char *const *)a, *(const char *const *)b);
}

/* Groups by the texts of a column; the largest have colours, in the order of their names. */
static void group_by(Points *points, int column)
{
    g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Group));
    for (int i = 0; i < points->n; i++) {
        const char *name = csv_get(points->csv, i, column);
        int count = GPOINTER_TO_INT(g_hash_table_lookup(counts, name));
        g_hash_table_insert(counts, (gpointer)name, GINT_TO_POINTER(count + 1));
    }
    GHashTableIter iter;
    gpointer name, count;
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, &name, &count)) {
        if (*(const char *)name) {
            g_array_append_val(found, ((Group){name, GPOINTER_TO_INT(count)}));
        }
    }
    g_array_sort(found, by_count);
    points->all = (int)found->len;
    points->groups = MIN(points->all, SCATTER_GROUPS);
    for (int g = 0; g < points->groups; g++) {
        points->names[g] = g_array_index(found, Group, g).name;
    }
    qsort(points->names, (size_t)points->groups, sizeof points->names[0], by_name);
    for (int i = 0; i < points->n; i++) {
        points->group[i] = -1;
        for (int g = 0; g < points->groups; g++) {
            if (g_str_equal(points->names[g], csv_get(points->csv, i, column))) {
                points->group[i] = g;
            }
        }
    }
}

static void group_by_label(Points *points, int column)
{
    static const char *const names[] = {"normal", "anomaly"};
    points->groups = points->all = 2;
    for (int g = 0; g < 2; g++) {
        points->names[g] = names[g];
    }
    for (int i = 0; i < points->n; i++) {
        const char *label = csv_get(points->csv, i, column);
        points->group[i] = *label ? *label == '1' : -1;
    }
}

/* ---- drawings ---- */

typedef struct {
    const char *column, *title, *others;
} Colouring;
static const Colouring colourings[] = {{"label", "label", "no label"},
                                       {"centre", "centre", "other or unknown centres"},
                                       {"slide", "slide", "other slides"}};

/* How the points are coloured; FALSE: this would show nothing. */
static gboolean colour_by(Points *points, size_t c)
{
    int column = csv_column(points->csv, colourings[c].column);
    if (c == 0) {
        group_by_label(points, column);
        return TRUE;
    }
    group_by(points, column);
    return points->all > 0;
}

static void draw(Page *page, const Points *points, size_t c, gboolean tsne, const double fraction[2])
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    char *labels[2];
    for (int k = 0; k < 2; k++) {
        labels[k] = g_strdup_printf("component %d: %s %% of the variance", k + 1,
                                    g_ascii_formatd(digits, sizeof digits, "%.1f", 100 * fraction[k]));
    }
    g_autofree char *title = g_strdup_printf("%s, colour: %s", tsne ? "t-SNE" : "PCA", colourings[c].title);
    const Scatter scatter = {.title = title,
                             .x_label = tsne ? NULL : labels[0],
                             .y_label = tsne ? NULL : labels[1],
                             .n = points->n,
                             .at = tsne ? points->tsne : points->plane,
                             .group = points->group,
                             .groups = points->groups,
                             .names = points->names,
                             .others = colourings[c].others};
    g_autofree char *svg = scatter_svg(&scatter);
    page_drawing(page, svg);
    g_free(labels[0]);
    g_free(labels[1]);
}

static void draw_all(Page *page, Points *points, const json_t *facts)
{
    const json_t *variance = json_object_get(facts, "pca_variance_fraction");
    const double fraction[] = {json_number_value(json_array_get(variance, 0)),
                               json_number_value(json_array_get(variance, 1))};
    const gboolean many = colour_by(points, 1) || colour_by(points, 2);
    page_open(page, PAGE_ROW_OF_DRAWINGS);
    for (int tsne = 1; tsne >= 0; tsne--) {
        for (size_t c = 0; c < G_N_ELEMENTS(colourings); c++) {
            if (colour_by(points, c)) {
                draw(page, points, c, tsne, fraction);
            }
        }
        if (tsne && many) { /* a row for each */
            page_close(page);
            page_open(page, PAGE_ROW_OF_DRAWINGS);
        }
    }
    page_close(page);
}

/* ---- words ---- */

static void put_facts(Page *page, const ReportInput *input, const json_t *facts)
{
    char divergence[G_ASCII_DTOSTR_BUF_SIZE], perplexity[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(divergence, sizeof divergence, "%.3f",
                    json_number_value(json_object_get(facts, "tsne_divergence")));
    g_ascii_formatd(perplexity, sizeof perplexity, "%.4g",
                    json_number_value(json_object_get(facts, "tsne_perplexity")));
    json_int_t unreadable = json_integer_value(json_object_get(facts, "unreadable"));
    page_open(page, PAGE_P);
    page_text(
        page,
        "%" JSON_INTEGER_FORMAT
        " of %d scored tiles. Near points have similar latents: pooled over the tile and divided by their "
        "norm, they say in which direction a tile is unusual, not how much, which is its score. In the "
        "t-SNE, distances between "
        "groups and their sizes mean little.",
        json_integer_value(json_object_get(facts, "points")), input->table ? input->table->n : 0);
    page_close(page);
    page_open(page, PAGE_P);
    page_text(page,
              "Tiles are chosen by a hash of seed and position: evenly by label, for each label evenly by "
              "centre, and for each "
              "centre evenly by slide, as far as there are so many. The t-SNE is exact: perplexity %s, "
              "%" JSON_INTEGER_FORMAT " iterations, Kullback-Leibler divergence %s.",
              perplexity, json_integer_value(json_object_get(facts, "tsne_iterations")), divergence);
    if (unreadable > 0) {
        page_text(page,
                  " %" JSON_INTEGER_FORMAT
                  " tiles of the sample have no latents because too little of them could be read.",
                  unreadable);
    }
    page_close(page);
}

/* Which colours are missing, or stand for several. */
static void put_colours(Page *page, Points *points)
{
    for (size_t c = 1; c < G_N_ELEMENTS(colourings); c++) {
        if (!colour_by(points, c)) {
            page_put(page, PAGE_P, "No tile has a %s, so there is no drawing by %s.", colourings[c].title,
                     colourings[c].title);
        } else if (points->all > points->groups) {
            page_put(page, PAGE_P, "Of %d %ss the %d with the most points have colours; the others are grey.",
                     points->all, colourings[c].title, points->groups);
        }
    }
}

gboolean section_embedding(const ReportInput *input, Page *page, GError **error)
{
    const json_t *facts = records_get(input->work->records, "embedding", COHORT, "facts");
    g_autofree char *path = work_find(input->work, "embedding", COHORT, "points");
    if ((!facts || !path) && (input->work->run->config->embedding_points == 0 || !input->table)) {
        return TRUE;
    }
    page_put(page, PAGE_H2, "Latents of tiles");
    if (!facts || !path) {
        page_put(page, PAGE_P,
                 "They are missing, because the stage embedding failed (`wsiflow status` shows why).");
        return TRUE;
    }
    const char *absent = json_string_value(json_object_get(facts, "absent"));
    if (absent) {
        page_put(page, PAGE_P, "There is no t-SNE and no PCA: %s.", absent);
        return TRUE;
    }
    g_autoptr(Csv) csv = csv_read(path, error);
    if (!csv) {
        return FALSE;
    }
    const int n = csv_rows(csv);
    g_autofree double *tsne = g_new(double, 2 * n + 1), *plane = g_new(double, 2 * n + 1);
    g_autofree int *group = g_new(int, n + 1);
    Points points = {.csv = csv, .n = n, .tsne = tsne, .plane = plane, .group = group};
    if (!read_pair(csv, "tsne1", "tsne2", tsne, error) || !read_pair(csv, "pca1", "pca2", plane, error)) {
        return FALSE;
    }
    put_facts(page, input, facts);
    draw_all(page, &points, facts);
    put_colours(page, &points);
    return TRUE;
}
