/* Table by table, so that only the candidates of one slide are in memory. */
#include "pipeline/report/worst_rows.h"
#include "base/csv.h"
#include <math.h>

static void row_clear(gpointer data)
{
    WorstRow *row = data;
    g_free(row->slide);
    g_free(row->file);
}

static GArray *rows_new(void)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(WorstRow));
    g_array_set_clear_func(rows, row_clear);
    return rows;
}

/* ---- order ---- */

static int by_place(const WorstRow *a, const WorstRow *b)
{
    return a->table != b->table ? (a->table > b->table) - (a->table < b->table)
                                : (a->row > b->row) - (a->row < b->row);
}

static gint highest_first(gconstpointer a, gconstpointer b)
{
    const WorstRow *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : by_place(x, y);
}

static gint lowest_first(gconstpointer a, gconstpointer b)
{
    const WorstRow *x = a, *y = b;
    return x->score != y->score ? (x->score > y->score) - (x->score < y->score) : by_place(x, y);
}

static void sort(GArray *rows, WorstKind kind)
{
    g_array_sort(rows, kind == WORST_NORMAL ? highest_first : lowest_first);
}

/* ---- reading ---- */

typedef struct {
    const Csv *csv;
    const char *path;
    int number; /* of the table */
    int slide, file, split, label, score;
    int optional[5]; /* x, y, width, height, lesion_fraction; -1 = it has none */
} Table;

static gboolean find_columns(Table *table, const char *score, GError **error)
{
    static const char *const optional[] = {"x", "y", "width", "height", "lesion_fraction"};
    table->label = csv_need(table->csv, "label", error);
    table->score = table->label >= 0 ? csv_need(table->csv, score, error) : -1;
    table->slide = csv_column(table->csv, "slide");
    table->file = csv_column(table->csv, "file");
    table->split = csv_column(table->csv, "split");
    for (size_t i = 0; i < G_N_ELEMENTS(optional); i++) {
        table->optional[i] = csv_column(table->csv, optional[i]);
    }
    return table->score >= 0;
}

static char *text_at(const Table *table, int row, int column)
{
    return g_strdup(column >= 0 ? csv_get(table->csv, row, column) : "");
}

/* Adds the row to those of its kind, when it has a label and a score. */
static gboolean add_row(const Table *table, int at, GArray *const rows[WORST_KINDS], GError **error)
{
    WorstRow row = {.table = table->number, .row = at};
    double label, *const values[] = {&row.x, &row.y, &row.width, &row.height, &row.lesion_fraction};
    if (!csv_number(table->csv, at, table->label, &label, error) ||
        !csv_number(table->csv, at, table->score, &row.score, error)) {
        return FALSE;
    }
    if (isnan(label) || isnan(row.score)) {
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        *values[i] = NAN;
        if (table->optional[i] >= 0 && !csv_number(table->csv, at, table->optional[i], values[i], error)) {
            return FALSE;
        }
    }
    row.slide = text_at(table, at, table->slide);
    row.file = text_at(table, at, table->file);
    g_array_append_val(rows[label > 0 ? WORST_LESION : WORST_NORMAL], row);
    return TRUE;
}

static gboolean overlaps(const WorstRow *a, const WorstRow *b)
{
    return fabs(a->x - b->x) < a->width && fabs(a->y - b->y) < a->height; /* FALSE for images */
}

/* Moves the worst of `from` to `to`: at most `most`, without overlap. */
static void keep_worst(GArray *from, WorstKind kind, guint most, GArray *to)
{
    const guint before = to->len;
    sort(from, kind);
    for (guint i = 0; i < from->len && to->len - before < most; i++) {
        WorstRow *row = &g_array_index(from, WorstRow, i);
        gboolean covered = FALSE;
        for (guint k = before; k < to->len; k++) {
            covered = covered || overlaps(row, &g_array_index(to, WorstRow, k));
        }
        if (!covered) {
            g_array_append_val(to, *row);
            row->slide = row->file = NULL;
        }
    }
}

/* The worst rows of one table: of a slide, or of all images. */
static gboolean add_table(const Config *config, const char *path, int number, WorstRows *out, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    Table table = {.csv = csv, .path = path, .number = number};
    if (!csv || !find_columns(&table, config->evaluate_score, error)) {
        return FALSE;
    }
    g_autoptr(GArray) normal = rows_new(), lesion = rows_new();
    GArray *const rows[WORST_KINDS] = {[WORST_NORMAL] = normal, [WORST_LESION] = lesion};
    for (int row = 0; row < csv_rows(csv); row++) {
        gboolean test = table.split >= 0 && g_str_equal(csv_get(csv, row, table.split), "test");
        if (test && !add_row(&table, row, rows, error)) {
            g_prefix_error(error, "%s: ", path);
            return FALSE;
        }
    }
    const int most = table.file >= 0 ? config->evaluate_worst : out->per_slide;
    for (int kind = 0; kind < WORST_KINDS; kind++) {
        out->labelled[kind] += rows[kind]->len;
        keep_worst(rows[kind], kind, (guint)most, out->rows[kind]);
    }
    return TRUE;
}

/* The tables of the test split: array of char*, one for each slide of the run and one for images; NULL for those that have none. */
static GPtrArray *test_tables(const Work *work, int *count)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const guint slides = work->run->slides->len;
    *count = 0;
    for (guint i = 0; i <= slides; i++) {
        const SlideEntry *entry = i < slides ? work->run->slides->pdata[i] : NULL;
        gboolean test = !entry || g_str_equal(entry->split, "test");
        char *path =
            test ? work_find(work, entry ? "score" : "scorepatches", entry ? entry->id : COHORT, "scores")
                 : NULL;
        *count += path != NULL;
        g_ptr_array_add(paths, path);
    }
    return paths;
}

WorstRows *worst_rows_read(const Work *work, GError **error)
{
    g_autoptr(WorstRows) out = g_new0(WorstRows, 1);
    const Config *config = work->run->config;
    int count;
    g_autoptr(GPtrArray) paths = test_tables(work, &count);
    for (int kind = 0; kind < WORST_KINDS; kind++) {
        out->rows[kind] = rows_new();
    }
    out->per_slide =
        MAX(config->evaluate_worst_per_slide, (config->evaluate_worst + count - 1) / MAX(count, 1));
    for (guint i = 0; i < paths->len; i++) {
        if (paths->pdata[i] && !add_table(config, paths->pdata[i], (int)i, out, error)) {
            return NULL;
        }
    }
    for (int kind = 0; kind < WORST_KINDS; kind++) {
        sort(out->rows[kind], kind);
        if (out->rows[kind]->len > (guint)config->evaluate_worst) {
            g_array_set_size(out->rows[kind], (guint)config->evaluate_worst);
        }
    }
    return g_steal_pointer(&out);
}

void worst_rows_free(WorstRows *rows)
{
    for (int kind = 0; rows && kind < WORST_KINDS; kind++) {
        g_array_unref(rows->rows[kind]);
    }
    g_free(rows);
}
