/* The one way a file gets its final name: complete, flushed to disk, hashed.
 *
 * A durable file is written under a temporary name beside its target (".NAME.PID-N.tmp"), and
 * durable_commit() flushes it, reads it back to hash it, renames it over the target and flushes the
 * directory.  Until then nobody sees it; durable_free() without commit leaves nothing behind, and a
 * killed process leaves only a .tmp file that durable_sweep() removes.
 * One Durable belongs to one thread; different ones are independent. */
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct Durable Durable;

/* What a process must still be allowed to do when it gives, takes or removes a final name.  begin: FALSE with error when it may not;
 * otherwise nobody else may be given the right until `end`.  Both are called by any thread, in pairs. */
typedef struct {
    gboolean (*begin)(void *data, GError **error);
    void (*end)(void *data);
    void *data;
} DurableFence;
/* From now on every change of a final name in this process happens between `begin` and `end`.  Called before threads are started; the
 * fence is borrowed; NULL takes it away. */
void durable_set_fence(const DurableFence *fence);

/* Creates missing parent directories.  The path is borrowed only during the call. */
Durable *durable_open(const char *path, GError **error);
/* For libraries that open files by name; the file exists and is empty. */
const char *durable_temp_path(const Durable *file);
/* Buffered-free writes: a short write or an error is reported here, at once. */
gboolean durable_write(Durable *file, const void *data, size_t bytes, GError **error);
gboolean durable_printf(Durable *file, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Publishes. sha256 (may be NULL) receives 64 lower-case hex digits and NUL; bytes (may be NULL) the size. */
gboolean durable_commit(Durable *file, char sha256[65], int64_t *bytes, GError **error);
/* Discards what was not committed. */
void durable_free(Durable *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Durable, durable_free)

/* Writes a whole file durably. */
gboolean durable_write_file(const char *path, const void *data, size_t bytes, char sha256[65],
                            GError **error);
/* Gives a published file another name (in the same file system), over what has it: created parents, both directories
 * flushed. */
gboolean durable_move(const char *from, const char *to, GError **error);
/* Gives a published file a further name, over what has it: a hard link, or a copy where there are none.  Published files are only
 * ever replaced, never written to, so the two names stay equal. */
gboolean durable_link(const char *from, const char *to, GError **error);
/* Removes a file, if it is there, before anything that is written later. */
gboolean durable_remove(const char *path, GError **error);
/* Removes a file that nobody refers to any more, if that is still ours to do; errors do not matter. */
void durable_discard(const char *path);
/* Makes a directory and those that lead to it, each flushed into its parent, so that a file in it survives a power cut. */
gboolean durable_folder(const char *path, GError **error);
/* SHA-256 and size (may be NULL) of an existing file. */
gboolean durable_hash_file(const char *path, char sha256[65], int64_t *bytes, GError **error);
/* SHA-256 of memory. */
void durable_hash_bytes(const void *data, size_t bytes, char sha256[65]);
/* Removes below `directory` the temporary files whose process no longer lives.  Returns how many. */
int durable_sweep(const char *directory);
