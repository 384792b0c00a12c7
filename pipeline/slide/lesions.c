/* Annotations: group rules from the configuration, fractions of tiles. */
#include "pipeline/slide/lesions.h"
#include "base/error.h"
#include "pipeline/slide/masks.h"
#include "tiler/labels/labels.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

/* The labels of masks that mean something without being told: 0 and 1, and black and white. */
static const GroupRule mask_rules[] = {{"1", LABEL_LESION, NULL}, {"255", LABEL_LESION, NULL}};

/* When regions are asked for, their outlines take the place of lesions and nothing else counts. */
static void add_rule(GArray *rules, const GroupRule *known, gboolean is_region, gboolean region)
{
    GroupRule rule = *known;
    rule.label = !region ? known->label : is_region ? LABEL_LESION : LABEL_NONE;
    g_array_append_val(rules, rule);
}

static OutlineLabel label_of(const char *kind)
{
    return g_str_equal(kind, "lesion") ? LABEL_LESION
           : g_str_equal(kind, "not")  ? LABEL_NOT_LESION
                                       : LABEL_NONE;
}

/* The rules: what is said of names, then what is known, and last what is said of all others ("*").  They borrow the names. */
static GArray *group_rules(const GPtrArray *groups, gboolean is_mask, gboolean region)
{
    GArray *rules = g_array_new(TRUE, TRUE, sizeof(GroupRule));
    for (int others = 0; others < 2; others++) {
        for (guint i = 0; groups && i < groups->len; i++) {
            const GroupName *group = groups->pdata[i];
            if (g_str_equal(group->name, OTHER_GROUPS) == others) {
                GroupRule rule = {group->name, label_of(group->kind), NULL};
                add_rule(rules, &rule, g_str_equal(group->kind, "roi"), region);
            }
        }
        for (guint i = 0; !others && is_mask && i < G_N_ELEMENTS(mask_rules); i++) {
            add_rule(rules, &mask_rules[i], FALSE, region);
        }
        for (const GroupRule *rule = camelyon_rules; !others && rule->group && !is_mask; rule++) {
            add_rule(rules, rule, FALSE, region);
        }
    }
    return rules;
}

SlideFrame lesions_frame(const Slide *slide)
{
    const SlideInfo *info = slide_info(slide);
    return (SlideFrame){.width = (double)info->levels[0].width,
                        .height = (double)info->levels[0].height,
                        .mpp_x = info->mpp_x,
                        .mpp_y = info->mpp_y,
                        .offset_x_nm = info->offset_x_nm,
                        .offset_y_nm = info->offset_y_nm,
                        .bounds_x = info->bounds.x,
                        .bounds_y = info->bounds.y};
}

static Annotation *load(const char *path, const GPtrArray *groups, const char *field, gboolean region,
                        const SlideFrame *frame, GError **error)
{
    gboolean is_mask;
    if (!labels_detect(path, &is_mask, error)) {
        return NULL;
    }
    g_autoptr(GArray) rules = group_rules(groups, is_mask, region);
    const GroupRule *first = (const GroupRule *)(void *)rules->data;
    GroupSpec spec = {first, field};
    if (is_mask && !g_str_equal(field, "auto") && !g_str_equal(field, "class")) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "%s is a label mask, whose groups are its labels: it has no field \"%s\"", path, field);
        return NULL;
    }
    return is_mask ? masks_outlines(path, &spec, frame, error)
                   : annotation_read_on(path, &spec, frame, error);
}

Annotation *lesions_load(const char *path, const GPtrArray *groups, const char *field,
                         const SlideFrame *frame, GError **error)
{
    return load(path, groups, field, FALSE, frame, error);
}

/* ---- groups without a label ---- */

enum { SURVEY_BYTES = 32 << 20, SURVEY_NAMES = 30 };

typedef struct {
    char *name;
    int count;
} UnknownCount;

typedef struct {
    GArray *counts;   /* UnknownCount */
    GHashTable *used; /* the rules that gave a label */
    int outlines;
} Survey;

static void count_group(void *data, const char *group, int count, const GroupRule *rule)
{
    Survey *survey = data;
    if (rule) {
        g_hash_table_add(survey->used, (gpointer)rule);
        return;
    }
    survey->outlines += count;
    for (guint i = 0; i < survey->counts->len; i++) {
        UnknownCount *one = &g_array_index(survey->counts, UnknownCount, i);
        if (g_str_equal(one->name, group)) {
            one->count += count;
            return;
        }
    }
    UnknownCount fresh = {g_strdup(group), count};
    g_array_append_val(survey->counts, fresh);
}

