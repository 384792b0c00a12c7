/* From groups to labels.
 *
 * There is no default.  A group that no rule names is an error, since "not lesion" would put lesions among the normal tissue.  All such
 * groups are reported at once, with their counts.
 *
 * ASAP's outlines in no group have the group "None".  In Camelyon16 they are not lesion; that rule applies only in a file that uses a group
 * of Camelyon16 (GroupRule.needs).  A warning counts the outlines to which it was applied. */
#include "annotations/read/annotation_read.h"
#include "annotations/read/outline_check.h"
#include "base/error.h"
#include "base/name_fold.h"
#include "base/nearest.h"
#include <string.h>

#define UNGROUPED "None"

/* ---- which groups the file uses ---- */

/* The groups that have an outline, and the groups around those: set of folded names.  Caller unrefs. */
static GHashTable *used_groups(const Source *source)
{
    GHashTable *used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        const char *group = draft->group;
        guint steps = source->parents ? g_hash_table_size(source->parents) : 0;
        for (guint step = 0; step <= steps && group && *group; step++) {
            if (!g_hash_table_add(used, name_fold(group))) {
                break; /* the groups around it are already there */
            }
            group = source->parents ? g_hash_table_lookup(source->parents, group) : NULL;
        }
    }
    return used;
}

/* Whether the rule applies in a file that uses these groups. */
static gboolean applies(const GroupRule *rule, GHashTable *used)
{
    gboolean found = !rule->needs;
    for (const char *const *need = rule->needs; !found && *need; need++) {
        g_autofree char *name = name_fold(*need);
        found = g_hash_table_contains(used, name);
    }
    return found;
}

/* ---- the rule of a group ---- */

typedef struct {
    Source *source;
    const GroupRule *rules, *every_other; /* every_other: the rule for "*", or NULL */
    GPtrArray *names;                     /* of the rules, folded, in their order */
    GHashTable *used;
    Tally unknown, undeclared; /* groups without a rule; groups that the file uses but does not define */
    Tally by_star, by_need;    /* groups labelled by "*"; by a rule that needs another group */
    int line;                  /* of the first outline whose group has no label */
} Labelling;

/* The first rule that names this group, or NULL. */
static const GroupRule *rule_for(const Labelling *labelling, const char *group)
{
    g_autofree char *folded = name_fold(group);
    for (const GroupRule *rule = labelling->rules; rule->group; rule++) {
        if (g_str_equal(labelling->names->pdata[rule - labelling->rules], folded) &&
            rule != labelling->every_other && applies(rule, labelling->used)) {
            return rule;
        }
    }
    return NULL;
}

static void no_label(Labelling *labelling, Tally *tally, const char *group, int line)
{
    tally_add(tally, group, line);
    labelling->line = labelling->line ? labelling->line : line;
}

/* Labels a draft by the rule for its group, otherwise for the group around that, and so on outwards.  A file whose groups contain each other
 * cannot loop: there are at most as many steps as groups. */
static void find_label(Labelling *labelling, Draft *draft)
{
    /* NULL: the file declares no groups, so any name is accepted. */
    GHashTable *parents = labelling->source->parents;
    const char *group = draft->group;
    guint steps = parents ? g_hash_table_size(parents) : 0;
    const GroupRule *rule = NULL;
    for (guint step = 0; step <= steps; step++) {
        const char *parent = NULL;
        if (parents && strcmp(group, UNGROUPED) != 0) {
            parent = g_hash_table_lookup(parents, group);
            if (!parent) {
                no_label(labelling, &labelling->undeclared, group, draft->line);
                return;
            }
        }
        rule = rule_for(labelling, group);
        if (rule || !parent || !*parent) {
            break; /* found, or this is an outermost group */
        }
        group = parent;
    }
    /* "*" comes last, wherever it is in the list. */
    if (!rule && labelling->every_other) {
        rule = labelling->every_other;
        tally_add(&labelling->by_star, draft->group, draft->line);
    }
    if (!rule) {
        no_label(labelling, &labelling->unknown, draft->group, draft->line);
        return;
    }
    if (rule->needs) {
        tally_add(&labelling->by_need, draft->group, draft->line);
    }
    draft->label = rule->label;
    draft->rule = rule;
}

/* ---- what is reported ---- */

/* At most 30 names, separated by commas. */
static void list_names(GString *out, const char *const *names)
{
    for (guint i = 0; i < 30 && names[i]; i++) {
        g_autofree char *one = tally_shown_name(names[i]);
        g_string_append_printf(out, "%s%s", i ? ", " : "", one);
    }
    if (!names[0]) {
        g_string_append(out, "none");
    }
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends '; known groups: A, B; did you mean "A" by "a"?'. */
static void add_known(GString *out, const Tally *tally, GPtrArray *known)
{
    g_ptr_array_add(known, NULL);
    const char *const *names = (const char *const *)known->pdata;
    g_string_append(out, "; known groups: ");
    list_names(out, names);
    for (guint i = 0; i < tally->entries->len && i < 30; i++) {
        const TallyEntry *entry = tally->entries->pdata[i];
        const char *near = nearest_name(entry->name, names);
        if (near) {
            g_autofree char *shown = tally_shown_name(entry->name);
            g_string_append_printf(out, "; did you mean \"%s\" by \"%s\"?", near, shown);
        }
    }
}

/* Appends the groups that the file uses but does not define, and those that it defines. */
static void report_undeclared(GString *out, const Labelling *labelling)
{
    g_autofree char *list = tally_text(&labelling->undeclared);
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    GHashTableIter iter;
    void *name;
    /* Sorted, since the order of a hash table is not fixed. */
    g_hash_table_iter_init(&iter, labelling->source->parents);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        g_ptr_array_add(known, name);
    }
    g_ptr_array_sort(known, compare_text);
    int count = labelling->undeclared.count;
    g_string_append_printf(out, "%d annotation%s in groups that the file does not define: %s", count,
                           count == 1 ? " is" : "s are", list);
    add_known(out, &labelling->undeclared, known);
}

