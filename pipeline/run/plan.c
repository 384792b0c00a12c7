/* Planning: one job per slide, or one for the cohort, for each wanted stage in the order of the table. */
#include "pipeline/run/plan.h"
#include "base/error.h"
#include "pipeline/cohort/stored_cohort.h"
#include "pipeline/run/job_key.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/slide_entry.h"

typedef struct {
    const Run *run;
    GArray *jobs;      /* PlanJob */
    GArray *needs;     /* PlanNeed */
    GPtrArray *texts;  /* owned texts of the jobs */
    GHashTable *index; /* "stage/unit" -> job + 1 */
} Plan;

static const char *keep(Plan *plan, char *text)
{
    g_ptr_array_add(plan->texts, text);
    return text;
}

static void add_need(Plan *plan, int job, const char *stage, const char *unit, NeedKind kind)
{
    g_autofree char *name = g_strdup_printf("%s/%s", stage, unit);
    int found = GPOINTER_TO_INT(g_hash_table_lookup(plan->index, name));
    if (found) { /* a stage that is not wanted is not needed either */
        PlanNeed need = {job, found - 1, kind};
        g_array_append_val(plan->needs, need);
    }
}

static void add_needs(Plan *plan, const Stage *stage, const SlideEntry *slide, int job)
{
    g_auto(GStrv) names = g_strsplit(stage->needs, " ", -1);
    for (char **name = names; *name; name++) {
        NeedKind kind = (*name)[0] == '?' ? NEED_SOFT : (*name)[0] == '!' ? NEED_TOLD : NEED_HARD;
        const Stage *other = **name ? stage_find(*name + (kind != NEED_HARD)) : NULL;
        if (!other) {
            continue;
        }
        if (other->scope == SCOPE_COHORT) {
            add_need(plan, job, other->name, COHORT, kind);
        } else if (slide) {
            add_need(plan, job, other->name, slide->id, kind);
        } else {
            for (guint i = 0; i < plan->run->slides->len; i++) {
                add_need(plan, job, other->name, ((SlideEntry *)plan->run->slides->pdata[i])->id, kind);
            }
        }
    }
}

static gboolean add_job(Plan *plan, const Stage *stage, const SlideEntry *slide, int priority, GError **error)
{
    if (!stage->wanted(plan->run, slide)) {
        return TRUE;
    }
    JobKey key;
    if (!job_key_make(plan->run, stage, slide, &key, error)) {
        return FALSE;
    }
    PlanJob job = {.stage = stage->name,
                   .unit = slide ? slide->id : COHORT,
                   .config_hash = keep(plan, g_strdup(key.config_sha256)),
                   .input_hash = keep(plan, g_strdup(key.input_sha256)),
                   .priority = priority};
    int number = (int)plan->jobs->len;
    g_array_append_val(plan->jobs, job);
    g_hash_table_insert(plan->index, g_strdup_printf("%s/%s", job.stage, job.unit),
                        GINT_TO_POINTER(number + 1));
    add_needs(plan, stage, slide, number);
    return TRUE;
}

static gboolean add_jobs(Plan *plan, const char *last, GError **error)
{
    const Run *run = plan->run;
    gboolean ok = TRUE;
    int priority = 0;
    for (const Stage *stage = stages; stage->name && ok; stage++, priority++) {
        ok = stage->scope != SCOPE_COHORT || add_job(plan, stage, NULL, priority, error);
        for (guint i = 0; stage->scope == SCOPE_SLIDE && ok && i < run->slides->len; i++) {
            ok = add_job(plan, stage, run->slides->pdata[i], priority, error);
        }
        if (last && g_str_equal(stage->name, last)) {
            break;
        }
    }
    return ok;
}

gboolean plan_make(const Run *run, Store *store, const char *last, GError **error)
{
    Plan plan = {run, g_array_new(FALSE, FALSE, sizeof(PlanJob)), g_array_new(FALSE, FALSE, sizeof(PlanNeed)),
                 g_ptr_array_new_with_free_func(g_free),
                 g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    for (guint i = 0; i < run->slides->len;
         i++) { /* before they are hashed, so that a change in between is seen */
        slide_entry_record_file(run->slides->pdata[i]);
    }
    gboolean ok = add_jobs(&plan, last, error);
    if (ok && plan.jobs->len == 0) {
        ok = FALSE;
        g_set_error(
            error, WSI_ERROR, WSI_ERROR_INPUT,
            "the configuration asks for nothing: set slides.folder, slides.manifest or patches.folder");
    }
    ok = ok && stored_cohort_write(store, run->cohort, error) &&
         store_plan(store, (const PlanJob *)(void *)plan.jobs->data, (int)plan.jobs->len,
                    (const PlanNeed *)(void *)plan.needs->data, (int)plan.needs->len, error);
    g_array_unref(plan.jobs);
    g_array_unref(plan.needs);
    g_ptr_array_unref(plan.texts);
    g_hash_table_unref(plan.index);
    return ok;
}
