/* A folder for each test of base/, and what is asked of it. */
#pragma once
#include <glib.h>
#include <glib/gstdio.h>

typedef struct {
    char *path;
} Folder;

static inline void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        remove_tree(inner);
    }
    g_remove(path);
}

static inline void set_up(Folder *folder, gconstpointer unused)
{
    folder->path = g_dir_make_tmp("wsiflow-base-XXXXXX", NULL);
    g_assert_nonnull(folder->path);
}

static inline void tear_down(Folder *folder, gconstpointer unused)
{
    remove_tree(folder->path);
    g_free(folder->path);
}

static inline int count_files(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    int count = 0;
    while (dir && g_dir_read_name(dir)) {
        count++;
    }
    return count;
}

static inline char *inside(const Folder *folder, const char *name)
{
    return g_build_filename(folder->path, name, NULL);
}

static inline void assert_content(const char *path, const char *expected)
{
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}
