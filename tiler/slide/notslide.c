/* What a file is, from its first bytes and from the pages of a TIFF. */
#include "tiler/slide/notslide.h"
#include "base/error.h"
#include "base/magic.h"
#include "tiler/slide/dicom.h"
#include "tiler/tiff/tiffpages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum { HEAD = 4096 };

/* Whether the bytes are valid UTF-8 without control characters. */
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

/* Caller frees. */
static char *reason_of(const guchar *head, gsize bytes)
{
    /* A known format first, then what the bytes look like. */
    const Magic *kind = magic_of(head, bytes);
    if (kind) {
        return g_strdup_printf("it is %s%s%s", kind->name, kind->hint ? ": " : "",
                               kind->hint ? kind->hint : "");
    }
    return g_strdup(bytes == 0              ? "it is empty (0 bytes)"
                    : all_zero(head, bytes) ? "its first bytes are all zero, as in a broken copy"
                    : is_text(head, bytes)  ? "it is a text file"
                                            : "OpenSlide does not know its format");
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

/* Reads the first bytes.  O_NONBLOCK: a pipe must not block.  -1 with error. */
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
    /* A TIFF that OpenSlide refuses: strips are the usual reason. */
    if (page && page->tile_width == 0) {
        return g_strdup_printf("it is a TIFF whose largest page (directory %d, %" G_GINT64_FORMAT
                               " x %" G_GINT64_FORMAT " px) is stored in strips; a slide must be tiled (vips "
                               "tiffsave IN OUT --tile --pyramid makes one)",
                               page->directory, page->width, page->height);
    }
    /* A tiled TIFF of an encoding that no reader knows. */
    if (page) {
        g_autofree char *what = tiffpages_describe(page);
        return g_strdup_printf("it is a TIFF that neither OpenSlide nor libtiff can decode to colours (%s)",
                               what);
    }
    /* DICOM of an unknown class is not the same as DICOM of another class. */
    DicomKind dicom = DICOM_NOT;
    char series[DICOM_UID_BYTES];
    if (dicom_look(path, &dicom, series, NULL) && dicom == DICOM_UNPARSED) {
        return g_strdup("it is DICOM, but its header cannot be parsed up to its Series Instance UID: it is "
                        "damaged, deflated or too long");
    }
    guchar head[HEAD];
    ssize_t got = read_head(path, head, error);
    return got < 0 ? NULL : reason_of(head, (gsize)got);
}

gboolean notslide_unclaimed(const char *path, char **reason, GError **error)
{
    guchar head[HEAD] = {0};
    ssize_t got = read_head(path, head, error);
    /* TIFF and BigTIFF in both byte orders may be slides. */
    gboolean little = memcmp(head, "II*\0", 4) == 0 || memcmp(head, "II+\0", 4) == 0;
    gboolean big = memcmp(head, "MM\0*", 4) == 0 || memcmp(head, "MM\0+", 4) == 0;
    /* No reason for a TIFF: OpenSlide and libtiff decide about it. */
    g_autofree char *why = got < 0 || little || big ? NULL : reason_of(head, (gsize)got);
    *reason = why ? g_strdup_printf("not a slide: %s", why) : NULL;
    return got >= 0;
}
