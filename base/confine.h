/* Taking rights away from this process, for good, before it works on data of others. */
#pragma once
#include <glib.h>

/* From now on this thread, and all that it starts, can change files only beneath the folders (NULL-terminated), can start no program and can open no
 * connection.  Reading, files and sockets that are open already, and accepting connections stay as they were.  By Landlock, which needs no rights
 * (Linux 5.13; connections: 6.7).  *confined: FALSE when the kernel cannot do it.  FALSE with error when a folder cannot be opened or the kernel
 * refuses. */
gboolean confine_writes(const char *const *folders, gboolean *confined, GError **error);
