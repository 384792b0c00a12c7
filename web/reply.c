/* Replies.  JSON is the one place where text of others (names of slides, notes) leaves the program, and it is made harmless here. */
#include "web/request.h"
#include <string.h>

WebReply *web_reply(int status, const char *type, GBytes *bytes)
{
    WebReply *reply = g_new(WebReply, 1);
    *reply = (WebReply){status, type, bytes};
    return reply;
}

WebReply *web_reply_json_text(int status, GBytes *text)
{
    gsize bytes;
    const char *from = g_bytes_get_data(text, &bytes);
    GString *out = g_string_sized_new(bytes + 64);
    /* In JSON these three occur in texts only. */
    for (gsize i = 0, start = 0; i <= bytes; i++) {
        if (i == bytes || strchr("<>&", from[i] ? from[i] : 'x')) {
            g_string_append_len(out, from + start, (gssize)(i - start));
            if (i < bytes) {
                g_string_append_printf(out, "\\u%04x", from[i]);
            }
            start = i + 1;
        }
    }
    g_bytes_unref(text);
    return web_reply(status, "application/json", g_string_free_to_bytes(out));
}

WebReply *web_reply_json(int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(value);
    gsize bytes = text ? strlen(text) : 0;
    return text ? web_reply_json_text(status, g_bytes_new_with_free_func(text, bytes, free, text))
                : web_reply_error(500, "the answer cannot be written as JSON");
}

WebReply *web_reply_error(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return web_reply_json(status, json_pack("{s:s}", "error", valid));
}

void web_reply_free(WebReply *reply)
{
    if (reply) {
        g_bytes_unref(reply->bytes);
        g_free(reply);
    }
}
