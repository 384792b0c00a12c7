/* A scan over JSON that knows only brackets and strings, and jansson for the values that it finds.
 *
 * The scan gives every value its line, which jansson's values do not have, and never holds more than one value in memory.  jansson is
 * strict (UTF-8, no duplicate keys), except for numbers that JSON does not have: QuPath and Python write NaN, Infinity and 1e999 among
 * measurements.  They become null before jansson sees them, and are counted. */
#include "annotations/read/json_scan.h"
#include <math.h>
#include <string.h>

/* A value with this many arrays (one per vertex) needs some 400 MB of jansson's memory while it is read. */
enum { DEPTH = 64, ARRAYS = 1 << 21 };

void json_scan_space(JsonScan *scan)
{
    for (; *scan->at && strchr(" \t\r\n", *scan->at); scan->at++) {
        scan->line += *scan->at == '\n';
    }
}

gboolean json_scan_string(JsonScan *scan, GError **error)
{
    for (scan->at++; *scan->at && *scan->at != '"'; scan->at++) {
        if (*scan->at == '\\' && scan->at[1]) { /* an escaped quote does not end the string */
            scan->at++;
        } else if (*scan->at == '\n') {
            break;
        }
    }
    if (*scan->at != '"') {
        return source_error(scan->source, scan->line, error, "not JSON: a string has no closing quote");
    }
    scan->at++;
    return TRUE;
}

gboolean json_scan_value(JsonScan *scan, GError **error)
{
    /* A number or a word. */
    if (!*scan->at || !strchr("[{\"", *scan->at)) {
        size_t length = strcspn(scan->at, ",:]} \t\r\n");
        scan->at += length;
        return length > 0 || source_error(scan->source, scan->line, error, "not JSON: a value is missing");
    }
    /* A string, an array or an object: up to where the brackets are balanced.  A lone string has depth 0 and ends the loop. */
    int depth = 0, arrays = 0;
    do {
        char c = *scan->at;
        if (c == '"') {
            if (!json_scan_string(scan, error)) {
                return FALSE;
            }
            continue;
        }
        if (!c) {
            return source_error(scan->source, scan->line, error,
                                "not JSON: the file ends before all brackets are closed");
        }
        /* Brackets need not match in kind: jansson checks that. */
        scan->at++;
        scan->line += c == '\n';
        arrays += c == '[';
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        if (depth > DEPTH) {
            return source_error(scan->source, scan->line, error, "brackets are nested deeper than %d", DEPTH);
        }
        if (arrays > ARRAYS) {
            return source_error(scan->source, scan->line, error, "a feature has more than %d arrays", ARRAYS);
        }
    } while (depth > 0);
    return TRUE;
}

/* Whether a token is a number that JSON does not have: one of the words, or too large for a double. */
static gboolean is_not_json(const char *token, size_t length)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", "+Infinity", "-NaN"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (length == strlen(words[i]) && memcmp(token, words[i], length) == 0) {
            return TRUE;
        }
    }
    char copy[64];
    if (length == 0 || length >= sizeof copy || !strchr("-0123456789", *token)) {
        return FALSE;
    }
    memcpy(copy, token, length);
    copy[length] = 0;
    return isinf(g_ascii_strtod(copy, NULL)); /* jansson refuses such numbers */
}

/* A copy of the text with null for such numbers, which are counted.  Copies strings as they are.  Caller frees. */
static GString *replace_numbers(Source *source, const char *text, size_t length, int line)
{
    GString *out = g_string_sized_new(length);
    const char *end = text + length;
    while (text < end) {
        /* A token is a string, a run of other characters, or one bracket, comma or space (length 0 until the end of the loop). */
        size_t token = 0;
        if (*text == '"') {
            for (token = 1; text + token < end && text[token] != '"'; token++) {
                token += text[token] == '\\' && text + token + 1 < end;
            }
            token = MIN(token + 1, (size_t)(end - text));
        } else if (!strchr(",:[]{} \t\r\n", *text)) {
            token = MIN(strcspn(text, ",:[]{}\" \t\r\n"), (size_t)(end - text));
        }
        gboolean wrong = token && *text != '"' && is_not_json(text, token);
        if (wrong) {
            tally_add(&source->skipped, "NaN or infinite number", line);
        }
        token = MAX(token, 1);
        g_string_append_len(out, wrong ? "null" : text, wrong ? 4 : (gssize)token);
        text += token;
    }
    return out;
}

json_t *json_scan_parse(Source *source, const char *text, size_t length, int line, GError **error)
{
    json_error_t problem;
    g_autoptr(GString) clean = replace_numbers(source, text, length, line);
    json_t *value =
        json_loadb(clean->str, clean->len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &problem);
    if (!value) {
        source_error(source, line + problem.line - 1, error, "not JSON: %s", problem.text);
    }
    return value;
}
