/* Names and how often they occurred.
 *
 * Messages list all of them at once: somebody who learns of one unknown group per run would need as many runs as there are groups. */
#include "annotations/outline/tally.h"

enum { LISTED = 30, NAME_LENGTH = 60 };

static void entry_free(void *data)
{
    TallyEntry *entry = data;
    g_free(entry->name);
    g_free(entry);
}

void tally_add(Tally *tally, const char *name, int line)
{
    if (!tally->entries) {
        tally->entries = g_ptr_array_new_with_free_func(entry_free);
        tally->index = g_hash_table_new(g_str_hash, g_str_equal);
    }
    /* The index borrows the name from the entry. */
    TallyEntry *entry = g_hash_table_lookup(tally->index, name);
    if (!entry) {
        entry = g_new0(TallyEntry, 1);
        entry->name = g_strdup(name);
        entry->line = line;
        g_ptr_array_add(tally->entries, entry);
        g_hash_table_insert(tally->index, entry->name, entry);
    }
    entry->count++;
    tally->count++;
}

char *tally_text(const Tally *tally)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint names = tally->entries ? tally->entries->len : 0;
    for (guint i = 0; i < names && i < LISTED; i++) {
        const TallyEntry *entry = tally->entries->pdata[i];
        g_autofree char *name = tally_shown_name(entry->name);
        g_string_append_printf(text, "%s\"%s\" (%d)", i ? ", " : "", name, entry->count);
    }
    if (names > LISTED) {
        g_string_append_printf(text, " and %u more", names - LISTED);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void tally_clear(Tally *tally)
{
    g_clear_pointer(&tally->index, g_hash_table_unref);
    g_clear_pointer(&tally->entries, g_ptr_array_unref);
    tally->count = 0;
}

char *tally_shown_name(const char *name)
{
    char *text =
        g_utf8_strlen(name, -1) > NAME_LENGTH ? g_utf8_substring(name, 0, NAME_LENGTH) : g_strdup(name);
    /* A line break from the file would make two lines of one message. */
    for (char *p = text; *p; p++) {
        *p = g_ascii_iscntrl(*p) ? ' ' : *p;
    }
    return text;
}
