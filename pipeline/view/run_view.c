/* The job table is read at most once a second, and only when its files have changed: while nothing happens, the page costs nothing.  A state is never
 * changed after it was read; the last of its users frees it. */
#include "pipeline/view/run_view.h"
#include "base/error.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/config/stored_config.h"
#include <string.h>
#include <sys/stat.h>

/* What identifies the contents of the table's files without reading them. */
typedef struct {
    struct {
        int64_t bytes, seconds, nanoseconds;
    } file[2];
} Stamp;

struct RunView {
    char *folder;
    Config *config;
    Cohort *cohort;
    char *cohort_text;
    GMutex lock; /* guards the rest */
    RunState *state;
    MapThreshold threshold;
    char *threshold_of; /* SHA-256 of the model that has it, "" = none; NULL: not read yet */
    Stamp stamp;        /* of the state */
    int64_t looked;     /* when, monotonic us */
};

static Stamp stamp_of(const char *folder)
{
    static const char *const names[] = {"wsiflow.db", "wsiflow.db-wal"};
    Stamp stamp = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        struct stat now;
        /* An empty log is no log: whoever opens the table makes one. */
        if (stat(path, &now) == 0 && now.st_size > 0) {
            stamp.file[i].bytes = now.st_size;
            stamp.file[i].seconds = now.st_mtim.tv_sec;
            stamp.file[i].nanoseconds = now.st_mtim.tv_nsec;
        }
    }
    return stamp;
}

static void clear_state(gpointer data)
{
    RunState *state = data;
    g_clear_pointer(&state->rows, g_ptr_array_unref);
    g_clear_pointer(&state->artefacts, g_ptr_array_unref);
    g_clear_pointer(&state->reviews, g_ptr_array_unref);
    g_clear_pointer(&state->records, records_free);
    g_clear_pointer(&state->names, g_hash_table_unref);
}

void run_state_free(const RunState *state)
{
    if (state) {
        g_atomic_rc_box_release_full((RunState *)state, clear_state);
    }
}

/* The records that the page shows, so that not all of them are read again after each job. */
static Records *read_records(const char *folder, const GPtrArray *artefacts, GError **error)
{
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    for (guint i = 0; i < artefacts->len; i++) {
        const JobInput *one = artefacts->pdata[i];
        if ((g_str_equal(one->stage, "ingest") && g_str_equal(one->artefact->name, "content")) ||
            (g_str_equal(one->stage, "regions") && g_str_equal(one->artefact->name, "facts"))) {
            g_ptr_array_add(wanted, (gpointer)one);
        }
    }
    return records_read(folder, wanted, error);
}

const Artefact *run_state_find(const RunState *state, const char *stage, const char *unit, const char *name)
{
    g_autofree char *key = g_strjoin("/", stage, unit, name, NULL);
    return g_hash_table_lookup(state->names, key);
}

/* The threshold that the run gave its regions, where it has any. */
static gboolean recorded_threshold(const RunView *run, const RunState *state, MapThreshold *threshold)
{
    for (guint i = 0; i < run->cohort->slides->len; i++) {
        const SlideEntry *entry = run->cohort->slides->pdata[i];
        const json_t *facts = records_get(state->records, "regions", entry->id, "facts");
        const char *source = json_string_value(json_object_get(facts, "threshold_from"));
        if (source) {
            *threshold = (MapThreshold){json_number_value(json_object_get(facts, "threshold")),
                                        g_intern_string(source)};
            return TRUE;
        }
    }
    return FALSE;
}

/* The threshold of the run's model, or of none while it is not trained.  A model is read once.  One that cannot be read, such as that of another
 * version of wsiflow, leaves the run without a threshold; what else it has can be shown. */
static void model_threshold(RunView *run, const RunState *state)
{
    const Artefact *model = run_state_find(state, "train", COHORT, "model");
    const char *of = model ? model->sha256 : "";
    if (run->threshold_of && g_str_equal(run->threshold_of, of)) {
        return;
    }
    const Run stored = {run->config, run->cohort->slides, run->folder, run->cohort};
    const Work work = {.run = &stored, .inputs = state->artefacts};
    g_autoptr(GError) why = NULL;
    run->threshold = map_threshold(run->config, NULL);
    if ((model || *run->config->score_model) && !map_threshold_of_run(&work, &run->threshold, &why)) {
        g_message("no threshold: %s", why->message);
    }
    g_free(run->threshold_of);
    run->threshold_of = g_strdup(of);
}

