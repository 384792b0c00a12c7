/* The only way a file gets its final name: complete, flushed to disk, hashed.
 *
 * A durable file is written under a temporary name in the folder of its target (".NAME.PID-N.tmp").  durable_commit() flushes it, reads it
 * back to hash it, renames it to the target and flushes the folder.  Until then the target does not change; durable_free() without commit
 * leaves nothing, and a killed process leaves only a .tmp file that durable_sweep() removes.
 * A Durable belongs to one thread; different ones are independent. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Durable Durable;

/* Guards every change of a final name.  begin: FALSE with error when this process may no longer make it; after TRUE no other process can get the
 * right until `end`.  Both are called from any thread, in pairs. */
typedef struct {
    gboolean (*begin)(void *data, GError **error);
    void (*end)(void *data);
    void *data;
} DurableFence;
/* From now on every change of a final name in this process happens between `begin` and `end`.  Call it before starting threads.  The fence is
 * borrowed; NULL removes it. */
void durable_set_fence(const DurableFence *fence);

/* Opens a temporary file for `path`; creates missing parent folders.  Caller frees with durable_free; NULL with error. */
Durable *durable_open(const char *path, GError **error);
/* The temporary path, for libraries that open files by name.  The file exists and is empty. */
const char *durable_temp_path(const Durable *file);
/* Writes without a buffer, so errors are reported here, at once. */
gboolean durable_write(Durable *file, const void *data, size_t bytes, GError **error);
/* Publishes the file under its final name. sha256 (may be NULL) receives 64 lower-case hex digits and a NUL, bytes (may be NULL) the size. */
gboolean durable_commit(Durable *file, char sha256[65], int64_t *bytes, GError **error);
/* Frees it; removes the temporary file when it was not committed. */
void durable_free(Durable *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Durable, durable_free)

/* Writes a whole file durably. */
gboolean durable_write_file(const char *path, const void *data, size_t bytes, char sha256[65],
                            GError **error);
/* Renames a published file within one file system, replacing a file of the new name.  Creates parent folders and flushes both folders. */
gboolean durable_move(const char *from, const char *to, GError **error);
/* Gives a published file a second name, replacing a file of that name: a hard link, or a copy where links are not possible.
 * Published files are replaced but never written to, so the contents stay equal. */
gboolean durable_link(const char *from, const char *to, GError **error);
/* Removes a file, if it exists, and flushes its folder, so the removal survives whatever is written later. */
gboolean durable_remove(const char *path, GError **error);
/* Removes a file that nothing refers to any more, if this process may still do so.  Errors are ignored. */
void durable_discard(const char *path);
/* Creates a folder and its parents, and flushes each entry, so a file in it survives a power failure. */
gboolean durable_folder(const char *path, GError **error);
/* SHA-256 and size (may be NULL) of an existing file. */
gboolean durable_hash_file(const char *path, char sha256[65], int64_t *bytes, GError **error);
/* SHA-256 of memory. */
void durable_hash_bytes(const void *data, size_t bytes, char sha256[65]);
/* Removes the temporary files below `directory` whose process no longer lives.  Returns how many. */
int durable_sweep(const char *directory);
