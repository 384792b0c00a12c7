/* Reading scores.
 *
 * Rows without a label or a score are kept, so that the metrics can report how many they leave out. */
#include "pipeline/scoring/score_table.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/models/tile_score.h"
#include <math.h>
#include <string.h>

/* The file and line of a row. */
typedef struct {
    const char *path;
    int line;
} RowLocation;

/* While reading. */
typedef struct {
    GStringChunk *texts;
    GArray *label, *blank;              /* int, NearBlank */
    GPtrArray *group, *split, *patient; /* char*, of texts */
    GArray *lesion_fraction;            /* double */
    GPtrArray *names, *values;          /* char*: columns; one GArray* of double per column */
    NearBlankLabels *blanks;            /* NULL = not given */
    GHashTable *files;                  /* "SPLIT slide NAME" -> the file in which it was last seen */
    GHashTable *seen;                   /* row_key -> number of the row + 1 */
    GArray *locations;                  /* RowLocation, one per row */
    int repeats;                        /* rows that repeat an earlier one */
    RowLocation first_repeat;
    GPtrArray *notes;
    int chosen;
} Reading;

static void find_columns(Reading *reading, const Csv *csv, const char *column)
{
    for (int i = 0; tile_score_column(i); i++) {
        if (csv_column(csv, tile_score_column(i)) >= 0) {
            g_ptr_array_add(reading->names, g_strdup(tile_score_column(i)));
        }
    }
    for (guint i = 0; i < reading->names->len; i++) {
        if (g_str_equal(reading->names->pdata[i], column)) {
            reading->chosen = (int)i;
            return;
        }
    }
    reading->chosen = (int)reading->names->len;
    g_ptr_array_add(reading->names, g_strdup(column));
}

/* A file and the indices of its columns; -1 = it has no such column. */
typedef struct {
    const char *path;
    const Csv *csv;
    int label, slide, split, file, patient, lesion_fraction;
    int at[2]; /* column and row of a tile */
    int *scores;
} Source;

static const char *text_at(Reading *reading, const Source *source, int row, int column)
{
    return g_string_chunk_insert_const(reading->texts, column >= 0 ? csv_get(source->csv, row, column) : "");
}

/* The metrics by slide count a slide that is in two files as one, so that is noted. */
static void note_slide(Reading *reading, const Source *source, const char *slide, const char *split)
{
    if (!*slide) {
        return;
    }
    g_autofree char *name = g_strdup_printf("%s slide %s", split, slide);
    const char *before = g_hash_table_lookup(reading->files, name);
    if (before && before != source->path) {
        g_ptr_array_add(reading->notes,
                        g_strdup_printf("slide %s is in both %s and %s and counts as one slide", slide,
                                        before, source->path));
    }
    g_hash_table_insert(reading->files, (gpointer)g_string_chunk_insert_const(reading->texts, name),
                        (gpointer)source->path);
}

/* What a row describes: an image, or a position on a slide; NULL when the table does not say.  Caller frees. */
static char *row_key(const Source *source, int row)
{
    const char *split = source->split >= 0 ? csv_get(source->csv, row, source->split) : "";
    if (source->file >= 0 && *csv_get(source->csv, row, source->file)) {
        return g_strdup_printf("%s\n%s", split, csv_get(source->csv, row, source->file));
    }
    if (source->slide < 0 || source->at[0] < 0 || source->at[1] < 0) {
        return NULL;
    }
    return g_strdup_printf("%s\n%s\n%s\n%s", split, csv_get(source->csv, row, source->slide),
                           csv_get(source->csv, row, source->at[0]),
                           csv_get(source->csv, row, source->at[1]));
}

