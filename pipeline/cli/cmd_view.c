/* view: the page on which the results of a run are looked at. */
#include "base/confine.h"
#include "base/error.h"
#include "base/pool.h"
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/view/routes.h"
#include "pipeline/view/view.h"
#include "web/access.h"
#include "web/server.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that the page keeps in memory besides the program itself; independent of the number of slides. */
enum { MIB = 1 << 20, OPEN_SLIDES = 3, SLIDE_MIB = 30, PICTURES_MIB = 40, MAPS_MIB = 96, MOST_THREADS = 8 };

/* The first port that is tried, and how many when none is given. */
enum { FIRST_PORT = 8750, PORTS = 20 };

static const char leaflet_folder[] = "/usr/share/javascript/leaflet";

static void announce(const char *address, void *data)
{
    printf("open %s\n", address);
    fflush(stdout);
}

/* FALSE with an error when the folder does not have what the page needs. */
static gboolean check_leaflet(const char *folder, GError **error)
{
    static const char *const files[] = {"leaflet.js", "leaflet.css"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i], NULL);
        if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_ABSENT,
                        "%s is missing: install the package libjs-leaflet, or name the folder of Leaflet by "
                        "--leaflet",
                        path);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean check_address(const char *address, const char *proxy, GError **error)
{
    const WebAddress kind = web_address(address);
    if (kind == WEB_ADDRESS_WRONG) {
        return wsi_error_input(error, "--listen %s is not a numeric address", address);
    }
    if (kind == WEB_ADDRESS_ANY) {
        return wsi_error_input(error, "--listen %s: name the one address that is meant, not all", address);
    }
    if (kind == WEB_ADDRESS_OTHER && !proxy) {
        return wsi_error_input(
            error,
            "--listen %s: what the page shows would travel unencrypted. Leave it at 127.0.0.1 and "
            "use ssh -L 8750:127.0.0.1:8750 %s from the other machine, or put a proxy with TLS "
            "before it and give the name that browsers know: --behind-proxy NAME",
            address, g_get_host_name());
    }
    if (proxy && (!*proxy || strpbrk(proxy, "/@ "))) {
        return wsi_error_input(error, "--behind-proxy %s: a name, or NAME:PORT, is needed", proxy);
    }
    return TRUE;
}

/* At the given port; else at the first free one of a few, so that it is usually the same, or at any. */
static WebServer *start(WebOptions *options, int port, GError **error)
{
    for (int i = 0; port == 0 && i < PORTS; i++) {
        g_autoptr(GError) why = NULL;
        options->port = FIRST_PORT + i;
        WebServer *server = web_server_start(options, &why);
        if (server || !g_error_matches(why, WSI_ERROR, WSI_ERROR_ABSENT)) {
            if (why) {
                g_propagate_error(error, g_steal_pointer(&why));
            }
            return server;
        }
    }
    options->port = port;
    return web_server_start(options, error);
}

static void print_tunnel(const WebServer *server, const WebOptions *options)
{
    int port = web_server_port(server);
    if (options->proxy) {
        printf("the proxy reaches it at %s port %d; it must pass the Host header on\n", options->address,
               port);
    } else {
        printf("from another machine: ssh -L %d:%s:%d %s, then open the same address there\n", port,
               options->address, port, g_get_host_name());
    }
    printf("Ctrl-C ends it\n");
    fflush(stdout);
}

/* What there is of a review, and what of it is on regions that the run no longer has. */
static void print_review(const View *view)
{
    g_autoptr(GError) why = NULL;
    ReviewState state;
    const char *read_only = review_desk_read_only(view->desk);
    if (read_only) {
        fprintf(stderr, "wsiflow view: the review can only be read: %s\n", read_only);
    }
    if (!review_desk_state(view->desk, &state, &why)) {
        fprintf(stderr, "wsiflow view: the review: %s\n", why->message);
    } else if (state.decisions + state.unlisted + state.overruled > 0) {
        printf("review: %d decisions on regions", state.decisions);
        if (state.orphaned > 0) {
            printf(
                ", %d of them on regions that the run no longer has (%d at the same place as a present one)",
                state.orphaned, state.matched);
        }
        if (state.overruled > 0) {
            printf("; %d older decisions or drawn regions have no outline, as newer ones cover them",
                   state.overruled);
        }
        if (state.unlisted > 0) {
            printf("; %d reviewed slides are not in the run any more", state.unlisted);
        }
        printf("\n");
        fflush(stdout);
    }
}

/* Ctrl-C, SIGTERM and the end of the terminal arrive here.  A signal may be given to any thread, also to those that a library started before main,
 * so a mask of this thread would not hold it back: a handler writes to a pipe, and this thread waits for the other end. */
static int ended[2];

static void note_end(int number)
{
    const int before = errno;
    (void)!write(ended[1], "", 1);
    errno = before;
}

static gboolean catch_ends(GError **error)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = note_end, .sa_flags = SA_RESTART};
    if (pipe2(ended, O_CLOEXEC | O_NONBLOCK) != 0) {
        return wsi_error_errno(error, "cannot open", "a pipe");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct sigaction before;
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) { /* nohup */
            sigaction(ends[i], &action, NULL);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    return TRUE;
}

