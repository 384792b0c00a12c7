/* A confined process changes files beneath its folders and nowhere else, starts no program and opens no connection. */
#include "base/confine.h"
#include "tests/test_folder.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *root;

static int make(const char *name)
{
    g_autofree char *path = g_build_filename(root, name, NULL);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    return fd < 0 ? errno : (close(fd), 0);
}

static int move(const char *from, const char *to)
{
    g_autofree char *old = g_build_filename(root, from, NULL), *fresh = g_build_filename(root, to, NULL);
    return g_rename(old, fresh) == 0 ? 0 : errno;
}

static int gone(const char *name)
{
    g_autofree char *path = g_build_filename(root, name, NULL);
    return g_unlink(path) == 0 ? 0 : errno;
}

static int cut(const char *name)
{
    g_autofree char *path = g_build_filename(root, name, NULL);
    return truncate(path, 0) == 0 ? 0 : errno;
}

/* EACCES, or ECONNREFUSED because nobody listens on port 1. */
static int call_out(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int number = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    return number;
}

static int start(void)
{
    char *const arguments[] = {(char *)"true", NULL};
    execv("/bin/true", arguments);
    return errno;
}

/* The number of the first line that is wrong, 0 when all is as it should be, 77 without Landlock. */
static int confined(void)
{
    g_autofree char *mine = g_build_filename(root, "mine", NULL), *text = NULL,
                    *other = g_build_filename(root, "other/file", NULL);
    gboolean done;
    if (!confine_writes((const char *const[]){mine, NULL}, &done, NULL)) {
        return 1;
    }
    const int checks[] = {
        make("mine/new") != 0,
        move("mine/new", "mine/sub/new") != 0,
        gone("mine/sub/new") != 0,
        make("other/new") != EACCES,
        make("other/file") != EACCES,
        cut("other/file") != EACCES,
        gone("other/file") != EACCES,
        move("other/file", "mine/file") != EACCES,
        move("mine/old", "other/old") != EACCES && move("mine/old", "other/old") != EXDEV,
        !g_file_get_contents(other, &text, NULL, NULL), /* reading stays */
        call_out() != EACCES,
        start() != EACCES,
    };
    for (size_t i = 0; done && i < G_N_ELEMENTS(checks); i++) {
        if (checks[i]) {
            return 10 + (int)i;
        }
    }
    return done ? 0 : 77;
}

static void test_confined(Folder *folder, gconstpointer unused)
{
    root = folder->path;
    for (const char *const *name = (const char *const[]){"mine", "mine/sub", "other", NULL}; *name; name++) {
        g_autofree char *path = g_build_filename(root, *name, NULL);
        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    }
    g_assert_cmpint(make("other/file"), ==, 0);
    g_assert_cmpint(make("mine/old"), ==, 0);
    int status;
    pid_t child = fork();
    if (child == 0) {
        _exit(confined());
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        g_test_skip("the kernel has no Landlock");
    } else {
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/confine/confined", Folder, NULL, set_up, test_confined, tear_down);
    return g_test_run();
}
