/* The parts of the server alone: which paths are routes, who is let in, in which order requests are done, and what bytes of any kind do to it. */
#include "web/access.h"
#include "web/queue.h"
#include "web/route.h"
#include "web/server.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- paths ---- */

static WebReply *nothing(const WebRequest *request, void *data)
{
    return web_reply_error(200, "nothing");
}

static const WebRoute routes[] = {{"GET", "/", nothing, WEB_DATA},
                                  {"GET", "/list", nothing, WEB_DATA},
                                  {"GET", "/list/#", nothing, WEB_DATA},
                                  {"PUT", "/list/#", nothing, WEB_DATA},
                                  {"GET", "/tile/#/#/#/#/#", nothing, WEB_PICTURE},
                                  {"GET", "/file/$", nothing, WEB_DATA},
                                  {"GET", "/file/$/of/$", nothing, WEB_DATA},
                                  {NULL, NULL, NULL, WEB_DATA}};

static const char *found(const char *method, const char *path, WebRequest *request)
{
    gboolean other;
    *request = (WebRequest){.method = method, .path = path};
    const WebRoute *route = web_route_find(routes, request, &other);
    return route ? route->pattern : other ? "other method" : "none";
}

static void test_paths(void)
{
    WebRequest request;
    g_assert_cmpstr(found("GET", "/", &request), ==, "/");
    g_assert_cmpstr(found("GET", "/list", &request), ==, "/list");
    g_assert_cmpstr(found("GET", "/list/0", &request), ==, "/list/#");
    g_assert_cmpstr(found("POST", "/list/0", &request), ==, "other method");
    g_assert_cmpstr(found("GET", "/tile/1/20/300/2147483647/5", &request), ==, "/tile/#/#/#/#/#");
    g_assert_cmpint(request.numbers[0], ==, 1);
    g_assert_cmpint(request.numbers[3], ==, G_MAXINT32);
    g_assert_cmpint(request.numbers[4], ==, 5);
    g_assert_cmpstr(found("GET", "/file/a-1_b.tar.gz/of/X", &request), ==, "/file/$/of/$");
    g_assert_cmpstr(request.names[0], ==, "a-1_b.tar.gz");
    g_assert_cmpstr(request.names[1], ==, "X");
    g_autofree char *longest = g_strnfill(WEB_NAME_BYTES, 'a'), *longer = g_strnfill(WEB_NAME_BYTES + 1, 'a');
    g_autofree char *fits = g_strconcat("/file/", longest, NULL),
                    *above = g_strconcat("/file/", longer, NULL);
    g_assert_cmpstr(found("GET", fits, &request), ==, "/file/$");
    g_assert_cmpstr(found("GET", above, &request), ==, "none");
}

static void test_not_paths(void)
{
    static const char *const wrong[] = {"",
                                        "list",
                                        "//",
                                        "//list",
                                        "/list/",
                                        "/list//0",
                                        "/list/00",
                                        "/list/01",
                                        "/list/-1",
                                        "/list/+1",
                                        "/list/ 1",
                                        "/list/1 ",
                                        "/list/2147483648",
                                        "/list/99999999999",
                                        "/list/18446744073709551617",
                                        "/list/0x1",
                                        "/list/1e1",
                                        "/list/1.0",
                                        "/list/%31",
                                        "/list/\xd9\xa1",
                                        "/LIST",
                                        "/list?x",
                                        "/list#",
                                        "/list;x",
                                        "/file/..",
                                        "/file/.",
                                        "/file/.a",
                                        "/file/-a",
                                        "/file/_a",
                                        "/file/a%2fb",
                                        "/file/a\\b",
                                        "/file/a b",
                                        "/file/a\tb",
                                        "/file/\xc3\xa4",
                                        "/file/a/of",
                                        "/file/a/of/",
                                        "/file/a/of/b/",
                                        "/file//of/b",
                                        "/file/../of/b",
                                        "http://127.0.0.1/list",
                                        "*",
                                        "/tile/1/2/3/4",
                                        "/tile/1/2/3/4/5/6",
                                        "/#",
                                        "/list/#",
                                        "/file/$"};
    WebRequest request;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_cmpstr(found("GET", wrong[i], &request), ==, "none");
    }
}

/* ---- who is let in ---- */