static void wait_for_end(void)
{
    struct pollfd end = {.fd = ended[0], .events = POLLIN};
    while (poll(&end, 1, -1) <= 0) {
    }
}

/* A slide is a file of others, and its decoder may have faults: what must not happen is made impossible.  Folders for temporary files hold copies of job
 * tables that cannot be written. */
static gboolean confine(const View *view, GError **error)
{
    const char *folders[VIEW_RUNS + 2] = {g_get_tmp_dir()};
    gboolean confined;
    for (int i = 0; i < VIEW_RUNS && view->runs[i]; i++) {
        folders[i + 1] = run_view_folder(view->runs[i]);
    }
    if (!confine_writes(folders, &confined, error)) {
        return FALSE;
    }
    if (!confined) {
        fprintf(
            stderr,
            "wsiflow view: this kernel has no Landlock, so the server is not kept from writing elsewhere\n");
    }
    return TRUE;
}

static gboolean serve(View *view, const char *address, const char *proxy, int port, GError **error)
{
    WebOptions options = {.address = address,
                          .proxy = proxy,
                          .routes = view_routes,
                          .data = view,
                          .threads = MIN(pool_processors(), MOST_THREADS),
                          .announce = announce};
    g_autoptr(WebServer) server = catch_ends(error) ? start(&options, port, error) : NULL;
    if (!server) {
        return FALSE;
    }
    print_tunnel(server, &options);
    print_review(view);
    wait_for_end();
    return TRUE;
}

static void print_unmatched(const RunView *run, const RunView *other)
{
    for (guint i = 0; i < run_view_slides(run)->len; i++) {
        const SlideEntry *entry = run_view_slides(run)->pdata[i];
        if (run_view_find(other, entry->id) < 0) {
            fprintf(stderr, "wsiflow view: slide %s is only in %s\n", entry->id, run_view_folder(run));
        }
    }
}

static gboolean open_runs(View *view, const char *folder, const char *compare, GError **error)
{
    view->runs[0] = run_view_open(folder, error);
    view->runs[1] = view->runs[0] && compare ? run_view_open(compare, error) : NULL;
    if (!view->runs[0] || (compare && !view->runs[1])) {
        return FALSE;
    }
    view->desk = review_desk_open(folder, run_view_slides(view->runs[0]), g_get_user_name(), error);
    if (!view->desk) {
        return FALSE;
    }
    if (compare) {
        print_unmatched(view->runs[0], view->runs[1]);
        print_unmatched(view->runs[1], view->runs[0]);
    }
    return TRUE;
}

static void view_clear(View *view)
{
    review_desk_free(view->desk);
    slide_pool_free(view->slides);
    byte_cache_free(view->pictures);
    byte_cache_free(view->maps);
    run_view_free(view->runs[0]);
    run_view_free(view->runs[1]);
    g_free(view->leaflet);
}

static int view_run(int argc, char **argv, GError **error)
{
    g_autofree char *address = NULL, *proxy = NULL, *leaflet = NULL, *compare = NULL;
    int port = 0, code;
    GOptionEntry entries[] = {
        {"port", 'p', 0, G_OPTION_ARG_INT, &port,
         "port to listen on (default: the first free one from 8750 on)", "N"},
        {"listen", 0, 0, G_OPTION_ARG_STRING, &address,
         "address of this machine to listen on (default: 127.0.0.1); others need --behind-proxy", "ADDRESS"},
        {"behind-proxy", 0, 0, G_OPTION_ARG_STRING, &proxy,
         "a proxy with TLS is before it, and browsers know it by this name", "NAME"},
        {"compare", 0, 0, G_OPTION_ARG_FILENAME, &compare, "a second run, whose score maps are shown beside",
         "RUN"},
        {"leaflet", 0, 0, G_OPTION_ARG_FILENAME, &leaflet,
         "folder of leaflet.js (default: /usr/share/javascript/leaflet)", "DIR"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_view, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc != 2) {
        return command_misused(error, "the folder of a run is required: wsiflow view RUN");
    }
    if (port < 0 || port > 65535) {
        return command_misused(error, "--port %d: a port is from 1 to 65535", port);
    }
    umask(umask(0) | 077);
    View view = {.slides = slide_pool_new(OPEN_SLIDES, (size_t)SLIDE_MIB * MIB),
                 .pictures = byte_cache_new((gsize)PICTURES_MIB * MIB),
                 .maps = byte_cache_new((gsize)MAPS_MIB * MIB),
                 .leaflet = g_strdup(leaflet ? leaflet : leaflet_folder)};
    const char *listen = address ? address : "127.0.0.1";
    gboolean good = check_address(listen, proxy, error) && check_leaflet(view.leaflet, error) &&
                    open_runs(&view, argv[1], compare, error) && confine(&view, error) &&
                    serve(&view, listen, proxy, port, error);
    view_clear(&view);
    return good ? EXIT_DONE : EXIT_FAILED;
}

const Command command_view = {"view", "RUN [--compare RUN]",
                              "show the results of a run in a browser, for review", NULL, view_run};
