/* The history of a training as JSON, for bundles and checkpoints, and as CSV. */
#include "flows/models/history.h"
#include "flows/files/fields.h"
#include <math.h>

/* All of a report except its seconds. */
#define OF(member) offsetof(EpochReport, member)
static const Field epoch_fields[] = {
    {"epoch", FIELD_INT, OF(epoch), 1, NULL},
    {"train_nll", FIELD_NUMBER, OF(train_nll), 1, NULL},
    {"holdout_nll", FIELD_NUMBER, OF(holdout_nll), 1, NULL},
    {"gradient_norm", FIELD_NUMBER, OF(gradient_norm), 1, NULL},
    {"learning_rate", FIELD_NUMBER, OF(learning_rate), 1, NULL},
    {"skipped_steps", FIELD_INT, OF(skipped_steps), 1, NULL},
    /* with a pyramid that is trained */
    {"effective_rank", FIELD_NUMBER, OF(collapse.rank), SCALES, NULL},
    {"smallest_deviation", FIELD_NUMBER, OF(collapse.deviation), SCALES, NULL},
    {"smallest_singular", FIELD_NUMBER, OF(collapse.singular), SCALES, NULL},
    /* with labels */
    {"focal", FIELD_NUMBER, OF(focal), 1, NULL},
    {"centre", FIELD_NUMBER, OF(centre), 1, NULL},
    {"margin", FIELD_NUMBER, OF(margin), 1, NULL},
    {"holdout_auroc", FIELD_NUMBER, OF(holdout_auroc), 1, NULL},
    {"holdout_ap", FIELD_NUMBER, OF(holdout_ap), 1, NULL},
    {"holdout_f", FIELD_NUMBER, OF(holdout_f), 1, NULL},
    {NULL, 0, 0, 0, NULL},
};

json_t *history_write(const GArray *history)
{
    json_t *array = json_array();
    for (guint i = 0; i < history->len; i++) {
        json_array_append_new(array, fields_write(epoch_fields, &g_array_index(history, EpochReport, i)));
    }
    return array;
}

GArray *history_read(const json_t *array, GError **error)
{
    g_autoptr(GArray) history = g_array_new(FALSE, FALSE, sizeof(EpochReport));
    /* In the order of the epochs, as written. */
    for (size_t i = 0; i < json_array_size(array); i++) {
        EpochReport report = {0};
        /* Seconds are not in the file, so they are 0 after reading. */
        if (!fields_read(epoch_fields, json_array_get(array, i), &report, "history", error)) {
            return NULL;
        }
        g_array_append_val(history, report);
    }
    return g_steal_pointer(&history);
}

/* The cell of a number that is not finite is empty, as base/csv.h reads it.  The decimal point is a point in every locale. */
static void put_cell(GString *out, double value)
{
    if (isfinite(value)) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.9g", value));
    }
}

char *history_csv(const GArray *history)
{
    GString *out = g_string_new("epoch,train_nll,holdout_nll,gradient_norm,learning_rate,skipped_steps");
    /* The columns of a pyramid exist in any case, so that all tables have the same ones. */
    for (int l = 1; l <= SCALES; l++) {
        g_string_append_printf(out, ",effective_rank%d,smallest_deviation%d,smallest_singular%d", l, l, l);
    }
    g_string_append(out, ",focal,centre,margin,holdout_auroc,holdout_ap,holdout_f\n");
    for (guint i = 0; i < history->len; i++) { /* one row per epoch */
        const EpochReport *e = &g_array_index(history, EpochReport, i);
        g_string_append_printf(out, "%d,", e->epoch);
        /* 9 digits tell any two floats apart. */
        const double values[] = {e->train_nll, e->holdout_nll, e->gradient_norm, e->learning_rate};
        for (guint k = 0; k < G_N_ELEMENTS(values); k++) {
            put_cell(out, values[k]);
            g_string_append_c(out, ',');
        }
        g_string_append_printf(out, "%d", e->skipped_steps);
        for (int l = 0; l < SCALES; l++) { /* three columns per scale */
            const double collapse[] = {e->collapse.rank[l], e->collapse.deviation[l],
                                       e->collapse.singular[l]};
            for (guint k = 0; k < G_N_ELEMENTS(collapse); k++) {
                g_string_append_c(out, ',');
                put_cell(out, collapse[k]);
            }
        }
        /* NAN, so empty, without labels. */
        const double labels[] = {e->focal,         e->centre,     e->margin,
                                 e->holdout_auroc, e->holdout_ap, e->holdout_f};
        for (guint k = 0; k < G_N_ELEMENTS(labels); k++) {
            g_string_append_c(out, ',');
            put_cell(out, labels[k]);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
