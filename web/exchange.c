/* One request: begun by its request line, checked when its headers are there, done by a thread of the queue while its connection is suspended,
 * and answered when the connection is resumed.  The thread of libmicrohttpd itself never waits for anything. */
#include "web/server_private.h"
#include "web/route.h"
#include <string.h>

typedef enum { STEP_LINE, STEP_BODY, STEP_WAIT, STEP_ANSWERED } Step;

typedef struct {
    WebServer *server;
    struct MHD_Connection *connection;
    Step step;
    gboolean long_line;
    char *path;
    GByteArray *body;
    WebJob job;
} Exchange;

void web_exchange_announce(WebServer *server)
{
    g_autofree char *token = web_access_token(server->access);
    g_autofree char *address = g_strdup_printf("%s/?token=%s", server->origin, token);
    server->options.announce(address, server->options.data);
}

static const char foreign_page[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>wsiflow</title></head><body>\n"
    "<p>Open the address that <code>wsiflow view</code> prints in its terminal: it holds a token that works "
    "once.</p>\n"
    "<p>If you have done that in this browser: <a href=\"/\">go on</a>.</p>\n</body></html>\n";

static WebWatched *watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void allow(Exchange *exchange, int seconds)
{
    WebWatched *one = watched(exchange->connection);
    if (one) {
        web_watch_allow(exchange->server->watch, one, seconds);
    }
}

void *web_exchange_begin(void *server, const char *uri, struct MHD_Connection *connection)
{
    Exchange *exchange = g_new0(Exchange, 1);
    exchange->server = server;
    exchange->connection = connection;
    exchange->long_line = strlen(uri) > WEB_LINE_BYTES;
    WebWatched *one = watched(connection);
    if (one) {
        web_watch_limit(exchange->server->watch, one, WEB_REQUEST_SECONDS);
    }
    return exchange;
}

void web_exchange_end(void *server, struct MHD_Connection *connection, void **data,
                      enum MHD_RequestTerminationCode why)
{
    Exchange *exchange = *data;
    if (exchange) {
        /* The next request of the connection may take its time to begin, within the limit of inactivity. */
        allow(exchange, 2 * WEB_REQUEST_SECONDS);
        web_reply_free(exchange->job.reply);
        if (exchange->body) {
            g_byte_array_unref(exchange->body);
        }
        g_free(exchange->path);
        g_free(exchange);
        *data = NULL;
    }
}

/* ---- answers ---- */

static const char *const headers[][2] = {
    /* data: images are what Leaflet puts into a picture that it no longer wants. */
    {"Content-Security-Policy",
     "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static void free_bytes(void *bytes)
{
    g_bytes_unref(bytes);
}

static struct MHD_Response *response_new(const WebReply *reply)
{
    gsize bytes;
    const void *data = g_bytes_get_data(reply->bytes, &bytes);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        bytes, (void *)(data ? data : ""), free_bytes, g_bytes_ref(reply->bytes));
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    return response;
}

/* Takes the reply. */
static enum MHD_Result answer(Exchange *exchange, WebReply *reply)
{
    struct MHD_Response *response = response_new(reply);
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    web_reply_free(reply);
    exchange->step = STEP_ANSWERED;
    allow(exchange, WEB_REPLY_SECONDS);
    return result;
}

static WebReply *refuse_stranger(const char *path)
{
    return g_str_equal(path, "/")
               ? web_reply(401, "text/html; charset=utf-8",
                           g_bytes_new_static(foreign_page, sizeof foreign_page - 1))
               : web_reply_error(401, "the session has ended: open the address that wsiflow view prints");
}

/* The token's address: gives the cookie, and the page without the token. */
static enum MHD_Result let_in(Exchange *exchange, gboolean spent)
{
    WebServer *server = exchange->server;
    WebReply *reply = web_reply(303, "text/plain", g_bytes_new_static("", 0));
    struct MHD_Response *response = response_new(reply);
    g_autofree char *cookie =
        g_strdup_printf("%s=%s; Path=/; HttpOnly; SameSite=Strict%s", web_access_cookie_name(server->access),
                        web_access_cookie(server->access), server->options.proxy ? "; Secure" : "");
    if (spent) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, "/");
    enum MHD_Result result = MHD_queue_response(exchange->connection, 303, response);
    MHD_destroy_response(response);
    web_reply_free(reply);
    exchange->step = STEP_ANSWERED;
    if (spent) {
        web_exchange_announce(server);
    }
    return result;
}

/* ---- the steps ---- */

static void job_ended(WebJob *job)
{
    Exchange *exchange = job->owner;
    MHD_resume_connection(exchange->connection);
}

/* The headers are there: refuses the request, or finds its route. */
static enum MHD_Result start(Exchange *exchange, const char *path, const char *method)
{
    WebHeaders found;
    WebServer *server = exchange->server;
    method = g_str_equal(method, "HEAD") ? "GET" : method;
    WebReply *refusal = exchange->long_line
                            ? web_reply_error(414, "an address has at most %d bytes", WEB_LINE_BYTES)
                            : web_check(server, exchange->connection, method, path, &found);
    if (refusal) {
        return answer(exchange, refusal);
    }
    if (found.token) {
        gboolean spent = web_access_spend(server->access, found.token);
        return spent || found.cookie ? let_in(exchange, spent) : answer(exchange, refuse_stranger(path));
    }
    if (!found.cookie) {
        return answer(exchange, refuse_stranger(path));
    }
    gboolean other_method;
    exchange->path = g_strdup(path);
    exchange->job.request.path = exchange->path;
    exchange->job.request.method = g_intern_string(method);
    exchange->job.route = web_route_find(server->options.routes, &exchange->job.request, &other_method);
    if (!exchange->job.route) {
        return answer(exchange, other_method ? web_reply_error(405, "not with this method")
                                             : web_reply_error(404, "there is no such address"));
    }
    exchange->body = g_byte_array_sized_new((guint)found.body_bytes + 1);
    exchange->step = STEP_BODY;
    return MHD_YES;
}

/* All of the request is there. */
static enum MHD_Result submit(Exchange *exchange)
{
    g_byte_array_append(exchange->body, (const guint8 *)"", 1);
    exchange->job.request.body = (const char *)exchange->body->data;
    exchange->job.request.body_bytes = exchange->body->len - 1;
    exchange->job.socket =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    exchange->job.owner = exchange;
    exchange->job.ended = job_ended;
    exchange->step = STEP_WAIT;
    allow(exchange, 0);
    MHD_suspend_connection(exchange->connection);
    web_queue_push(exchange->server->queue, &exchange->job);
    return MHD_YES;
}

enum MHD_Result web_exchange_continue(void *server, struct MHD_Connection *connection, const char *path,
                                      const char *method, const char *version, const char *body,
                                      size_t *body_bytes, void **data)
{
    Exchange *exchange = *data;
    switch (exchange->step) {
    case STEP_LINE:
        return start(exchange, path, method);
    case STEP_BODY:
        if (*body_bytes == 0) {
            return submit(exchange);
        }
        if (exchange->body->len + *body_bytes > WEB_BODY_BYTES) {
            return MHD_NO; /* cannot be: its Content-Length was checked */
        }
        g_byte_array_append(exchange->body, (const guint8 *)body, (guint)*body_bytes);
        *body_bytes = 0;
        return MHD_YES;
    case STEP_WAIT:
        return exchange->job.reply ? answer(exchange, g_steal_pointer(&exchange->job.reply)) : MHD_NO;
    case STEP_ANSWERED:
        break;
    }
    return MHD_YES;
}
