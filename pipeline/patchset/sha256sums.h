/* SHA256SUMS of a patch set: a line "HASH  FILE" for every file of it but the card, as sha256sum(1) writes and checks them. */
#pragma once
#include <glib.h>

#define SHA256SUMS_FILE "SHA256SUMS"

/* Appends the line of a file; names are relative to the patch set. */
void sha256sums_add(GString *sums, const char *sha256, const char *file);
/* Hashes the files of ROOT/SHA256SUMS that are not in `known` (a set of names: their hashes are checked elsewhere), prints a line for each
 * that is not what was written, and counts both.  A list that is missing or has a bad line differs too. */
void sha256sums_check(const char *root, GHashTable *known, int *files, int *differ);
