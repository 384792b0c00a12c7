/* Splits.
 *
 * A unit is assigned as a whole: all slides of a patient, or of a centre; no unit is ever in two splits.  Units with and without lesions
 * are assigned separately, in an order given by the seed and the unit's name, so that an additional slide moves few others.  Official
 * splits come from the names of the slides; their training part is divided into train and valid as usual. */
#include "pipeline/cohort/splits.h"
#include "base/error.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

typedef struct {
    const char *name;
    gboolean lesions, fixed; /* fixed: the split is given */
    uint64_t draw;
    const char *split;
    int fold;
} Unit;

static gint by_draw(gconstpointer a, gconstpointer b)
{
    const Unit *p = a, *q = b;
    return p->draw != q->draw ? (p->draw < q->draw ? -1 : 1) : strcmp(p->name, q->name);
}

static const char *unit_name(const Config *config, const SlideEntry *entry)
{
    return g_str_equal(config->dataset_by, "centre") ? entry->centre : entry->patient;
}

static Unit *unit_of(GArray *units, const char *name)
{
    for (guint i = 0; i < units->len; i++) {
        Unit *unit = &g_array_index(units, Unit, i);
        if (g_str_equal(unit->name, name)) {
            return unit;
        }
    }
    return NULL;
}

static GArray *gather_units(const Config *config, const GPtrArray *slides)
{
    GArray *units = g_array_new(FALSE, TRUE, sizeof(Unit));
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        const char *name = unit_name(config, entry);
        Unit *unit = unit_of(units, name);
        if (entry->label == SLIDE_UNKNOWN) {
            continue; /* in no split */
        }
        if (!unit) {
            Rng rng = rng_at((uint64_t)config->run_seed, rng_name(name), 0);
            Unit fresh = {.name = name, .draw = ((uint64_t)rng_u32(&rng) << 32) | rng_u32(&rng)};
            g_array_append_val(units, fresh);
            unit = &g_array_index(units, Unit, units->len - 1);
        }
        unit->lesions |= entry->label == SLIDE_ANNOTATED;
    }
    g_array_sort(units, by_draw);
    return units;
}

/* ---- assigning ---- */

/* Assigns the units with (or without) lesions that have no split: test first, then valid, then train. */
static void deal(const Config *config, GArray *units, gboolean lesions, double test_fraction)
{
    int total = 0, done = 0;
    for (guint i = 0; i < units->len; i++) {
        const Unit *unit = &g_array_index(units, Unit, i);
        total += unit->lesions == lesions && !unit->fixed;
    }
    int test = (int)lround(total * test_fraction),
        valid = (int)lround(total * config->dataset_valid_fraction);
    for (guint i = 0; i < units->len; i++) {
        Unit *unit = &g_array_index(units, Unit, i);
        if (unit->lesions == lesions && !unit->fixed) {
            unit->split = done < test ? "test" : done < test + valid ? "valid" : "train";
            done++;
        }
    }
}

/* Assigns folds 1 .. dataset.folds in turn, to units without lesions first; the test fold gets its split here. */
static void deal_folds(const Config *config, GArray *units)
{
    int next = 0;
    for (int lesions = 0; lesions < 2; lesions++) {
        for (guint i = 0; i < units->len; i++) {
            Unit *unit = &g_array_index(units, Unit, i);
            if (unit->lesions == lesions) {
                unit->fold = 1 + next++ % config->dataset_folds;
                unit->fixed = unit->fold == config->dataset_fold;
                unit->split = unit->fixed ? "test" : unit->split;
            }
        }
    }
}

/* ---- what is given ---- */

static void set_text(char **out, char *text)
{
    g_free(*out);
    *out = text;
}

/* Sets the split by the slide's name in an official set, and the patient and centre when the name contains them. */
static gboolean read_official(const Config *config, SlideEntry *entry, GError **error)
{
    gboolean test = FALSE, sixteen = g_str_equal(config->dataset_split, "camelyon16");
    int patient = 0, centre = -1;
    if (sixteen ? !camelyon16_is_test(entry->id, &test)
                : !camelyon17_is_test(entry->id, &test, &patient, &centre)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "dataset.split is %s, but the name of slide %s is not one of that data set (%s)",
                    config->dataset_split, entry->id,
                    sixteen ? "normal_NNN, tumor_NNN, test_NNN" : "patient_NNN_node_N");
        return FALSE;
    }
    if (!sixteen && g_str_equal(entry->patient, entry->id)) {
        set_text(&entry->patient, g_strdup_printf("patient_%03d", patient));
    }
    if (centre >= 0 && !*entry->centre) {
        set_text(&entry->centre, g_strdup_printf("%d", centre));
    }
    entry->use = sixteen ? camelyon16_use(entry->id) : SLIDE_WHOLE;
    set_text(&entry->split, g_strdup(test ? "test" : ""));
    return TRUE;
}

