/* What the files of the server share.  For web/ only. */
#pragma once
#include "web/access.h"
#include "web/queue.h"
#include "web/server.h"
#include "web/watch.h"
#include <microhttpd.h>

enum {
    WEB_LINE_BYTES = 4 << 10,
    WEB_HEADER_BYTES = 16 << 10,
    WEB_HEADER_LINES = 64,
    WEB_BODY_BYTES = 64 << 10,
    WEB_CONNECTIONS = 64,
    WEB_REQUEST_SECONDS = 10,
    WEB_REPLY_SECONDS = 60
};

struct WebServer {
    WebOptions options;
    int port;
    char *origin; /* "http://HOST:PORT" as it is printed */
    struct MHD_Daemon *daemon;
    WebAccess *access;
    WebQueue *queue;
    WebWatch *watch;
};

/* ---- exchange.c: one request and its answer; callbacks of libmicrohttpd ---- */
void *web_exchange_begin(void *server, const char *uri, struct MHD_Connection *connection);
enum MHD_Result web_exchange_continue(void *server, struct MHD_Connection *connection, const char *path,
                                      const char *method, const char *version, const char *body,
                                      size_t *body_bytes, void **exchange);
void web_exchange_end(void *server, struct MHD_Connection *connection, void **exchange,
                      enum MHD_RequestTerminationCode why);

/* Tells the address with the present token. */
void web_exchange_announce(WebServer *server);

/* ---- check.c ---- */
/* What a request's headers say. */
typedef struct {
    const char *host, *origin, *type, *mark;
    int64_t body_bytes; /* Content-Length; 0 when absent */
    gboolean cookie;    /* it has the cookie */
    const char *token;  /* of the query; NULL: no query */
} WebHeaders;
/* Reads the headers and checks all rules that do not depend on the route.  Returns NULL when the request may go on, else the refusal. */
WebReply *web_check(const WebServer *server, struct MHD_Connection *connection, const char *method,
                    const char *path, WebHeaders *headers);