static void test_access(void)
{
    g_autoptr(WebAccess) access = web_access_new("192.0.2.7", 80, NULL);
    static const char *const ours[] = {"127.0.0.1:80", "localhost:80", "LocalHost:80", "[::1]:80",
                                       "192.0.2.7:80"},
                             *const foreign[] = {"",
                                                 "localhost",
                                                 "localhost:8",
                                                 "localhost:800",
                                                 " localhost:80",
                                                 "localhost:80 ",
                                                 "a.localhost:80",
                                                 "::1:80",
                                                 "192.0.2.8:80"};
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++) {
        g_autofree char *origin = g_strconcat("http://", ours[i], NULL);
        g_assert_true(web_access_host(access, ours[i]));
        g_assert_true(web_access_origin(access, origin, ours[i]));
        g_assert_false(web_access_origin(access, origin, "localhost:81"));
        g_assert_false(web_access_origin(access, ours[i], ours[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_assert_false(web_access_host(access, foreign[i]));
    }
    g_assert_false(web_access_host(access, NULL));
    g_assert_false(web_access_origin(access, NULL, ours[0]));
}

static void test_proxy(void)
{
    g_autoptr(WebAccess) access = web_access_new("192.0.2.7", 80, "slides.example");
    g_assert_true(web_access_host(access, "slides.example"));
    g_assert_true(web_access_origin(access, "https://slides.example", "slides.example"));
    g_assert_false(web_access_origin(access, "http://slides.example", "slides.example"));
    static const char *const foreign[] = {"192.0.2.7:80", "127.0.0.1:80", "localhost:80",
                                          "slides.example:80"};
    for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
        g_assert_false(web_access_host(access, foreign[i]));
    }
}

static void test_address(void)
{
    static const struct {
        const char *text;
        WebAddress kind;
    } cases[] = {{"0", WEB_ADDRESS_ANY},
                 {"0.0", WEB_ADDRESS_ANY},
                 {"00.0.0.0", WEB_ADDRESS_ANY},
                 {"::", WEB_ADDRESS_ANY},
                 {"::0", WEB_ADDRESS_ANY},
                 {"0:0:0:0:0:0:0:0", WEB_ADDRESS_ANY},
                 {"::ffff:0.0.0.0", WEB_ADDRESS_ANY},
                 {"127.0.0.1", WEB_ADDRESS_LOOPBACK},
                 {"127.1", WEB_ADDRESS_LOOPBACK},
                 {"::1", WEB_ADDRESS_LOOPBACK},
                 {"::ffff:127.0.0.1", WEB_ADDRESS_LOOPBACK},
                 {"192.0.2.7", WEB_ADDRESS_OTHER},
                 {"::ffff:192.0.2.7", WEB_ADDRESS_OTHER},
                 {"2001:db8::1", WEB_ADDRESS_OTHER},
                 {"127.0.0.1.example", WEB_ADDRESS_WRONG},
                 {"localhost", WEB_ADDRESS_WRONG},
                 {"[::]", WEB_ADDRESS_WRONG}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpint(web_address(cases[i].text), ==, cases[i].kind);
    }
}

static void test_secrets(void)
{
    g_autoptr(WebAccess) access = web_access_new("127.0.0.1", 80, NULL);
    g_autoptr(WebAccess) other = web_access_new("127.0.0.1", 80, NULL);
    g_autofree char *token = web_access_token(access), *foreign = web_access_token(other);
    g_assert_cmpuint(strlen(token), ==, 64);
    g_assert_cmpstr(token, !=, foreign);
    g_assert_cmpstr(token, !=, web_access_cookie(access));
    g_assert_false(web_access_spend(access, foreign));
    g_assert_false(web_access_spend(access, NULL));
    g_assert_false(web_access_spend(access, ""));
    for (int i = 0; i < 64; i++) { /* every digit counts */
        g_autofree char *near = g_strdup(token);
        near[i] = near[i] == '0' ? '1' : '0';
        g_assert_false(web_access_spend(access, near));
    }
    g_assert_true(web_access_spend(access, token));
    g_assert_false(web_access_spend(access, token));
    g_assert_true(web_access_is_cookie(access, web_access_cookie(access)));
    g_assert_false(web_access_is_cookie(access, web_access_cookie(other)));
    g_assert_false(web_access_is_cookie(access, NULL));
}

/* ---- replies ---- */

static void test_markup(void)
{
    WebReply *reply = web_reply_error(404, "%s & \xff", "</script><b a='1'>");
    gsize bytes;
    const char *text = g_bytes_get_data(reply->bytes, &bytes);
    g_autofree char *ended = g_strndup(text, bytes);
    g_assert_cmpint(reply->status, ==, 404);
    g_assert_null(strpbrk(ended, "<>&"));
    json_auto_t *json = json_loads(ended, 0, NULL);
    g_assert_cmpstr(json_string_value(json_object_get(json, "error")), ==,
                    "</script><b a='1'> & \xef\xbf\xbd");
    web_reply_free(reply);
}

/* ---- the order of requests ---- */

typedef struct {
    GMutex lock;
    GCond changed;
    GString *done;
    int ended;
    gboolean closed; /* pictures wait */
} Desk;

static WebReply *note(const WebRequest *request, void *data)
{
    Desk *desk = data;
    g_mutex_lock(&desk->lock);
    while (desk->closed && request->path[0] == 'p') {
        g_cond_wait(&desk->changed, &desk->lock);
    }
    g_string_append(desk->done, request->path);
    g_mutex_unlock(&desk->lock);
    return NULL;
}

static void ended(WebJob *job)
{
    Desk *desk = job->owner;
    g_mutex_lock(&desk->lock);
    desk->ended++;
    g_cond_broadcast(&desk->changed);
    g_mutex_unlock(&desk->lock);
}

static void wait_for(Desk *desk, int count)
{
    g_mutex_lock(&desk->lock);
    while (desk->ended < count) {
        g_cond_wait(&desk->changed, &desk->lock);
    }
    g_mutex_unlock(&desk->lock);
}

static void test_order(void)
{
    static const WebRoute picture = {"GET", "/", note, WEB_PICTURE}, data = {"GET", "/", note, WEB_DATA};
    static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "d0", "d1"};
    Desk desk = {.done = g_string_new(NULL), .closed = TRUE};
    int pair[2], gone[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, gone), ==, 0);
    close(gone[1]);
    WebQueue *queue = web_queue_new(1, &desk);
    WebJob jobs[G_N_ELEMENTS(names)];
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        jobs[i] = (WebJob){.route = names[i][0] == 'p' ? &picture : &data,
                           .request = {.path = names[i]},
                           .socket = i == 2 ? gone[0] : pair[0],
                           .ended = ended,
                           .owner = &desk};
        web_queue_push(queue, &jobs[i]);
    }
    wait_for(&desk, 2); /* data do not wait for pictures */
    g_mutex_lock(&desk.lock);
    g_assert_cmpstr(desk.done->str, ==, "d0d1");
    desk.closed = FALSE;
    g_cond_broadcast(&desk.changed);
    g_mutex_unlock(&desk.lock);
    wait_for(&desk, G_N_ELEMENTS(names));
    /* One of them was begun before the others came; then the newest first.  Nobody waits for p2. */
    g_assert_true(g_str_equal(desk.done->str, "d0d1p0p4p3p1") ||
                  g_str_equal(desk.done->str, "d0d1p1p4p3p0") ||
                  g_str_equal(desk.done->str, "d0d1p4p3p1p0") || g_str_equal(desk.done->str, "d0d1p3p4p1p0"));
    web_queue_stop(queue);
    web_queue_push(queue, &jobs[0]); /* ends at once */
    g_assert_cmpint(desk.ended, ==, (int)G_N_ELEMENTS(names) + 1);
    web_queue_free(queue);
    g_string_free(desk.done, TRUE);
    close(pair[0]);
    close(pair[1]);
    close(gone[0]);
}