/* *again: the row repeats an earlier one and is skipped.  FALSE with error when its values differ from the earlier ones. */
static gboolean is_again(Reading *reading, const Source *source, int row, int label, const double *values,
                         gboolean *again, GError **error)
{
    g_autofree char *key = row_key(source, row);
    RowLocation here = {source->path, csv_line(source->csv, row)};
    int before = key ? GPOINTER_TO_INT(g_hash_table_lookup(reading->seen, key)) - 1 : -1;
    *again = before >= 0;
    if (before < 0) {
        if (key) {
            g_hash_table_insert(reading->seen, g_steal_pointer(&key),
                                GINT_TO_POINTER((int)reading->locations->len + 1));
        }
        g_array_append_val(reading->locations, here);
        return TRUE;
    }
    gboolean same = g_array_index(reading->label, int, before) == label;
    for (guint c = 0; c < reading->names->len; c++) {
        double value = g_array_index((GArray *)reading->values->pdata[c], double, before);
        same = same && (value == values[c] || (isnan(value) && isnan(values[c])));
    }
    if (!same) {
        const RowLocation *first = &g_array_index(reading->locations, RowLocation, before);
        g_strdelimit(key, "\n", ' ');
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "line %d: \"%s\" is also in line %d of %s, with another label or score", here.line,
                    g_strstrip(key), first->line, first->path);
        *again = FALSE;
        return FALSE;
    }
    if (reading->repeats++ == 0) {
        reading->first_repeat = here;
    }
    return TRUE;
}

static gboolean read_row(Reading *reading, const Source *source, int row, GError **error)
{
    double label, fraction = NAN, *values = g_newa(double, reading->names->len);
    gboolean again;
    if (!csv_number(source->csv, row, source->label, &label, error) ||
        (source->lesion_fraction >= 0 &&
         !csv_number(source->csv, row, source->lesion_fraction, &fraction, error))) {
        return FALSE;
    }
    if (!isnan(label) && label != 0 && label != 1) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "line %d: label %g: 0 or 1 was expected",
                    csv_line(source->csv, row), label);
        return FALSE;
    }
    for (guint c = 0; c < reading->names->len; c++) {
        if (!csv_number(source->csv, row, source->scores[c], &values[c], error)) {
            return FALSE;
        }
    }
    int is = isnan(label) ? -1 : (int)label;
    if (!is_again(reading, source, row, is, values, &again, error) || again) {
        return again;
    }
    for (guint c = 0; c < reading->names->len; c++) {
        g_array_append_val((GArray *)reading->values->pdata[c], values[c]);
    }
    NearBlank blank = NEAR_BLANK_UNKNOWN;
    if (reading->blanks && source->file >= 0 &&
        !near_blank_find(reading->blanks, csv_get(source->csv, row, source->file), &blank, error)) {
        return FALSE;
    }
    const char *slide = text_at(reading, source, row, source->slide);
    const char *split = text_at(reading, source, row, source->split);
    note_slide(reading, source, slide, split);
    g_array_append_val(reading->label, is);
    g_array_append_val(reading->blank, blank);
    g_ptr_array_add(reading->group, (gpointer)slide);
    g_ptr_array_add(reading->split, (gpointer)split);
    g_ptr_array_add(reading->patient, (gpointer)text_at(reading, source, row, source->patient));
    g_array_append_val(reading->lesion_fraction, fraction);
    return TRUE;
}

static gboolean read_file(Reading *reading, const char *path, const char *column, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    Source source = {.path = path, .csv = csv, .label = csv ? csv_need(csv, "label", error) : -1};
    if (source.label < 0) {
        return FALSE;
    }
    source.slide = csv_column(csv, "slide");
    source.split = csv_column(csv, "split");
    source.file = csv_column(csv, "file");
    source.patient = csv_column(csv, "patient");
    source.lesion_fraction = csv_column(csv, "lesion_fraction");
    source.at[0] = csv_column(csv, "column");
    source.at[1] = csv_column(csv, "row");
    if (reading->names->len == 0) {
        find_columns(reading, csv, column);
        for (guint c = 0; c < reading->names->len; c++) {
            g_ptr_array_add(reading->values, g_array_new(FALSE, FALSE, sizeof(double)));
        }
    }
    source.scores = g_newa(int, reading->names->len);
    for (guint c = 0; c < reading->names->len; c++) {
        if ((source.scores[c] = csv_need(csv, reading->names->pdata[c], error)) < 0) {
            return FALSE;
        }
    }
    for (int row = 0; row < csv_rows(csv); row++) {
        if (!read_row(reading, &source, row, error)) {
            g_prefix_error(error, "%s: ", path);
            return FALSE;
        }
    }
    return TRUE;
}

