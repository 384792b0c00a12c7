/* Inside annotations/: how often each of some names occurred, and where first.
 *
 * For messages that list everything of one kind at once.  Zero-initialise a Tally; it belongs to one thread. */
#pragma once
#include <glib.h>

typedef struct {
    char *name;
    int count, line; /* line: of the first occurrence */
} TallyEntry;
typedef struct {
    GPtrArray *entries; /* TallyEntry*, owned, in the order of the first occurrence; NULL when empty */
    GHashTable *index;  /* name -> TallyEntry* */
    int count;          /* of all names together */
} Tally;
void tally_add(Tally *tally, const char *name, int line);
/* '"A" (3), "B" (1)': at most 30 names, and how many more there are.  Caller frees. */
char *tally_text(const Tally *tally);
void tally_clear(Tally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)
/* A name as a message shows it: without control characters, at most 60 characters.  Caller frees. */
char *tally_shown_name(const char *name);
