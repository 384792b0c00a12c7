/* A table from keys to names of algorithms, for the whole process.
 *
 * Two algorithms for one convolution differ in the last bits of their results, so a choice by timing makes results depend
 * on what else the machine did at that moment.  Therefore each choice is made once per shape and process.  One lock guards the
 * table and also keeps trials from disturbing each other.  kernels_choices_get() writes the table as text and
 * kernels_choices_add() imposes such a text, so that all workers of a run, today and later, compute the same bytes.
 *
 * The text has one line per choice, "KEY = NAME", sorted by key.  Empty lines and lines that start with # are skipped. */
#include "flows/kernels/kernels_choice.h"
#include "base/error.h"
#include <string.h>

static GMutex lock;
static GTree *choices; /* char * -> char *, both owned; sorted by key */

static gint compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    return strcmp(a, b);
}

/* The table of choices, made when it is first needed.  Under the lock. */
static GTree *table(void)
{
    if (!choices) {
        choices = g_tree_new_full(compare, NULL, g_free, g_free);
    }
    return choices;
}

char *choice_key(const char *kernels, const ConvSpec *s, ConvDirection direction)
{
    static const char *const names[] = {"forward", "backward-data", "backward-weights"};
    gboolean forward = direction == CONV_FORWARD;
    /* Residual, ReLU and training change only the forward primitive. */
    return g_strdup_printf("%s %s n%d h%d w%d i%d o%d k%d s%d p%d%s%s%s%s", kernels, names[direction], s->n,
                           s->h, s->w, s->c_in, s->c_out, s->kernel, s->stride, s->pad,
                           s->pad && s->pad_mode == PAD_REFLECT ? " reflect" : "",
                           forward && s->residual ? " residual" : "", forward && s->relu ? " relu" : "",
                           forward && s->training ? " training" : "");
}

#define ROUNDS_LEAST 4
#define ROUNDS_MOST 16
#define SECONDS_MOST 0.25 /* of all rounds for a shape, once ROUNDS_LEAST are done */
#define HOPELESS 4 /* a candidate that is this many times slower in the first round is not tried again */

/* Index of the least number that is not negative, or -1. */
static int index_of_least(const double *seconds, int count)
{
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (seconds[i] >= 0 && (best < 0 || seconds[i] < seconds[best])) {
            best = i;
        }
    }
    return best;
}

/* Index of the fastest candidate, or -1 when none applies.  Candidates take turns, so a change of the clock rate affects all of
 * them; the least time of each counts. */
static int fastest(int count, gboolean first_only, ChoiceTrial trial, void *data)
{
    /* The first round makes the candidates and fills the caches. */
    double least[CHOICE_LIMIT];
    for (int i = 0; i < count; i++) {
        least[i] = trial(data, i);
        if (first_only && least[i] >= 0) {
            return i;
        }
    }
    int best = index_of_least(least, count);
    /* More rounds for those that can still win. */
    double bound = best < 0 ? 0 : HOPELESS * least[best], spent = 0;
    for (int round = 0; round < ROUNDS_MOST && (round < ROUNDS_LEAST || spent < SECONDS_MOST); round++) {
        for (int i = 0; i < count; i++) {
            if (least[i] >= 0 && least[i] <= bound) {
                double seconds = trial(data, i);
                least[i] = MIN(least[i], seconds);
                spent += seconds;
            }
        }
    }
    return index_of_least(least, count);
}

static int index_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

int choice_make(const char *key, const char *const *names, int count, gboolean first_only, ChoiceTrial trial,
                void *data, GError **error)
{
    g_mutex_lock(&lock);
    /* The lock is held during a trial: no other thread may disturb it. */
    const char *imposed = first_only ? NULL : g_tree_lookup(table(), key);
    int choice;
    if (imposed) {
        choice = index_of(imposed, names, count);
        if (choice < 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "convolution %s: this build has no algorithm \"%s\" (model.kernels: onednn chooses "
                        "by shape instead)",
                        key, imposed);
        }
    } else {
        choice = fastest(count, first_only, trial, data);
        if (choice < 0) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "convolution %s: this machine offers no algorithm for it", key);
        } else if (!first_only) {
            g_tree_insert(table(), g_strdup(key), g_strdup(names[choice]));
        }
    }
    g_mutex_unlock(&lock);
    return choice;
}

static gboolean append_line(gpointer key, gpointer value, gpointer text)
{
    g_string_append_printf(text, "%s = %s\n", (const char *)key, (const char *)value);
    return FALSE;
}

char *kernels_choices_get(void)
{
    GString *text = g_string_new(NULL);
    g_mutex_lock(&lock);
    g_tree_foreach(table(), append_line, text);
    g_mutex_unlock(&lock);
    return g_string_free(text, FALSE);
}

/* Text -> choices in `into`. */
static gboolean parse(const char *text, GTree *into, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        const char *line = g_strstrip(lines[i]);
        if (!line[0] || line[0] == '#') {
            continue;
        }
        g_auto(GStrv) parts = g_strsplit(line, " = ", 2);
        if (!parts[0] || !parts[1] || !parts[0][0] || !parts[1][0]) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "kernel choices, line %d: \"%s\" is not KEY = NAME", i + 1, line);
            return FALSE;
        }
        g_tree_insert(into, g_strdup(parts[0]), g_strdup(parts[1]));
    }
    return TRUE;
}

static gboolean take(gpointer key, gpointer value, gpointer unused)
{
    g_tree_insert(table(), g_strdup(key), g_strdup(value));
    return FALSE;
}

/* Takes all choices of the text, or none when it has an error; `replace` forgets earlier choices. */
static gboolean impose(const char *text, gboolean replace, GError **error)
{
    g_autoptr(GTree) read = g_tree_new_full(compare, NULL, g_free, g_free);
    if (!parse(text, read, error)) {
        return FALSE;
    }
    g_mutex_lock(&lock);
    if (replace) {
        g_clear_pointer(&choices, g_tree_unref);
    }
    g_tree_foreach(read, take, NULL);
    g_mutex_unlock(&lock);
    return TRUE;
}

gboolean kernels_choices_add(const char *text, GError **error)
{
    return !text || impose(text, FALSE, error);
}

gboolean kernels_choices_set(const char *text, GError **error)
{
    return impose(text, TRUE, error);
}
