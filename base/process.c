/* The state is the letter after the name in /proc/PID/stat.  The name may contain anything, also brackets, so the last one counts. */
#include "base/process.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

/* The letter of the state; 0 = unknown. */
static char state_of(int pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    const char *end = text ? strrchr(text, ')') : NULL;
    return end && end[1] == ' ' ? end[2] : 0;
}

gboolean process_lives(int pid)
{
    if (kill(pid, 0) != 0 && errno == ESRCH) {
        return FALSE;
    }
    char state = state_of(pid);
    return state != 'Z' && state != 'X';
}

gboolean process_is_stopped(int pid)
{
    return state_of(pid) == 'T';
}
