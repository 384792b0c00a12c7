/* The server's start and end.  The listening socket is made here, so that the reason is known when it cannot be. */
#include "web/server_private.h"
#include "base/error.h"
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests that leave room for two readings are refused. */
#if MHD_VERSION >= 0x00097701
#define STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICT MHD_OPTION_STRICT_FOR_CLIENT
#endif

/* libmicrohttpd reports clients that break off or send nonsense; both are normal. */
static void ignore(void *data, const char *format, va_list args)
{
}

/* Paths are compared as they come. */
static size_t no_decoding(void *data, struct MHD_Connection *connection, char *text)
{
    return strlen(text);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    WebServer *server = data;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *context = web_watch_add(server->watch, socket);
        web_watch_allow(server->watch, *context, WEB_REQUEST_SECONDS);
    } else if (*context) {
        web_watch_remove(server->watch, *context);
        *context = NULL;
    }
}

/* The port that a socket got; -1 with errno. */
static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t bytes = sizeof address;
    char port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&address, &bytes) != 0 ||
        getnameinfo((struct sockaddr *)&address, bytes, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0) {
        return -1;
    }
    return (int)g_ascii_strtoll(port, NULL, 10);
}

static int listen_on(const WebOptions *options, GError **error)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM},
                    *found;
    g_autofree char *service = g_strdup_printf("%d", options->port);
    int why = getaddrinfo(options->address, service, &hints, &found);
    if (why != 0) {
        wsi_error_input(error, "%s is not a numeric address", options->address);
        return -1;
    }
    int fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0), on = 1;
    /* A port whose last connections are still fading away may be taken; one that somebody listens on may not. */
    gboolean good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                    bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 64) == 0;
    int number = errno;
    freeaddrinfo(found);
    if (good) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    g_set_error(error, WSI_ERROR, number == EADDRINUSE ? WSI_ERROR_ABSENT : WSI_ERROR_INPUT,
                "cannot listen on %s port %d: %s", options->address, options->port,
                number == EADDRINUSE ? "another program uses this port" : g_strerror(number));
    return -1;
}

WebServer *web_server_start(const WebOptions *options, GError **error)
{
    int fd = listen_on(options, error);
    if (fd < 0) {
        return NULL;
    }
    WebServer *server = g_new0(WebServer, 1);
    server->options = *options;
    server->port = port_of(fd);
    gboolean v6 = strchr(options->address, ':') != NULL;
    server->origin = options->proxy ? g_strconcat("https://", options->proxy, NULL)
                                    : g_strdup_printf("http://%s%s%s:%d", v6 ? "[" : "", options->address,
                                                      v6 ? "]" : "", server->port);
    server->access = web_access_new(options->address, server->port, options->proxy);
    server->watch = web_watch_new();
    server->queue = web_queue_new(options->threads, options->data);
    /* The memory of a connection holds the request line, the headers and the headers of the answer. */
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        web_exchange_continue, server, MHD_OPTION_EXTERNAL_LOGGER, ignore, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_LINE_BYTES + 2 * WEB_HEADER_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)WEB_REQUEST_SECONDS, STRICT, 1, MHD_OPTION_UNESCAPE_CALLBACK, no_decoding, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, web_exchange_begin,
        server, MHD_OPTION_NOTIFY_COMPLETED, web_exchange_end, server, MHD_OPTION_END);
    if (!server->daemon) {
        close(fd);
        web_server_stop(server);
        g_set_error(error, WSI_ERROR, WSI_ERROR_IO, "the server on port %d cannot be started", options->port);
        return NULL;
    }
    web_exchange_announce(server);
    return server;
}

int web_server_port(const WebServer *server)
{
    return server->port;
}

void web_server_stop(WebServer *server)
{
    if (!server) {
        return;
    }
    /* No connection may be suspended when the daemon ends. */
    web_queue_stop(server->queue);
    if (server->daemon) {
        MHD_stop_daemon(server->daemon);
    }
    web_queue_free(server->queue);
    web_watch_free(server->watch);
    web_access_free(server->access);
    g_free(server->origin);
    g_free(server);
}

char *web_versions(void)
{
    return g_strdup_printf("libmicrohttpd %s", MHD_get_version());
}
