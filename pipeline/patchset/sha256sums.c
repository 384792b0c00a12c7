/* The list may have been changed, so a line whose name leads out of the patch set is refused. */
#include "pipeline/patchset/sha256sums.h"
#include "base/durable.h"
#include "tiler/patches/patchset.h"
#include <stdio.h>
#include <string.h>

enum { HASH = 64 };

void sha256sums_add(GString *sums, const char *sha256, const char *file)
{
    g_string_append_printf(sums, "%s  %s\n", sha256, file);
}

/* The file of a line, or NULL. */
static const char *file_of(const char *line)
{
    size_t digits = strspn(line, "0123456789abcdef");
    if (digits != HASH || strncmp(line + HASH, "  ", 2) != 0) {
        return NULL;
    }
    const char *file = line + HASH + 2;
    return patchset_is_inside(file) ? file : NULL;
}

static int check_line(const char *root, const char *line, const char *file)
{
    char sha256[HASH + 1];
    g_autoptr(GError) why = NULL;
    g_autofree char *path = g_build_filename(root, file, NULL);
    if (!durable_hash_file(path, sha256, NULL, &why)) {
        printf("%s: %s\n", file, why->message);
        return 1;
    }
    if (strncmp(sha256, line, HASH) != 0) {
        printf("%s: differs from the file that was written (SHA-256)\n", file);
        return 1;
    }
    return 0;
}

void sha256sums_check(const char *root, GHashTable *known, int *files, int *differ)
{
    g_autofree char *path = g_build_filename(root, SHA256SUMS_FILE, NULL), *text = NULL;
    g_autoptr(GError) why = NULL;
    *files = *differ = 0;
    if (!g_file_get_contents(path, &text, NULL, &why)) {
        printf("%s: %s\n", SHA256SUMS_FILE, why->message);
        *differ = 1;
        return;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i] && (*lines[i] || lines[i + 1]); i++) {
        const char *file = file_of(lines[i]);
        if (!file) {
            printf("%s: line %d is not a hash followed by a file of the patch set\n", SHA256SUMS_FILE, i + 1);
            ++*differ;
        } else if (!g_hash_table_contains(known, file)) {
            *differ += check_line(root, lines[i], file);
            ++*files;
        }
    }
}
