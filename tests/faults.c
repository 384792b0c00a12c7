/* Loaded in front of libc by tests/lib.sh (with_faults): calls that name a file fail or stop the process.
 *
 * FAULT_NAME   the last part of the path, or what the path ends with when it begins with '*'
 * FAULT_CALL   open, read, write, rename, unlink, stat or readdir (of a file, or of a descriptor that was opened by that name)
 * FAULT_ERRNO  what such a call fails with; 0: the process stops itself (SIGSTOP) before the call
 * FAULT_SKIP   so many calls in each process are let through first
 * FAULT_WHILE  a file: calls fail as long as it is there
 * FAULT_LOG    a file that gets a line with the process id for each call that was hit; with FAULT_ERRNO=0 only the first is */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static int named(const char *path)
{
    const char *wanted = setting("FAULT_NAME"), *end = strrchr(path, '/');
    size_t length = strlen(path), tail = strlen(wanted);
    if (*wanted != '*') {
        return !strcmp(end ? end + 1 : path, wanted);
    }
    return length >= tail - 1 && !strcmp(path + length - (tail - 1), wanted + 1);
}

/* 1 when the call is to fail; errno is set. */
static int hit(const char *call, const char *path)
{
    static int calls;
    const char *until = setting("FAULT_WHILE"), *log = setting("FAULT_LOG");
    int code = (int)strtol(setting("FAULT_ERRNO"), NULL, 10);
    if (strcmp(call, setting("FAULT_CALL")) || !named(path) || (*until && access(until, F_OK)) ||
        __sync_fetch_and_add(&calls, 1) < strtol(setting("FAULT_SKIP"), NULL, 10)) {
        return 0;
    }
    FILE *(*open_log)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    FILE *file = *log ? open_log(log, code ? "a" : "wx") : NULL;
    if (file) {
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
    }
    if (!code && file) {
        raise(SIGSTOP);
    }
    errno = code;
    return code != 0;
}

static int hit_descriptor(const char *call, int descriptor)
{
    char link[64], path[4096];
    if (strcmp(call, setting("FAULT_CALL"))) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return hit(call, path);
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))
typedef int (*OpenCall)(const char *, int, ...);

#define OPEN(name)                                                                \
    int name(const char *path, int flags, ...)                                    \
    {                                                                             \
        va_list rest;                                                             \
        va_start(rest, flags);                                                    \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;   \
        va_end(rest);                                                             \
        return hit("open", path) ? -1 : REAL(#name, OpenCall)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)

#define FOPEN(name)                                                                                        \
    FILE *name(const char *path, const char *mode)                                                         \
    {                                                                                                      \
        return hit("open", path) ? NULL : REAL(#name, FILE * (*)(const char *, const char *))(path, mode); \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define PREAD(name)                                                                          \
    ssize_t name(int fd, void *to, size_t bytes, off_t at)                                   \
    {                                                                                        \
        return hit_descriptor("read", fd)                                                    \
                   ? -1                                                                      \
                   : REAL(#name, ssize_t(*)(int, void *, size_t, off_t))(fd, to, bytes, at); \
    }
PREAD(pread)
PREAD(pread64)

ssize_t read(int fd, void *to, size_t bytes)
{
    return hit_descriptor("read", fd) ? -1 : REAL("read", ssize_t(*)(int, void *, size_t))(fd, to, bytes);
}

ssize_t write(int fd, const void *from, size_t bytes)
{
    return hit_descriptor("write", fd)
               ? -1
               : REAL("write", ssize_t(*)(int, const void *, size_t))(fd, from, bytes);
}

int rename(const char *from, const char *to)
{
    return hit("rename", to) ? -1 : REAL("rename", int (*)(const char *, const char *))(from, to);
}

int unlink(const char *path)
{
    return hit("unlink", path) ? -1 : REAL("unlink", int (*)(const char *))(path);
}

#define STAT(name, type)                                                                              \
    int name(const char *path, struct type *out)                                                      \
    {                                                                                                 \
        return hit("stat", path) ? -1 : REAL(#name, int (*)(const char *, struct type *))(path, out); \
    }
STAT(stat, stat)
STAT(stat64, stat64)

#define READDIR(name, type)                                                                               \
    struct type *name(DIR *dir)                                                                           \
    {                                                                                                     \
        return hit_descriptor("readdir", dirfd(dir)) ? NULL : REAL(#name, struct type * (*)(DIR *))(dir); \
    }
READDIR(readdir, dirent)
READDIR(readdir64, dirent64)
