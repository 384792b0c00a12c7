/* What errors mean for the job table, and what a file is by its first bytes. */
#include "base/error.h"
#include "base/magic.h"
#include <errno.h>
#include <string.h>

/* What the job table does follows from the code: only a wrong file may park a job at once. */
static void test_codes_of_the_system(void)
{
    static const struct {
        int number, code;
    } cases[] = {{EIO, WSI_ERROR_IO},        {EMFILE, WSI_ERROR_IO},      {ENFILE, WSI_ERROR_IO},
                 {ENOMEM, WSI_ERROR_IO},     {ESTALE, WSI_ERROR_IO},      {ETIMEDOUT, WSI_ERROR_IO},
                 {ENOTCONN, WSI_ERROR_IO},   {EHOSTDOWN, WSI_ERROR_IO},   {ENOENT, WSI_ERROR_ABSENT},
                 {EACCES, WSI_ERROR_ABSENT}, {ENOTDIR, WSI_ERROR_ABSENT}, {ENOSPC, WSI_ERROR_FULL},
                 {EDQUOT, WSI_ERROR_FULL}};
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        errno = cases[i].number;
        g_assert_false(wsi_error_errno(&error, "cannot open", "a.svs"));
        g_assert_error(error, WSI_ERROR, cases[i].code);
        g_assert_true(wsi_error_is_system(error));
    }
    /* A name that is too long will be too long the next time, too. */
    g_autoptr(GError) input = NULL, found = NULL;
    errno = ENAMETOOLONG;
    g_assert_false(wsi_error_errno(&input, "cannot create", "a"));
    g_assert_error(input, WSI_ERROR, WSI_ERROR_INPUT);
    g_assert_false(wsi_error_is_system(input));
    g_autoptr(GError) glib = g_error_new(G_FILE_ERROR, G_FILE_ERROR_MFILE, "x"), error = NULL;
    g_assert_true(wsi_error_is_system(glib));
    g_assert_false(wsi_error_glib(&error, glib));
    g_assert_error(error, WSI_ERROR, WSI_ERROR_IO);
    /* A library reports by errno or by a text; errors about the file are not failures of the system. */
    static const int system[] = {EIO,       ENOMEM,      EMFILE,     ENFILE,    ESTALE, ETIMEDOUT,
                                 EHOSTDOWN, ENETUNREACH, ECONNRESET, ESHUTDOWN, ENODEV, ENOTCONN};
    static const int file[] = {0, ENOENT, EINVAL, ENOTTY, ENOSPC, EISDIR};
    for (guint i = 0; i < G_N_ELEMENTS(system); i++) {
        g_autofree char *text = g_strdup_printf("Couldn't read 4 bytes: %s", g_strerror(system[i]));
        for (int k = 0; k < 2; k++) {
            g_clear_error(&found);
            g_assert_true(
                wsi_error_library(&found, "cannot read", "a.svs", k ? text : NULL, k ? 0 : system[i]));
            g_assert_error(found, WSI_ERROR, WSI_ERROR_IO);
            g_assert_nonnull(strstr(found->message, g_strerror(system[i])));
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(file); i++) {
        g_assert_false(wsi_error_library(NULL, "cannot read", "a.svs", g_strerror(file[i]), file[i]));
    }
    g_assert_false(
        wsi_error_library(NULL, "cannot read", "a.svs", NULL, EAGAIN)); /* a lock leaves it behind */
}

/* One table for slides and annotations. */
static void test_magic(void)
{
    static const struct {
        const char *head;
        gsize bytes;
        const char *name; /* how the name begins; NULL: unknown */
    } cases[] = {{"\x89PNG\r\n\x1a\n", 8, "a PNG"},
                 {"\xff\xd8\xff\xe0", 4, "a JPEG image"},
                 {"\xef\xbb\xbf \n<HTML lang=en>", 19, "a web page"},
                 {"\x93NUMPY\1", 7, "a NumPy"},
                 {"MATLAB 5.0", 10, "a MATLAB"},
                 {"RIFF....WEBP", 12, "a WebP"},
                 {"bmp is how this text begins", 27, NULL},
                 {"PK", 2, NULL},
                 {"II*\0", 4, NULL},
                 {"", 0, NULL},
                 {" {\"type\": 1}", 13, "a text file (JSON"}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Magic *kind = magic_of(cases[i].head, cases[i].bytes);
        g_assert_cmpint(kind != NULL, ==, cases[i].name != NULL);
        g_assert_true(!kind || g_str_has_prefix(kind->name, cases[i].name));
    }
    char tar[512] = "slide.svs";
    memcpy(tar + 257, "ustar", 5);
    g_assert_cmpstr(magic_of(tar, sizeof tar)->hint, ==, "unpack it first");
    g_assert_null(magic_of(tar, 260));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/codes_of_the_system", test_codes_of_the_system);
    g_test_add_func("/magic/kinds", test_magic);
    return g_test_run();
}