/* ---- bytes of any kind ---- */

typedef struct {
    GMutex lock;
    char *address;
} Announced;

static void announce(const char *address, void *data)
{
    Announced *announced = data;
    g_mutex_lock(&announced->lock);
    g_free(announced->address);
    announced->address = g_strdup(address);
    g_mutex_unlock(&announced->lock);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

/* What the server sends to these bytes, as far as it comes within `ms` of the last part.  Caller frees. */
static char *ask(int port, const void *data, size_t bytes, int ms)
{
    GString *out = g_string_new(NULL);
    char part[4096];
    int fd = connect_to(port);
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (size_t sent = 0; sent < bytes;) {
        ssize_t n = send(fd, (const char *)data + sent, bytes - sent, MSG_NOSIGNAL);
        if (n <= 0) {
            break;
        }
        sent += (size_t)n;
    }
    /* An answer may leave the connection open. */
    for (ssize_t n = 1; n > 0 && !strstr(out->str, "\r\n\r\n");) {
        n = recv(fd, part, sizeof part, 0);
        g_string_append_len(out, part, MAX(0, n));
    }
    close(fd);
    return g_string_free(out, FALSE);
}

/* Changes, removes, repeats or inserts some bytes. */
static void spoil(GByteArray *text, GRand *chance)
{
    for (int k = g_rand_int_range(chance, 1, 6); k > 0 && text->len > 0; k--) {
        guint at = (guint)g_rand_int_range(chance, 0, (gint32)text->len);
        switch (g_rand_int_range(chance, 0, 4)) {
        case 0:
            text->data[at] = (guint8)g_rand_int_range(chance, 0, 256);
            break;
        case 1:
            g_byte_array_remove_range(text, at,
                                      (guint)g_rand_int_range(chance, 1, (gint32)(text->len - at) + 1));
            break;
        case 2: {
            g_autofree guint8 *copy = g_memdup2(text->data + at, text->len - at);
            g_byte_array_append(text, copy, text->len - at);
            break;
        }
        default: {
            g_autofree guint8 *filler = g_malloc(3000);
            memset(filler, g_rand_int_range(chance, 0, 256), 3000);
            g_byte_array_append(text, filler, (guint)g_rand_int_range(chance, 1, 3000));
        }
        }
    }
}

static void test_any_bytes(void)
{
    Announced announced = {.address = NULL};
    const WebOptions options = {
        .address = "127.0.0.1", .routes = routes, .data = &announced, .threads = 2, .announce = announce};
    g_autoptr(GError) error = NULL;
    WebServer *server = web_server_start(&options, &error);
    g_assert_no_error(error);
    int port = web_server_port(server);
    static const char *const requests[] = {
        "GET /list/1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nCookie: a=b; wsiflow-%d=0\r\nAccept: */*\r\n\r\n",
        "GET /?token=00 HTTP/1.1\r\nHost: localhost:%d\r\nX: %d\r\n\r\n",
        "PUT /list/1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 5\r\nContent-Type: "
        "application/json\r\nX: %d\r\n\r\nhello",
        "PUT /list/1 HTTP/1.1\r\nHost: [::1]:%d\r\nTransfer-Encoding: chunked\r\nX: "
        "%d\r\n\r\n5\r\nhello\r\n0\r\n\r\n"};
    g_autoptr(GRand) chance = g_rand_new_with_seed(12);
    int answers = 0;
    for (int n = 0; n < 1000; n++) {
        g_autofree char *request = NULL;
        g_autoptr(GByteArray) text = g_byte_array_new();
        const char *form = requests[n % (int)G_N_ELEMENTS(requests)];
        g_auto(GStrv) parts = g_strsplit(form, "%d", -1);
        g_autofree char *number = g_strdup_printf("%d", port);
        request = g_strjoinv(number, parts);
        g_byte_array_append(text, (const guint8 *)request, (guint)strlen(request));
        spoil(text, chance);
        g_autofree char *answer = ask(port, text->data, text->len, 20);
        answers += *answer != 0;
        /* Nobody has the cookie, so nobody gets anything; and nothing is a failure of the server. */
        g_assert_false(g_str_has_prefix(answer, "HTTP/1.1 2"));
        g_assert_false(g_str_has_prefix(answer, "HTTP/1.1 500"));
    }
    g_assert_cmpint(answers, >, 100);
    /* It still lets in who has the token, once. */
    g_autofree char *token = g_strdup(strstr(announced.address, "/?token="));
    g_autofree char *enter = g_strdup_printf("GET %s HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", token, port);
    g_autofree char *in = ask(port, enter, strlen(enter), 20000),
                    *again = ask(port, enter, strlen(enter), 20000);
    g_assert_true(g_str_has_prefix(in, "HTTP/1.1 303"));
    g_assert_true(g_str_has_prefix(again, "HTTP/1.1 401"));
    /* A connection that sends nothing does not keep the server from ending. */
    int idle = connect_to(port);
    web_server_stop(server);
    close(idle);
    g_free(announced.address);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/web/paths", test_paths);
    g_test_add_func("/web/not_paths", test_not_paths);
    g_test_add_func("/web/access", test_access);
    g_test_add_func("/web/proxy", test_proxy);
    g_test_add_func("/web/address", test_address);
    g_test_add_func("/web/secrets", test_secrets);
    g_test_add_func("/web/markup", test_markup);
    g_test_add_func("/web/order", test_order);
    g_test_add_func("/web/any_bytes", test_any_bytes);
    return g_test_run();
}
