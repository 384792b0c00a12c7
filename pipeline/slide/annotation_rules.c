/* Rules for groups. */
#include "pipeline/slide/annotation_rules.h"
#include "annotations/read/annotation_read.h"
#include "pipeline/slide/review_groups.h"

/* A rule by the kinds of slides.groups. */
typedef struct {
    const char *group, *kind;
} KindRule;

/* The labels of masks that need no rule: 1 of 0 and 1, and white (255) of black and white. */
static const KindRule mask_rules[] = {{"1", "lesion"}, {"255", "lesion"}};

/* The groups of a review. */
static const KindRule review_rules[] = {
    {REVIEW_CONFIRMED, "lesion"},
    {REVIEW_DRAWN_LESION, "lesion"},
    {REVIEW_DRAWN_NORMAL, "hard"},
    {REVIEW_NORMAL, "not"},
    {REVIEW_UNKNOWN, "unknown"},
    {REVIEW_REJECTED ", pen", "hard"},
    {REVIEW_REJECTED ", fold", "hard"},
    {REVIEW_REJECTED ", blood", "hard"},
    {REVIEW_REJECTED ", out of focus", "hard"},
    {REVIEW_REJECTED ", normal structure", "hard"},
    {REVIEW_REJECTED ", other", "hard"},
};

gboolean annotation_rules_is_review(const char *group)
{
    for (guint i = 0; i < G_N_ELEMENTS(review_rules); i++) {
        if (g_ascii_strcasecmp(review_rules[i].group, group) == 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* The label that each kind has when a part is wanted. */
static const struct {
    const char *kind;
    OutlineLabel label[4]; /* by AnnotationPart */
} kinds[] = {
    {"lesion", {LABEL_LESION, LABEL_NONE, LABEL_NONE, LABEL_NONE}},
    {"not", {LABEL_NOT_LESION, LABEL_NONE, LABEL_NONE, LABEL_NONE}},
    {"hard", {LABEL_NOT_LESION, LABEL_NONE, LABEL_LESION, LABEL_NONE}},
    {"unknown", {LABEL_NOT_LESION, LABEL_NONE, LABEL_NONE, LABEL_LESION}},
    {"roi", {LABEL_NONE, LABEL_LESION, LABEL_NONE, LABEL_NONE}},
};

static OutlineLabel label_of(const char *kind, AnnotationPart part)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(kinds[i].kind, kind)) {
            return kinds[i].label[part];
        }
    }
    return LABEL_NONE; /* ignore */
}

static void add_rules(GArray *rules, const KindRule *known, guint count, AnnotationPart part)
{
    for (guint i = 0; i < count; i++) {
        const GroupRule rule = {known[i].group, label_of(known[i].kind, part), NULL};
        g_array_append_val(rules, rule);
    }
}

static void add_camelyon(GArray *rules, AnnotationPart part)
{
    for (const GroupRule *known = camelyon_rules; known->group; known++) {
        GroupRule rule = *known;
        rule.label = part == PART_LESIONS ? known->label : LABEL_NONE;
        g_array_append_val(rules, rule);
    }
}

GArray *annotation_rules_new(const GPtrArray *groups, gboolean is_mask, AnnotationPart part)
{
    GArray *rules = g_array_new(TRUE, TRUE, sizeof(GroupRule));
    for (int others = 0; others < 2; others++) {
        for (guint i = 0; groups && i < groups->len; i++) {
            const GroupName *group = groups->pdata[i];
            if (g_str_equal(group->name, OTHER_GROUPS) == others) {
                add_rules(rules, &(KindRule){group->name, group->kind}, 1, part);
            }
        }
        if (!others && is_mask) {
            add_rules(rules, mask_rules, G_N_ELEMENTS(mask_rules), part);
        } else if (!others) {
            add_camelyon(rules, part);
            add_rules(rules, review_rules, G_N_ELEMENTS(review_rules), part);
        }
    }
    return rules;
}