/* Sets entry->split to what the manifest or the name gives, "" where it is to be assigned. */
static gboolean read_given(const Config *config, Cohort *cohort, GError **error)
{
    GPtrArray *slides = cohort->slides;
    const char *how = config->dataset_split;
    for (guint i = slides->len; i-- > 0;) {
        SlideEntry *entry = slides->pdata[i];
        gboolean known = entry->label != SLIDE_UNKNOWN;
        if (g_str_equal(how, "random")) {
            set_text(&entry->split, g_strdup(""));
        } else if (g_str_has_prefix(how, "camelyon") && !read_official(config, entry, error)) {
            return FALSE;
        } else if (g_str_equal(how, "manifest") && known && !*entry->split) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "dataset.split is manifest, but slides.manifest gives no split for slide %s",
                        entry->id);
            return FALSE;
        }
        if (config->dataset_folds > 0 && known && *entry->split) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "dataset.folds assigns all slides, but slide %s has a split: set dataset.split: "
                        "random or dataset.folds: 0",
                        entry->id);
            return FALSE;
        }
        if (g_str_equal(config->dataset_by, "centre") && known && !*entry->centre) {
            g_set_error(
                error, WSI_ERROR, WSI_ERROR_INPUT,
                "dataset.by is centre, but slide %s has no centre: slides.manifest needs the column centre",
                entry->id);
            return FALSE;
        }
        if (entry->use == SLIDE_LEFT_OUT) {
            unused_add(cohort->unused, entry->path, g_strdup("withdrawn from the data set"));
            g_ptr_array_remove_index(slides, i);
        }
    }
    return TRUE;
}

static gboolean check_folds(const Config *config, const GArray *units, GError **error)
{
    int folds = config->dataset_folds;
    if (folds == 0) {
        return TRUE;
    }
    if (folds < 2 || config->dataset_fold > folds || (guint)folds > units->len) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "dataset.folds is %d and dataset.fold is %d: the number of folds must be from 2 to one "
                    "per %s (%u), and the fold from 1 to that number",
                    folds, config->dataset_fold, config->dataset_by, units->len);
        return FALSE;
    }
    return TRUE;
}

/* A split that is given for one slide holds for its whole unit. */
static gboolean spread_given(const Config *config, const GPtrArray *slides, GArray *units, GError **error)
{
    for (guint i = 0; i < slides->len; i++) {
        const SlideEntry *entry = slides->pdata[i];
        Unit *unit = unit_of(units, unit_name(config, entry));
        if (!*entry->split || entry->label == SLIDE_UNKNOWN) {
            continue;
        }
        if (unit->fixed && !g_str_equal(unit->split, entry->split)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                        "%s %s has slides in %s and in %s: all slides of a %s must be in one split",
                        config->dataset_by, unit->name, entry->split, unit->split, config->dataset_by);
            return FALSE;
        }
        unit->split = entry->split;
        unit->fixed = TRUE;
    }
    return TRUE;
}

gboolean splits_assign(const Config *config, Cohort *cohort, GError **error)
{
    const GPtrArray *slides = cohort->slides;
    if (!read_given(config, cohort, error)) {
        return FALSE;
    }
    g_autoptr(GArray) units = gather_units(config, slides);
    if (!check_folds(config, units, error) || !spread_given(config, slides, units, error)) {
        return FALSE;
    }
    gboolean official = g_str_has_prefix(config->dataset_split, "camelyon");
    if (config->dataset_folds > 0) {
        deal_folds(config, units);
    }
    double test_fraction = official || config->dataset_folds > 0 ? 0 : config->dataset_test_fraction;
    deal(config, units, FALSE, test_fraction);
    deal(config, units, TRUE, test_fraction);
    for (guint i = 0; i < slides->len; i++) {
        SlideEntry *entry = slides->pdata[i];
        if (entry->label == SLIDE_UNKNOWN) {
            set_text(&entry->split, g_strdup("none"));
            continue;
        }
        const Unit *unit = unit_of(units, unit_name(config, entry));
        entry->fold = unit->fold;
        if (!*entry->split) {
            set_text(&entry->split, g_strdup(unit->split));
        }
    }
    return TRUE;
}
