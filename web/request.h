/* A request that passed all checks of the server, and its reply: what a route gets and gives. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

enum { WEB_NUMBERS = 5, WEB_NAMES = 2, WEB_NAME_BYTES = 64 };

typedef struct {
    const char *method; /* "GET", "PUT", "POST", "DELETE" */
    const char *path;
    int64_t numbers[WEB_NUMBERS]; /* the path's parts that the pattern calls #, 0 .. 2^31 - 1 */
    char names[WEB_NAMES]
              [WEB_NAME_BYTES + 1]; /* those that it calls $: letters, digits, and . _ - after the first */
    const char *body;               /* ends with a 0 byte that does not count */
    size_t body_bytes;
} WebRequest;

typedef struct {
    int status;
    const char *type; /* of the content; static */
    GBytes *bytes;
} WebReply;

/* Takes the bytes. */
WebReply *web_reply(int status, const char *type, GBytes *bytes);
/* Takes the value.  Writes `<`, `>` and `&` as escapes, so that no text can become markup wherever the answer is shown. */
WebReply *web_reply_json(int status, json_t *value);
/* The same for JSON that is already text.  Takes the bytes. */
WebReply *web_reply_json_text(int status, GBytes *text);
/* {"error": TEXT}.  The text may hold any bytes. */
WebReply *web_reply_error(int status, const char *format, ...) G_GNUC_PRINTF(2, 3);
void web_reply_free(WebReply *reply);

typedef WebReply *(*WebFunction)(const WebRequest *request, void *data);

/* Which requests are answered first. */
typedef enum {
    WEB_DATA,   /* in the order in which they come */
    WEB_PICTURE /* after all of those; the newest first, because people have moved on from the oldest */
} WebUrgency;

/* A pattern is a path whose parts are words, # for a number, $ for a name: "/tile/#/#/#/#". */
typedef struct {
    const char *method, *pattern;
    WebFunction function;
    WebUrgency urgency;
} WebRoute;
