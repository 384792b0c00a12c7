/* Which name was meant.
 *
 * People mistype letters, swap two, write a plural, another case, or a space for an underscore; the distance measures exactly these.  Names are
 * short, so the plain table of distances is fast enough.  Only the first 200 bytes count, so no input makes it large. */
#include "base/nearest.h"
#include <string.h>

enum { LONGEST = 200 };

/* Lower case, with one character for everything that joins words.  Caller frees. */
static char *folded(const char *name)
{
    g_autofree char *start = g_strndup(name, LONGEST);
    char *out = g_ascii_strdown(start, -1);
    for (char *at = out; *at; at++) {
        *at = strchr("- .", *at) ? '_' : *at;
    }
    return out;
}

/* The optimal string alignment distance of a and b: Levenshtein's dynamic programme, with swaps of two neighbouring letters. */
static int distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1]; /* row i % 3: from the first i letters of a to the first j of b */
    int length = (int)strlen(b), i;
    for (int j = 0; j <= length; j++) {
        rows[0][j] = j;
    }
    for (i = 1; a[i - 1]; i++) {
        const int *two = rows[(i + 1) % 3], *one = rows[(i + 2) % 3];
        int *row = rows[i % 3];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            row[j] = MIN(one[j - 1] + (a[i - 1] != b[j - 1]), MIN(one[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = MIN(row[j], two[j - 2] + 1);
            }
        }
    }
    return rows[(i - 1) % 3][length];
}

/* Whether both names have several words, and the same first one. */
static gboolean same_first_word(const char *a, const char *b)
{
    size_t word = strcspn(a, "_");
    return word > 0 && a[word] && strcspn(b, "_") == word && b[word] && strncmp(a, b, word) == 0;
}

const char *nearest_name(const char *name, const char *const *names)
{
    g_autofree char *own = folded(name);
    size_t own_length = strlen(own);
    const char *best = NULL, *beginning = NULL, *word = NULL;
    int least = LONGEST, words = 0;
    if (own_length == 0) {
        return NULL;
    }
    for (; *names; names++) {
        g_autofree char *other = folded(*names);
        size_t length = strlen(other);
        int d = distance(own, other);
        if (d < least && 3 * d <= (int)MAX(length, own_length)) {
            least = d;
            best = *names;
        }
        if (!beginning && MIN(length, own_length) >= 2 &&
            (g_str_has_prefix(own, other) || g_str_has_prefix(other, own))) {
            beginning = *names;
        }
        if (same_first_word(own, other)) {
            word = *names;
            words++;
        }
    }
    return best ? best : beginning ? beginning : words == 1 ? word : NULL;
}

char *nearest_hint(const char *name, const char *const *names)
{
    const char *near = nearest_name(name, names);
    return near ? g_strdup_printf("; did you mean \"%s\"?", near) : g_strdup("");
}
