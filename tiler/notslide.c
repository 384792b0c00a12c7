/* Known beginnings, in the order in which they are looked for; what has none may still be text. */
#include "tiler/notslide.h"
#include "base/error.h"
#include "tiler/tiffpages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum { HEAD = 4096 };

static const struct {
    int at;
    const char *bytes;
    int count;
    const char *reason;
} kinds[] = {
#define BEGINS(text, reason)             \
    {                                    \
        0, text, sizeof text - 1, reason \
    }
    BEGINS("version https://git-lfs",
           "it is a Git LFS pointer, not the file itself (git lfs pull fetches it)"),
    BEGINS("/annex/objects/", "it is a git-annex pointer, not the file itself (git annex get fetches it)"),
    BEGINS("<!doctype html", "it is a web page (HTML), as a failed download leaves"),
    BEGINS("<html", "it is a web page (HTML), as a failed download leaves"),
    BEGINS("<?xml", "it is an XML document"),
    BEGINS("{", "it is a text file (JSON?)"),
    BEGINS("\x89PNG\r\n", "it is a PNG picture"),
    BEGINS("\xff\xd8\xff", "it is a JPEG picture"),
    BEGINS("\0\0\0\x0cjP  ", "it is a JPEG 2000 picture"),
    BEGINS("BM", "it is a BMP picture"),
    BEGINS("GIF8", "it is a GIF picture"),
    BEGINS("%PDF", "it is a PDF document"),
    BEGINS("PK\3\4", "it is a ZIP archive: unpack it first"),
    BEGINS("\x1f\x8b", "it is compressed (gzip): unpack it first"),
    BEGINS("Rar!", "it is a RAR archive: unpack it first"),
    BEGINS("7z\xbc\xaf", "it is a 7z archive: unpack it first"),
    BEGINS("ZISRAWFILE",
           "it is Zeiss CZI, which the installed OpenSlide does not read: convert it to a tiled TIFF"),
    BEGINS("\x89HDF", "it is an HDF5 file"),
#undef BEGINS
    {128, "DICM", 4, "it is DICOM, which the installed OpenSlide does not read: convert it to a tiled TIFF"},
    {257, "ustar", 5, "it is a tar archive: unpack it first"},
};

static gboolean begins(const guchar *head, gsize bytes, gsize kind)
{
    const gsize at = (gsize)kinds[kind].at, count = (gsize)kinds[kind].count;
    for (gsize i = 0; i < count; i++) {
        if (at + i >= bytes || g_ascii_tolower((char)head[at + i]) != g_ascii_tolower(kinds[kind].bytes[i])) {
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean is_text(const guchar *head, gsize bytes)
{
    for (gsize i = 0; i < bytes; i++) {
        if (head[i] < ' ' && !g_ascii_isspace((char)head[i])) {
            return FALSE;
        }
    }
    const char *end;
    g_utf8_validate((const char *)head, (gssize)bytes, &end);
    return (gsize)(end - (const char *)head) + 4 > bytes; /* the last character may be cut off */
}

static gboolean all_zero(const guchar *head, gsize bytes)
{
    gsize i = 0;
    while (i < bytes && head[i] == 0) {
        i++;
    }
    return i == bytes;
}

static const char *reason_of(const guchar *head, gsize bytes)
{
    const gsize mark = bytes >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* of UTF-8 */
    gsize blank = mark;
    while (blank < bytes && g_ascii_isspace((char)head[blank])) {
        blank++;
    }
    if (bytes == 0) {
        return "it is empty (0 bytes)";
    }
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        gsize skipped = kinds[i].at == 0 ? blank : 0;
        if (begins(head + skipped, bytes - skipped, i)) {
            return kinds[i].reason;
        }
    }
    if (all_zero(head, bytes)) {
        return "it begins with nothing but zero bytes, as a broken copy does";
    }
    return is_text(head, bytes) ? "it is a text file" : "OpenSlide knows no such format";
}

/* The largest page, tiled or not. */
static const TiffPage *largest_of_all(const GArray *pages)
{
    const TiffPage *largest = NULL;
    for (guint i = 0; i < pages->len; i++) {
        const TiffPage *page = &g_array_index(pages, TiffPage, i);
        if (!largest || page->width * page->height > largest->width * largest->height) {
            largest = page;
        }
    }
    return largest;
}

static ssize_t read_head(const char *path, guchar head[HEAD], GError **error)
{
    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    ssize_t got = fd >= 0 ? pread(fd, head, HEAD, 0) : -1;
    if (got < 0) {
        wsi_error_errno(error, "cannot read", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return got;
}

char *notslide_reason(const char *path, const GArray *pages, GError **error)
{
    const TiffPage *page = pages ? largest_of_all(pages) : NULL;
    if (page && page->tile_width == 0) {
        return g_strdup_printf("it is a TIFF whose largest page (directory %d, %" G_GINT64_FORMAT
                               " x %" G_GINT64_FORMAT " px) is stored in strips; a slide must be tiled (vips "
                               "tiffsave IN OUT --tile --pyramid makes one)",
                               page->directory, page->width, page->height);
    }
    if (page) {
        g_autofree char *what = tiffpages_describe(page);
        return g_strdup_printf("it is a TIFF that neither OpenSlide nor libtiff can decode to colours (%s)",
                               what);
    }
    guchar head[HEAD];
    ssize_t got = read_head(path, head, error);
    return got < 0 ? NULL : g_strdup(reason_of(head, (gsize)got));
}

gboolean notslide_unclaimed(const char *path, char **reason, GError **error)
{
    guchar head[HEAD] = {0};
    ssize_t got = read_head(path, head, error);
    gboolean little = memcmp(head, "II*\0", 4) == 0 || memcmp(head, "II+\0", 4) == 0;
    gboolean big = memcmp(head, "MM\0*", 4) == 0 || memcmp(head, "MM\0+", 4) == 0;
    *reason = got < 0 || little || big ? NULL : g_strdup_printf("no slide: %s", reason_of(head, (gsize)got));
    return got >= 0;
}
