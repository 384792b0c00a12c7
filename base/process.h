/* What the kernel says of other processes. */
#pragma once
#include <glib.h>

/* FALSE only when no process has the number, or one that has ended and waits for its parent to ask how. */
gboolean process_lives(int pid);
/* Whether it is stopped (SIGSTOP, SIGTSTP), so that it can neither go on nor end by itself; FALSE under a debugger. */
gboolean process_is_stopped(int pid);