/* Makes the table, complete or not; takes ownership of everything except the labels. */
static ScoreTable *table_from(Reading *reading)
{
    ScoreTable *table = g_new0(ScoreTable, 1);
    guint columns = reading->names->len;
    table->n = (int)reading->label->len;
    table->name = g_strdup(columns ? reading->names->pdata[reading->chosen] : "");
    table->values = g_new0(double *, columns + 1);
    for (guint c = 0; c < columns; c++) {
        table->values[c] = (double *)(void *)g_array_free(reading->values->pdata[c], FALSE);
    }
    table->score = columns ? table->values[reading->chosen] : NULL;
    g_ptr_array_add(reading->names, NULL);
    table->columns = (char **)g_ptr_array_free(reading->names, FALSE);
    table->group = (const char **)g_ptr_array_free(reading->group, FALSE);
    table->split = (const char **)g_ptr_array_free(reading->split, FALSE);
    table->patient = (const char **)g_ptr_array_free(reading->patient, FALSE);
    table->lesion_fraction = (double *)(void *)g_array_free(reading->lesion_fraction, FALSE);
    table->label = (int *)(void *)g_array_free(reading->label, FALSE);
    table->blank = (NearBlank *)(void *)g_array_free(reading->blank, FALSE);
    if (!reading->blanks) {
        g_clear_pointer(&table->blank, g_free);
    }
    table->notes = reading->notes;
    table->texts = reading->texts;
    g_ptr_array_free(reading->values, TRUE);
    return table;
}

ScoreTable *score_table_read(const char *const *paths, const char *column, const char *labels, GError **error)
{
    Reading reading = {.texts = g_string_chunk_new(4096),
                       .label = g_array_new(FALSE, FALSE, sizeof(int)),
                       .blank = g_array_new(FALSE, FALSE, sizeof(NearBlank)),
                       .group = g_ptr_array_new(),
                       .split = g_ptr_array_new(),
                       .patient = g_ptr_array_new(),
                       .lesion_fraction = g_array_new(FALSE, FALSE, sizeof(double)),
                       .names = g_ptr_array_new(),
                       .values = g_ptr_array_new(),
                       .files = g_hash_table_new(g_str_hash, g_str_equal),
                       .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                       .locations = g_array_new(FALSE, FALSE, sizeof(RowLocation)),
                       .notes = g_ptr_array_new_with_free_func(g_free)};
    gboolean ok = !labels || (reading.blanks = near_blank_read(labels, error));
    for (; ok && *paths; paths++) {
        ok = read_file(&reading, *paths, column, error);
    }
    if (reading.repeats > 0) {
        g_ptr_array_add(reading.notes, g_strdup_printf("repeated rows, which count once: %d; "
                                                       "the first is line %d of %s",
                                                       reading.repeats, reading.first_repeat.line,
                                                       reading.first_repeat.path));
    }
    g_autoptr(ScoreTable) table = table_from(&reading);
    if (ok && labels) {
        table->labels = near_blank_json(reading.blanks, error);
        ok = table->labels != NULL;
    }
    g_hash_table_unref(reading.files);
    g_hash_table_unref(reading.seen);
    g_array_unref(reading.locations);
    near_blank_free(reading.blanks);
    return ok ? g_steal_pointer(&table) : NULL;
}

void score_table_free(ScoreTable *table)
{
    if (!table) {
        return;
    }
    for (int c = 0; table->columns[c]; c++) {
        g_free(table->values[c]);
    }
    g_free(table->values);
    g_strfreev(table->columns);
    g_free(table->group);
    g_free(table->split);
    g_free(table->patient);
    g_free(table->lesion_fraction);
    g_free(table->label);
    g_free(table->blank);
    g_free(table->name);
    json_decref(table->labels);
    g_ptr_array_unref(table->notes);
    g_string_chunk_free(table->texts);
    g_free(table);
}
