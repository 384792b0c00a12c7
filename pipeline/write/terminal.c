/* Terminals.  A live line must not wrap, or every update would scroll the screen. */
#include "pipeline/write/terminal.h"
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL = 80 }; /* columns of a terminal that does not report its width */

int terminal_columns(int fd)
{
    struct winsize size;
    if (!isatty(fd) || g_strcmp0(g_getenv("TERM"), "dumb") == 0) {
        return 0;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL;
}

static int width_of(gunichar c)
{
    return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

char *terminal_cut(const char *text, int columns)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autoptr(GString) out = g_string_new(NULL);
    int width = 0;
    gsize cut = 0; /* length of what fits together with the ellipsis */
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        c = g_unichar_iscntrl(c) ? ' ' : c;
        if (width + width_of(c) > columns) {
            g_string_truncate(out, cut);
            if (columns > 0) {
                g_string_append(out, "…");
            }
            break;
        }
        width += width_of(c);
        g_string_append_unichar(out, c);
        cut = width < columns ? out->len : cut;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

char *terminal_line(const char *text)
{
    char *line = g_utf8_make_valid(text, -1);
    for (char *at = line; *at; at++) {
        *at = g_ascii_iscntrl(*at) ? '?' : *at;
    }
    return line;
}
