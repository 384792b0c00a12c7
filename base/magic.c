/* Known first bytes, in the order of the search. */
#include "base/magic.h"
#include <string.h>

static const Magic kinds[] = {
#define TEXT(text, name, hint)                            \
    {                                                     \
        0, text, sizeof text - 1, TRUE, FALSE, name, hint \
    }
#define BINARY(text, name, hint)                           \
    {                                                      \
        0, text, sizeof text - 1, FALSE, FALSE, name, hint \
    }
    TEXT("version https://git-lfs", "a Git LFS pointer, not the file itself", "git lfs pull downloads it"),
    TEXT("/annex/objects/", "a git-annex pointer, not the file itself", "git annex get downloads it"),
    TEXT("<!doctype html", "a web page (HTML)", "a failed download may leave one"),
    TEXT("<html", "a web page (HTML)", "a failed download may leave one"),
    {0, "<?xml", 5, TRUE, TRUE, "an XML document", NULL},
    {0, "{", 1, TRUE, TRUE, "a text file (JSON?)", NULL},
    BINARY("\x89PNG", "a PNG image", NULL),
    BINARY("\xff\xd8\xff", "a JPEG image", NULL),
    BINARY("\0\0\0\x0cjP", "a JPEG 2000 image", NULL),
    BINARY("BM", "a BMP image", NULL),
    BINARY("GIF8", "a GIF image", NULL),
    BINARY("RIFF", "a WebP image", NULL),
    BINARY("%PDF", "a PDF document", NULL),
    BINARY("PK\3\4", "a ZIP archive", "unpack it first"),
    BINARY("\x1f\x8b", "compressed (gzip)", "unpack it first"),
    BINARY("Rar!", "a RAR archive", "unpack it first"),
    BINARY("7z\xbc\xaf", "a 7z archive", "unpack it first"),
    BINARY("ZISRAWFILE", "Zeiss CZI, which the installed OpenSlide does not read",
           "convert it to a tiled TIFF"),
    BINARY("\x89HDF", "an HDF5 file", NULL),
    BINARY("\x93NUMPY", "a NumPy array", NULL),
    BINARY("MATLAB", "a MATLAB file", NULL),
#undef TEXT
#undef BINARY
    {128, "DICM", 4, FALSE, FALSE, "DICOM, but not of a whole slide (VL Whole Slide Microscopy Image)", NULL},
    {257, "ustar", 5, FALSE, FALSE, "a tar archive", "unpack it first"},
};

/* Whether the bytes are at their offset, in any case of letters for texts. */
static gboolean begins(const char *head, gsize bytes, const Magic *kind)
{
    const gsize at = (gsize)kind->at;
    if (bytes < at + kind->count) {
        return FALSE;
    }
    return kind->text ? g_ascii_strncasecmp(head + at, kind->bytes, kind->count) == 0
                      : memcmp(head + at, kind->bytes, kind->count) == 0;
}

const Magic *magic_of(const void *head, gsize bytes)
{
    const char *text = head;
    gsize blank = bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte-order mark */
    while (blank < bytes && g_ascii_isspace(text[blank])) {
        blank++;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const gsize skipped = kinds[i].text ? blank : 0;
        if (begins(text + skipped, bytes - skipped, &kinds[i])) {
            return &kinds[i];
        }
    }
    return NULL;
}