/* Appends the groups without a rule, and those that have one. */
static void report_unknown(GString *out, const Labelling *labelling)
{
    g_autofree char *list = tally_text(&labelling->unknown);
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    for (const GroupRule *rule = labelling->rules; rule->group; rule++) {
        if (applies(rule, labelling->used)) {
            g_ptr_array_add(known, (char *)rule->group);
        }
    }
    int count = labelling->unknown.count;
    g_string_append_printf(out, "%s%d annotation%s in groups that no rule names: %s", out->len ? "; " : "",
                           count, count == 1 ? " is" : "s are", list);
    if (g_hash_table_contains(labelling->unknown.index, UNGROUPED)) {
        g_string_append(out, ", where \"" UNGROUPED "\" stands for outlines in no group");
    }
    add_known(out, &labelling->unknown, known);
    g_string_append(
        out, "; name each in slides.groups (or by --group) as lesion, not, hard, unknown, roi or ignore");
}

static void warn_about(Source *source, const Tally *tally, const char *how)
{
    if (tally->count) {
        g_autofree char *list = tally_text(tally);
        const TallyEntry *first = tally->entries->pdata[0];
        source_warn(source, first->line, "%d annotation%s %s: %s", tally->count, tally->count == 1 ? "" : "s",
                    how, list);
    }
}

/* An error for groups without a label, warnings for labels that a person should know of. */
static gboolean report(Labelling *labelling, GError **error)
{
    if (labelling->unknown.count || labelling->undeclared.count) {
        g_autoptr(GString) out = g_string_new(NULL);
        if (labelling->undeclared.count) {
            report_undeclared(out, labelling);
        }
        if (labelling->unknown.count) {
            report_unknown(out, labelling);
        }
        return source_error(labelling->source, labelling->line, error, "%s", out->str);
    }
    warn_about(labelling->source, &labelling->by_star, "labelled only by the rule for \"*\"");
    warn_about(labelling->source, &labelling->by_need,
               "in no group taken as not lesion, as in Camelyon16, whose groups the file uses");
    return TRUE;
}

/* ---- the whole ---- */

/* Makes each outline's own name its group.  Groups that the file declares do not matter then. */
static void take_names(Source *source)
{
    g_clear_pointer(&source->parents, g_hash_table_unref);
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        g_free(draft->group);
        draft->group = g_strdup(*draft->name ? draft->name : "Unnamed");
    }
}

/* Labels all drafts, and counts those that have no label.  Call labelling_clear afterwards. */
static void label_all(Labelling *labelling, const GroupSpec *groups)
{
    Source *source = labelling->source;
    gboolean by_name =
        groups->field && !g_str_equal(groups->field, "auto") && !g_str_equal(groups->field, "class");
    if (by_name) {
        take_names(source);
    }
    labelling->names = g_ptr_array_new_with_free_func(g_free);
    for (const GroupRule *rule = groups->rules; rule->group; rule++) {
        g_ptr_array_add(labelling->names, name_fold(rule->group));
        if (!labelling->every_other && strcmp(rule->group, OTHER_GROUPS) == 0) {
            labelling->every_other = rule;
        }
    }
    labelling->used = used_groups(source);
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        if (by_name && draft->negative) {
            draft->label = LABEL_LESION; /* a hole needs no name: it belongs to its layer (holes.c) */
        } else if (!draft->ring_of) {    /* rings belong to their outline */
            find_label(labelling, draft);
        }
    }
}

static void labelling_clear(Labelling *labelling)
{
    g_hash_table_unref(labelling->used);
    g_ptr_array_unref(labelling->names);
    tally_clear(&labelling->unknown);
    tally_clear(&labelling->undeclared);
    tally_clear(&labelling->by_star);
    tally_clear(&labelling->by_need);
}

gboolean groups_label(Source *source, const GroupSpec *groups, GError **error)
{
    Labelling labelling = {.source = source, .rules = groups->rules};
    label_all(&labelling, groups);
    gboolean good = report(&labelling, error);
    labelling_clear(&labelling);
    return good;
}

void groups_survey(Source *source, const GroupSpec *groups, GroupFound found, void *data)
{
    Labelling labelling = {.source = source, .rules = groups->rules};
    label_all(&labelling, groups);
    /* Groups without a rule first, then each outline of the others by itself. */
    const Tally *const both[] = {&labelling.unknown, &labelling.undeclared};
    for (int t = 0; t < 2; t++) {
        for (guint i = 0; both[t]->entries && i < both[t]->entries->len; i++) {
            const TallyEntry *entry = both[t]->entries->pdata[i];
            found(data, entry->name, entry->count, NULL);
        }
    }
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (draft->rule) {
            found(data, draft->group, 1, draft->rule);
        }
    }
    labelling_clear(&labelling);
}