static RunState *read_state(RunView *run, GError **error)
{
    g_autoptr(RunState) state = g_atomic_rc_box_new0(RunState);
    g_autoptr(Store) store = store_open_existing(run->folder, error);
    state->rows = store ? store_jobs(store, error) : NULL;
    state->artefacts = state->rows ? store_artefacts(store, error) : NULL;
    state->reviews = state->artefacts ? review_list(store, error) : NULL;
    g_autoptr(Cohort) cohort = state->reviews ? stored_cohort_read(store, error) : NULL;
    state->records = cohort ? read_records(run->folder, state->artefacts, error) : NULL;
    if (!state->records) {
        return NULL;
    }
    g_autofree char *text = stored_cohort_text(cohort);
    state->other_cohort = strcmp(text, run->cohort_text) != 0;
    state->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < state->artefacts->len; i++) {
        JobInput *one = state->artefacts->pdata[i];
        g_hash_table_insert(state->names, g_strjoin("/", one->stage, one->unit, one->artefact->name, NULL),
                            one->artefact);
    }
    MapThreshold threshold;
    if (!recorded_threshold(run, state, &threshold)) {
        model_threshold(run, state);
        threshold = run->threshold;
    }
    state->look = heatmap_look(run->config, threshold);
    return g_steal_pointer(&state);
}

const RunState *run_view_state(RunView *run, GError **error)
{
    g_mutex_lock(&run->lock);
    int64_t now = g_get_monotonic_time();
    if (!run->state || now - run->looked > G_USEC_PER_SEC) {
        Stamp stamp = stamp_of(run->folder);
        gboolean changed = !run->state || memcmp(&stamp, &run->stamp, sizeof stamp) != 0;
        RunState *fresh = changed ? read_state(run, run->state ? NULL : error) : NULL;
        if (fresh) {
            run_state_free(run->state);
            run->state = fresh;
            run->stamp = stamp;
        }
        run->looked = g_get_monotonic_time();
    }
    const RunState *state = run->state ? g_atomic_rc_box_acquire(run->state) : NULL;
    g_mutex_unlock(&run->lock);
    return state;
}

const ReviewCounts *run_state_review(const RunState *state, const char *slide)
{
    for (guint i = 0; i < state->reviews->len; i++) {
        const ReviewCounts *counts = state->reviews->pdata[i];
        if (g_str_equal(counts->slide, slide)) {
            return counts;
        }
    }
    return NULL;
}

RunView *run_view_open(const char *folder, GError **error)
{
    g_autoptr(RunView) run = g_new0(RunView, 1);
    g_mutex_init(&run->lock);
    run->folder = g_canonicalize_filename(folder, NULL);
    g_autoptr(Store) store = store_open_existing(run->folder, error);
    run->cohort = store ? stored_cohort_read(store, error) : NULL;
    run->config = run->cohort ? stored_config_read(run->folder, error) : NULL;
    if (!run->config) {
        return NULL;
    }
    run->cohort_text = stored_cohort_text(run->cohort);
    return g_steal_pointer(&run);
}

void run_view_free(RunView *run)
{
    if (run) {
        run_state_free(run->state);
        cohort_free(run->cohort);
        config_free(run->config);
        g_free(run->threshold_of);
        g_free(run->cohort_text);
        g_free(run->folder);
        g_mutex_clear(&run->lock);
        g_free(run);
    }
}

const char *run_view_folder(const RunView *run)
{
    return run->folder;
}

const Config *run_view_config(const RunView *run)
{
    return run->config;
}

const GPtrArray *run_view_slides(const RunView *run)
{
    return run->cohort->slides;
}

int run_view_find(const RunView *run, const char *id)
{
    for (guint i = 0; i < run->cohort->slides->len; i++) {
        if (g_str_equal(((const SlideEntry *)run->cohort->slides->pdata[i])->id, id)) {
            return (int)i;
        }
    }
    return -1;
}
