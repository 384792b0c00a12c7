/* Rules for groups. */
#include "pipeline/slide/annotation_rules.h"
#include "annotations/read/annotation_read.h"

/* The labels of masks that need no rule: 1 of 0 and 1, and white (255) of black and white. */
static const GroupRule mask_rules[] = {{"1", LABEL_LESION, NULL}, {"255", LABEL_LESION, NULL}};

/* For regions of interest, only their outlines count, and they get the label of lesions. */
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

GArray *annotation_rules_new(const GPtrArray *groups, gboolean is_mask, gboolean region)
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
