/* The keys that a stage reads are the keys in its line of the table: a key that is missing there would change results without
 * re-running the stage.
 *
 * Every access is watched.  The configuration is on a protected page of its own; every access traps, is recorded for the stage
 * that runs, and is let through for one instruction (the trap flag of x86).  Runs of several kinds go through all stages. */
#include "base/error.h"
#include "pipeline/config/config_keys.h"
#include "pipeline/run/plan.h"
#include "pipeline/job/work.h"
#include "pipeline/cohort/synth_cohort.h"
#include "pipeline/run/stage_table.h"
#include "pipeline/cohort/cohort_read.h"
#include "pipeline/cohort/slide_entry.h"
#include <glib/gstdio.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { TRAP_FLAG = 0x100 };

static char *root;           /* folder of the test */
static Config *watched;      /* at the start of the page */
static size_t page;          /* bytes */
static uint8_t *touched;     /* one a byte of the page: while the stage ran */
static GHashTable *excesses; /* "stage: section.key" */
static GHashTable *seen;     /* stages that ran */

/* ---- watching ---- */

static void on_access(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    char *address = info->si_addr, *start = (char *)watched;
    if (address < start || address >= start + page) {
        signal(SIGSEGV, SIG_DFL); /* a crash of the program: let it happen */
        return;
    }
    touched[address - start] = 1;
    mprotect(start, page, PROT_READ | PROT_WRITE);
    at->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    at->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    mprotect(watched, page, PROT_NONE);
}

static void watch(void)
{
    struct sigaction access = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO};
    struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    size_t unit = (size_t)sysconf(_SC_PAGESIZE);
    page = (sizeof(Config) + unit - 1) / unit * unit;
    watched = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(watched != MAP_FAILED);
    touched = g_malloc0(page);
    sigaction(SIGSEGV, &access, NULL);
    sigaction(SIGTRAP, &step, NULL);
}

/* ---- the table ---- */

static gboolean is_in_line(const Stage *stage, const ConfigKey *key)
{
    g_auto(GStrv) words = g_strsplit(stage->sections, " ", -1);
    g_autofree char *full = g_strdup_printf("%s.%s", key->section, key->key);
    return g_strv_contains((const char *const *)words, key->section) ||
           g_strv_contains((const char *const *)words, full);
}

/* The key whose value begins last at or before the byte. */
static const ConfigKey *key_at(size_t offset)
{
    const ConfigKey *found = NULL;
    for (const ConfigKey *key = config_keys; key->section; key++) {
        if (key->offset <= offset && (!found || key->offset > found->offset)) {
            found = key;
        }
    }
    return offset < offsetof(Config, path) ? found : NULL;
}

static void check_stage(const Stage *stage)
{
    g_hash_table_add(seen, (gpointer)stage->name);
    for (size_t i = 0; i < sizeof(Config); i++) {
        const ConfigKey *key = touched[i] ? key_at(i) : NULL;
        if (key && !is_in_line(stage, key)) {
            g_hash_table_add(excesses, g_strdup_printf("%s: %s.%s", stage->name, key->section, key->key));
        }
    }
    memset(touched, 0, page);
}

/* ---- running ---- */

static const SlideEntry *entry_of(const Run *run, const char *unit)
{
    for (guint i = 0; i < run->slides->len; i++) {
        if (g_str_equal(((const SlideEntry *)run->slides->pdata[i])->id, unit)) {
            return run->slides->pdata[i];
        }
    }
    return NULL;
}

static void do_job(const Run *run, Store *store, const Job *job)
{
    g_autoptr(GError) error = NULL;
    const Stage *stage = stage_find(job->stage);
    g_autoptr(GPtrArray) inputs = store_inputs(store, job, &error);
    g_autoptr(GPtrArray) outputs = g_ptr_array_new_with_free_func((GDestroyNotify)artefact_free);
    g_autoptr(Records) records = records_read(run->folder, inputs, &error);
    g_assert_no_error(error);
    Work work = {.run = run,
                 .records = records,
                 .slide = stage->scope == SCOPE_SLIDE ? entry_of(run, job->unit) : NULL,
                 .store = store,
                 .job = job,
                 .inputs = inputs,
                 .outputs = outputs,
                 .threads = 1}; /* other threads would read while a step of this one is let through */
    mprotect(watched, page, PROT_NONE);
    gboolean ok = stage->run(&work, &error);
    mprotect(watched, page, PROT_READ | PROT_WRITE);
    if (!ok) {
        g_printerr("%s %s: %s\n", job->stage, job->unit, error->message);
        abort(); /* not g_error, which traps */
    }
    check_stage(stage);
    g_assert_true(store_finish(store, job, outputs, &error));
}

