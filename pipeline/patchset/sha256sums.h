/* SHA256SUMS of a patch set: a line "HASH  FILE" for every file except the card, in the format of sha256sum(1). */
#pragma once
#include <glib.h>

#define SHA256SUMS_FILE "SHA256SUMS"

/* Appends the line of a file; names are relative to the patch set. */
void sha256sums_add(GString *sums, const char *sha256, const char *file);
/* Hashes the files in ROOT/SHA256SUMS, except those in `known` (a set of names that are checked elsewhere), and prints a line to standard
 * output for each that differs.  *files: how many were hashed; *differ: how many differ, including a missing list and bad lines. */
void sha256sums_check(const char *root, GHashTable *known, int *files, int *differ);
