/* Markdown.
 *
 * A backslash before punctuation takes its meaning away (CommonMark 2.4).  Where punctuation has none, it stays plain, so that the
 * file can also be read as it is: most names have dots, dashes and underscores inside. */
#include "pipeline/write/markdown.h"
#include <string.h>

/* Whether the byte at `at` could mean something; `start`: of the whole text. */
static gboolean has_meaning(const char *start, const char *at)
{
    char before = at > start ? at[-1] : ' ', after = at[1] ? at[1] : ' ';
    gboolean first = TRUE, numbered = at > start;
    for (const char *c = start; c < at; c++) {
        first = first && *c == ' ';
        numbered = numbered && g_ascii_isdigit(*c);
    }
    switch (*at) {
    case '_':
        return !g_ascii_isalnum(before) || !g_ascii_isalnum(after);
    case '+':
    case '-':
    case '=':
    case '>':
        return first; /* a list, an underlined heading, a quotation */
    case ')':
        return numbered && g_ascii_isspace(after);
    case '.':
        return (numbered && g_ascii_isspace(after)) ||
               (at - start >= 3 && g_ascii_strncasecmp(at - 3, "www", 3) == 0);
    case ':':
        return !g_ascii_isspace(after) && !g_ascii_isdigit(after); /* addresses, images by name */
    default:
        return strchr("\\`*[]<#|~&$!", *at) != NULL;
    }
}

static void G_GNUC_PRINTF(2, 0) escape(GString *out, const char *format, va_list args)
{
    g_autofree char *made = g_strdup_vprintf(format, args);
    g_autofree char *text = g_utf8_make_valid(made, -1);
    for (char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = ' '; /* a line feed would end the construct */
        }
    }
    for (const char *at = text; *at; at++) {
        if (has_meaning(text, at)) {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *at);
    }
}

void markdown_heading(GString *out, int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_printf(out, "%s%.*s ", out->len > 0 ? "\n" : "", CLAMP(level, 1, 6), "######");
    escape(out, format, args);
    g_string_append(out, "\n\n");
    va_end(args);
}

void markdown_text(GString *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    escape(out, format, args);
    va_end(args);
}

void markdown_code(GString *out, const char *text)
{
    g_autofree char *safe = g_strdelimit(g_strdup(text), "`\n\r", '\'');
    g_string_append_printf(out, "`%s`", safe);
}

void markdown_break(GString *out)
{
    g_string_append(out, "\n\n");
}

void markdown_bullet(GString *out)
{
    g_string_append(out, "- ");
}

void markdown_line(GString *out)
{
    g_string_append_c(out, '\n');
}

void markdown_table(GString *out, const char *const *titles)
{
    for (int i = 0; titles[i]; i++) {
        markdown_cell(out, "%s", titles[i]);
    }
    g_string_append(out, "\n|");
    for (int i = 0; titles[i]; i++) {
        g_string_append(out, "---|");
    }
    markdown_line(out);
}

void markdown_cell(GString *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append(out, out->len == 0 || out->str[out->len - 1] == '\n' ? "| " : " ");
    escape(out, format, args);
    g_string_append(out, " |");
    va_end(args);
}
