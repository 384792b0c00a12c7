/* Reading and writing at an offset of a file: all of the bytes, or an error.  Different threads may use one descriptor. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* path: for messages.  FALSE with WSI_ERROR_IO when the file ends too early, or with the error of the system. */
gboolean file_at_read(int fd, const char *path, void *to, size_t bytes, int64_t offset, GError **error);
gboolean file_at_write(int fd, const char *path, const void *from, size_t bytes, int64_t offset,
                       GError **error);
