/* What reaches the disk and in which order, and the error of a read that returns too little.  This program replaces the system calls by functions
 * that record their arguments and pass them on. */
#include "base/durable.h"
#include "base/error.h"
#include "base/image.h"
#include "tiler/pyramid/pyramid.h"
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static GPtrArray *flushed;    /* names of the files that were flushed */
static gboolean nothing_left; /* pread() returns 0 bytes, as at the end of a file */

int fsync(int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", descriptor);
    g_ptr_array_add(flushed, g_file_read_link(link, NULL));
    return real(descriptor);
}

ssize_t pread(int descriptor, void *to, size_t bytes, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t) =
        (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    return nothing_left ? 0 : real(descriptor, to, bytes, at);
}

static gboolean was_flushed(const char *folder, const char *below)
{
    g_autofree char *path = *below ? g_build_filename(folder, below, NULL) : g_strdup(folder);
    return g_ptr_array_find_with_equal_func(flushed, path, g_str_equal, NULL);
}

/* A file in three new folders: each folder is flushed into its parent before the file is reported as written. */
static void test_folders_on_the_way(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *made = g_dir_make_tmp("wsiflow-calls-XXXXXX", NULL),
                    *folder = g_canonicalize_filename(made, NULL);
    g_autofree char *path = g_build_filename(folder, "a", "b", "c", "file", NULL);
    g_autofree char *moved = g_build_filename(folder, "d", "e", "file", NULL);
    g_autofree char *linked = g_build_filename(folder, "f", "g", "file", NULL);
    g_assert_true(durable_write_file(path, "x", 1, NULL, &error));
    for (const char *const *below = (const char *const[]){"", "a", "a/b", "a/b/c", NULL}; *below; below++) {
        g_assert_true(was_flushed(folder, *below));
    }
    g_ptr_array_set_size(flushed, 0);
    g_assert_true(durable_link(path, linked, &error));
    g_assert_true(was_flushed(folder, "") && was_flushed(folder, "f") && was_flushed(folder, "f/g"));
    g_ptr_array_set_size(flushed, 0);
    g_assert_true(durable_move(path, moved, &error));
    g_assert_true(was_flushed(folder, "") && was_flushed(folder, "d") && was_flushed(folder, "d/e") &&
                  was_flushed(folder, "a/b/c"));
    g_ptr_array_set_size(flushed, 0);
    g_assert_true(durable_write_file(moved, "y", 1, NULL,
                                     &error)); /* the folders exist now: only the last is flushed */
    g_assert_false(was_flushed(folder, ""));
    g_assert_true(was_flushed(folder, "d/e"));
    g_assert_no_error(error);
}

static gboolean grey(void *data, int64_t y, int rows, void *pixels, GError **error)
{
    memset(pixels, (int)(y & 255), (size_t)rows * 1024);
    return TRUE;
}

/* The lower levels of a pyramid are read back from a file of their own. */
static void test_short_read(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("wsiflow-calls-XXXXXX", NULL),
                    *path = g_build_filename(folder, "p.tif", NULL);
    PyramidSpec spec = {.pixels = PYRAMID_LABEL,
                        .width = 1024,
                        .height = 1024,
                        .mpp_x = 1,
                        .mpp_y = 1,
                        .tile = 64,
                        .min_size = 64};
    nothing_left = TRUE;
    errno = ENOTTY; /* from an earlier call: must not be reported */
    gboolean ok = pyramid_write(path, &spec, grey, NULL, NULL, &error);
    nothing_left = FALSE;
    g_assert_false(ok);
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "too early"));
    g_assert_null(strstr(error->message, g_strerror(ENOTTY)));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    flushed = g_ptr_array_new_with_free_func(g_free);
    g_test_add_func("/disk/folders_on_the_way", test_folders_on_the_way);
    g_test_add_func("/disk/short_read", test_short_read);
    return g_test_run();
}
