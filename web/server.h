/* A small HTTP/1.1 server for one person's browser, by libmicrohttpd.
 *
 * Loopback by default; a token and a cookie (access.h); exact Host and Origin; paths of words, numbers and plain names only (route.h), nothing
 * decoded; no query but the token; no chunked requests.  Limits: 4 KiB of request line, 16 KiB and 64 lines of headers, 64 KiB of body, 64
 * connections, 10 s to send a request and 60 s to take an answer.  What changes something (PUT, POST, DELETE) needs the headers
 * `Content-Type: application/json` and `X-Wsiflow: 1` and the page's own Origin, none of which a foreign page can send. */
#pragma once
#include "web/request.h"

typedef struct {
    const char *address; /* numeric, of this machine */
    int port;            /* 0: any that is free */
    const char
        *proxy; /* NAME or NAME:PORT of a proxy with TLS before this server (web_access_new), or NULL */
    const WebRoute *routes; /* ends with a NULL pattern */
    void *data;             /* for the routes */
    int threads;            /* that make pictures at the same time */
    /* The address with the token, each time that there is a new one: after the start and after each use.  Called from any thread. */
    void (*announce)(const char *address, void *data);
} WebOptions;

typedef struct WebServer WebServer;

/* WSI_ERROR_ABSENT when the port is in use; WSI_ERROR_INPUT for an address that is not of this machine. */
WebServer *web_server_start(const WebOptions *options, GError **error);
int web_server_port(const WebServer *server);
/* Ends the running answers and all connections. */
void web_server_stop(WebServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WebServer, web_server_stop)
/* Name and version of the library.  Caller frees. */
char *web_versions(void);
