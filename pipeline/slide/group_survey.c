/* Counts of groups. */
#include "pipeline/slide/group_survey.h"
#include "annotations/read/annotation_read.h"
#include "pipeline/slide/annotation_rules.h"
#include "tiler/label_mask/label_mask.h"
#include <glib/gstdio.h>
#include <string.h>

enum { SURVEY_BYTES = 32 << 20, SURVEY_NAMES = 30 };

typedef struct {
    char *name;
    int count;
} UnknownCount;

typedef struct {
    GArray *counts;   /* UnknownCount */
    GHashTable *used; /* the rules that applied to an outline */
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

/* Names in slides.groups that no outline has; "*" is not a name. */
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

/* The same for a label mask, whose groups are its labels. */
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

char *group_survey_idle(const char *path, const GPtrArray *groups, const char *field,
                        const Annotation *annotation)
{
    gboolean is_mask = FALSE;
    if (!groups || groups->len == 0 || !label_mask_detect(path, &is_mask, NULL)) {
        return NULL;
    }
    g_autoptr(GArray) rules = annotation_rules_new(groups, is_mask, PART_LESIONS);
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

void group_survey_read(const Config *config, const GPtrArray *slides, GroupSurvey *result)
{
    g_autoptr(GArray) rules = annotation_rules_new(config->slides_groups, FALSE, PART_LESIONS);
    g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(UnknownCount));
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);
    GroupSpec spec = {(const GroupRule *)(void *)rules->data, config->slides_group_field};
    Survey survey = {counts, used, 0};
    goffset bytes = 0;
    gboolean all = TRUE; /* a name may occur in a file that was not read */
    *result = (GroupSurvey){0};
    for (guint i = 0; i < slides->len; i++) {
        const char *path = ((const SlideEntry *)slides->pdata[i])->annotation;
        GStatBuf info;
        gboolean is_mask;
        if (!path) {
            continue;
        }
        if (bytes > SURVEY_BYTES || g_stat(path, &info) != 0 || !label_mask_detect(path, &is_mask, NULL) ||
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

void group_survey_clear(GroupSurvey *survey)
{
    g_free(survey->unknown);
    g_free(survey->idle);
}