static gint by_count(gconstpointer a, gconstpointer b)
{
    const UnknownCount *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

static char *list_unknown(GArray *counts)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_array_sort(counts, by_count);
    for (guint i = 0; i < counts->len; i++) {
        UnknownCount *one = &g_array_index(counts, UnknownCount, i);
        if (i < SURVEY_NAMES) {
            g_string_append_printf(text, "%s\"%s\" (%d)", i ? ", " : "", one->name, one->count);
        }
        g_free(one->name);
    }
    if (counts->len > SURVEY_NAMES) {
        g_string_append_printf(text, " and %u more", counts->len - SURVEY_NAMES);
    }
    return counts->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* Names of slides.groups that no outline has, "*" apart, which means what is there. */
static char *list_idle(const GPtrArray *groups, const GArray *rules, GHashTable *used)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint r = 0; r < rules->len; r++) {
        const GroupRule *rule = &g_array_index(rules, GroupRule, r);
        gboolean own = FALSE;
        for (guint i = 0; groups && i < groups->len; i++) {
            own = own || ((const GroupName *)groups->pdata[i])->name == rule->group;
        }
        if (own && !g_str_equal(rule->group, OTHER_GROUPS) && !g_hash_table_contains(used, rule)) {
            g_string_append_printf(text, "%s\"%s\"", text->len ? ", " : "", rule->group);
        }
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* Of a label mask, whose groups are its labels. */
static void use_labels(const Annotation *annotation, const GArray *rules, GHashTable *used)
{
    for (guint r = 0; r < rules->len; r++) {
        const GroupRule *rule = &g_array_index(rules, GroupRule, r);
        for (guint i = 0; rule->group && i < annotation->outlines->len; i++) {
            const Outline *outline = annotation->outlines->pdata[i];
            if (g_ascii_strcasecmp(outline->group, rule->group) == 0) {
                g_hash_table_add(used, (gpointer)rule);
            }
        }
    }
}

char *lesions_idle_groups(const char *path, const GPtrArray *groups, const char *field,
                          const Annotation *annotation)
{
    gboolean is_mask = FALSE;
    if (!groups || groups->len == 0 || !labels_detect(path, &is_mask, NULL)) {
        return NULL;
    }
    g_autoptr(GArray) rules = group_rules(groups, is_mask, FALSE);
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(UnknownCount));
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    GroupSpec spec = {(const GroupRule *)(void *)rules->data, field};
    Survey survey = {counts, used, 0};
    if (is_mask) {
        use_labels(annotation, rules, used);
    } else if (!annotation_groups(path, &spec, count_group, &survey, NULL)) {
        return NULL;
    }
    return list_idle(groups, rules, used);
}

void lesions_survey(const Config *config, const GPtrArray *slides, GroupSurvey *result)
{
    g_autoptr(GArray) rules = group_rules(config->slides_groups, FALSE, FALSE);
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(UnknownCount));
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    GroupSpec spec = {(const GroupRule *)(void *)rules->data, config->slides_group_field};
    Survey survey = {counts, used, 0};
    goffset bytes = 0;
    gboolean all = TRUE; /* else nobody knows what is in the others */
    *result = (GroupSurvey){0};
    for (guint i = 0; i < slides->len; i++) {
        const char *path = ((const SlideEntry *)slides->pdata[i])->annotation;
        GStatBuf info;
        gboolean is_mask;
        if (!path) {
            continue;
        }
        if (bytes > SURVEY_BYTES || g_stat(path, &info) != 0 || !labels_detect(path, &is_mask, NULL) ||
            is_mask) {
            all = FALSE;
            continue;
        }
        bytes += info.st_size;
        int before = survey.outlines;
        all = annotation_groups(path, &spec, count_group, &survey, NULL) && all;
        result->files += survey.outlines > before;
        result->read++;
    }
    result->unknown = list_unknown(counts);
    result->idle = all && result->read ? list_idle(config->slides_groups, rules, used) : NULL;
}

void lesions_survey_clear(GroupSurvey *survey)
{
    g_free(survey->unknown);
    g_free(survey->idle);
}

gboolean lesions_have_regions(const Config *config)
{
    return groups_have_regions(config->slides_groups);
}

gboolean lesions_region(const Config *config, const SlideEntry *entry, const Slide *slide, Raster **region,
                        GError **error)
{
    SlideFrame frame = lesions_frame(slide);
    *region = NULL;
    if (!entry->annotation || !lesions_have_regions(config)) {
        return TRUE;
    }
    g_autoptr(Annotation) annotation =
        load(entry->annotation, config->slides_groups, config->slides_group_field, TRUE, &frame, error);
    gboolean found = FALSE;
    for (guint i = 0; annotation && i < annotation->outlines->len; i++) {
        const Outline *outline = annotation->outlines->pdata[i];
        found = found || (outline->closed && outline->label == LABEL_LESION);
    }
    *region = found ? raster_build(annotation, error) : NULL;
    return annotation && (!found || *region);
}

Annotation *lesions_read(const Config *config, const SlideEntry *entry, const Slide *slide, GError **error)
{
    SlideFrame frame = lesions_frame(slide);
    return lesions_load(entry->annotation, config->slides_groups, config->slides_group_field, &frame, error);
}

double lesions_area(const Raster *raster, const SlideFrame *frame)
{
    Rect whole = {0, 0, frame->width, frame->height};
    gboolean known = frame->width > 0 && frame->height > 0;
    return known ? raster_fraction(raster, &whole) * frame->width * frame->height : raster_area(raster);
}

double lesions_fraction(const Raster *raster, const Rect *area)
{
    return raster ? raster_fraction(raster, area) : 0;
}
