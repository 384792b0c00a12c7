/* The rules for every request, before anybody looks at what it asks for. */
#include "web/server_private.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    const WebServer *server;
    WebHeaders *headers;
    size_t bytes;
    int lines, hosts, lengths, queries;
    gboolean coded, bad_length, bad_query;
} Reading;

/* Content-Length: digits only, so that nobody else counts the body differently. */
static gboolean read_length(const char *value, int64_t *bytes)
{
    size_t digits = strspn(value, "0123456789");
    *bytes = digits <= 15 ? g_ascii_strtoll(value, NULL, 10) : G_MAXINT64;
    return digits > 0 && value[digits] == 0;
}

static enum MHD_Result read_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    Reading *r = data;
    value = value ? value : "";
    r->lines++;
    r->bytes += strlen(name) + strlen(value) + 4;
    if (g_ascii_strcasecmp(name, "Host") == 0) {
        r->headers->host = value;
        r->hosts++;
    } else if (g_ascii_strcasecmp(name, "Origin") == 0) {
        r->headers->origin = value;
    } else if (g_ascii_strcasecmp(name, "Content-Type") == 0) {
        r->headers->type = value;
    } else if (g_ascii_strcasecmp(name, "X-Wsiflow") == 0) {
        r->headers->mark = value;
    } else if (g_ascii_strcasecmp(name, "Transfer-Encoding") == 0) {
        r->coded = TRUE;
    } else if (g_ascii_strcasecmp(name, "Content-Length") == 0) {
        r->lengths++;
        r->bad_length |= !read_length(value, &r->headers->body_bytes);
    }
    return MHD_YES;
}

static enum MHD_Result read_cookie(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    Reading *r = data;
    r->headers->cookie |= g_str_equal(name, web_access_cookie_name(r->server->access)) &&
                          web_access_is_cookie(r->server->access, value);
    return MHD_YES;
}

static enum MHD_Result read_query(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    Reading *r = data;
    r->queries++;
    r->headers->token = value;
    r->bad_query |= !g_str_equal(name, "token") || !value;
    return MHD_YES;
}

static WebReply *check_headers(const Reading *r)
{
    if (r->lines > WEB_HEADER_LINES || r->bytes > WEB_HEADER_BYTES) {
        return web_reply_error(431, "more than %d headers or %d bytes of them", WEB_HEADER_LINES,
                               WEB_HEADER_BYTES);
    }
    if (r->hosts != 1 || !web_access_host(r->server->access, r->headers->host)) {
        return web_reply_error(
            403,
            "this server is %s only: use this name and port, also at the near end of a tunnel "
            "(ssh -L %d:localhost:%d)",
            r->server->origin, r->server->port, r->server->port);
    }
    if (r->coded) {
        return web_reply_error(400, "a Transfer-Encoding is not accepted");
    }
    if (r->lengths > 1 || r->bad_length) {
        return web_reply_error(400, "Content-Length is not one whole number");
    }
    if (r->headers->body_bytes > WEB_BODY_BYTES) {
        return web_reply_error(413, "a body has at most %d bytes", WEB_BODY_BYTES);
    }
    if (r->headers->origin && !web_access_origin(r->server->access, r->headers->origin, r->headers->host)) {
        return web_reply_error(403, "requests of other pages are not answered");
    }
    return NULL;
}

/* What a foreign page cannot make a browser send. */
static WebReply *check_change(const WebHeaders *headers)
{
    const char *type = headers->type ? headers->type : "";
    size_t bytes = strcspn(type, "; ");
    if (bytes != strlen("application/json") || g_ascii_strncasecmp(type, "application/json", bytes) != 0) {
        return web_reply_error(415, "the body must be application/json");
    }
    return !headers->origin || g_strcmp0(headers->mark, "1") != 0
               ? web_reply_error(403, "a change needs the headers Origin and X-Wsiflow: 1")
               : NULL;
}

WebReply *web_check(const WebServer *server, struct MHD_Connection *connection, const char *method,
                    const char *path, WebHeaders *headers)
{
    *headers = (WebHeaders){0};
    Reading reading = {.server = server, .headers = headers};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, read_header, &reading);
    MHD_get_connection_values(connection, MHD_COOKIE_KIND, read_cookie, &reading);
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, read_query, &reading);
    WebReply *refusal = check_headers(&reading);
    if (refusal) {
        return refusal;
    }
    gboolean get = g_str_equal(method, "GET");
    if (!get && !g_str_equal(method, "PUT") && !g_str_equal(method, "POST") &&
        !g_str_equal(method, "DELETE")) {
        return web_reply_error(405, "the methods are GET, HEAD, PUT, POST and DELETE");
    }
    if (reading.queries > 1 || reading.bad_query || (reading.queries && (!get || !g_str_equal(path, "/")))) {
        return web_reply_error(400, "an address has no query but the token of the first page");
    }
    if (get && headers->body_bytes > 0) {
        return web_reply_error(400, "a GET has no body");
    }
    return get || !headers->cookie ? NULL : check_change(headers);
}
