/* What the kernel knows about other processes.  Any thread. */
#pragma once
#include <glib.h>

/* FALSE only when no process has this id, or it has ended and waits for its parent (a zombie). */
gboolean process_lives(int pid);
/* Whether it is stopped (SIGSTOP, SIGTSTP), so it can neither continue nor end by itself; FALSE under a debugger. */
gboolean process_is_stopped(int pid);