static void run(const char *name, const char *last, const char *keys)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(root, "run.yaml", NULL),
                    *folder = g_build_filename(root, name, NULL);
    Config *config = config_parse(keys, path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_mkdir(folder, 0777), ==, 0);
    memcpy(watched, config, sizeof *config);
    g_autoptr(Cohort) cohort = cohort_read(watched, &error);
    g_assert_no_error(error);
    g_autoptr(Store) store = store_open(folder, &error);
    g_assert_no_error(error);
    Run self = {watched, cohort->slides, folder, cohort};
    plan_make(&self, store, last, &error);
    g_assert_no_error(error);
    for (;;) {
        g_autoptr(Job) job = store_claim(store, "test", 600, &error);
        g_assert_no_error(error);
        if (!job) {
            break;
        }
        do_job(&self, store, job);
    }
    config_free(config);
}

static void test_keys_are_complete(void)
{
    const SynthCohort cohort = {.slides = 4, .with_lesions = 2, .width = 2048, .height = 2048, .seed = 3};
    g_autoptr(GError) error = NULL;
    synth_cohort_write(root, &cohort, 1, &error);
    g_assert_no_error(error);
    g_autofree char *manifest = g_build_filename(root, "m.csv", NULL);
    g_assert_true(g_file_set_contents(manifest,
                                      "slide,split\nslides/synth_00.tif,train\nslides/synth_01.tif,train\n"
                                      "slides/synth_02.tif,train\nslides/synth_03.tif,test\n",
                                      -1, NULL));
#define SLIDES "slides: {manifest: m.csv, annotations: annotations"
#define MODEL "model: {blocks: [1, 1, 1], condition: 8, fpn_width: 8}\n"
    run("patches", NULL,
        SLIDES ", unannotated: normal}\n" MODEL
               "tiles: {size: 64, mpp: 2, overlap: 16, icc: true, stain: macenko, edge: shift}\n"
               "dataset: {drop_flags: pen, balance: true, max_per_class: 40, train_anomalies: true}\n"
               "train: {epochs: 1, batch: 4}\nloss: {labels: true}\naugment: {enabled: true}\nthreshold: "
               "{draws: 8}\n"
               "score: {slides: all, overlap: 0}\n");
    run("straight", NULL,
        SLIDES ", groups: {Region: roi}, unannotated: normal}\n" MODEL
               "tiles: {size: 64, mpp: 2, filter: area}\n"
               "dataset: {format: shards, image: jpeg, clam: true, drop_flags: blur, rule: centre}\n"
               "train: {source: slides, epochs: 1, batch: 4, feature_cache: fp32}\n"
               "score: {overlap: 0}\nheatmap: {cell_um: 64, colours: viridis}\n");
    run("images", NULL,
        "patches: {folder: patches/dataset}\ntiles: {size: 64}\n" MODEL
        "train: {epochs: 1, batch: 4, feature_cache: none}\n");
    run("given", NULL,
        SLIDES ", unannotated: normal}\ndataset: {write: false}\n"
               "score: {model: straight/model/model.safetensors, slides: all, overlap: 0}\n");
    run("shards", "train",
        "patches: {folder: straight/dataset}\ntiles: {size: 64}\n" MODEL
        "train: {source: shards, epochs: 1, batch: 4}\n");
    GHashTableIter at;
    gpointer text;
    g_hash_table_iter_init(&at, excesses);
    while (g_hash_table_iter_next(&at, &text, NULL)) {
        g_test_message("read, but not in its line of the table: %s", (char *)text);
    }
    g_assert_cmpuint(g_hash_table_size(excesses), ==, 0);
    for (const Stage *stage = stages; stage->name; stage++) {
        g_test_message("%s", stage->name);
        g_assert_true(g_hash_table_contains(seen, stage->name));
    }
}

/* The watch itself: what is read is written down, and nothing else. */
static void test_watch(void)
{
    memset(touched, 0, page);
    watched->tiles_size = 7;
    mprotect(watched, page, PROT_NONE);
    int size = *(volatile int *)&watched->tiles_size;
    mprotect(watched, page, PROT_READ | PROT_WRITE);
    g_assert_cmpint(size, ==, 7);
    for (size_t i = 0; i < sizeof(Config); i++) {
        g_assert_cmpint(touched[i], ==, i == offsetof(Config, tiles_size));
    }
    g_assert_cmpstr(key_at(offsetof(Config, tiles_size))->key, ==, "size");
    memset(touched, 0, page);
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_file_test(file, G_FILE_TEST_IS_DIR) ? remove_tree(file) : (void)g_unlink(file);
    }
    g_rmdir(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *made = g_dir_make_tmp("wsiflow-keys-XXXXXX", NULL);
    root = realpath(made, NULL);
    excesses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    seen = g_hash_table_new(g_str_hash, g_str_equal);
    watch();
    g_test_add_func("/stage-keys/watch", test_watch);
    g_test_add_func("/stage-keys/complete", test_keys_are_complete);
    int status = g_test_run();
    remove_tree(root);
    g_hash_table_unref(excesses);
    g_hash_table_unref(seen);
    g_free(touched);
    munmap(watched, page);
    free(root);
    return status;
}

#else

static void test_skipped(void)
{
    g_test_skip("watching accesses needs the trap flag of x86 and Linux");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stage-keys/complete", test_skipped);
    return g_test_run();
}

#endif
