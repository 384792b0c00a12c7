/* The border of an annotation's lesions as a file.
 *
 * Finding the border takes time, and the annotation must be read only once: stages that need to know what is lesion read this file.  So they
 * cannot see two versions of an annotation that somebody edits meanwhile, or read it by different rules.
 *
 *   8 bytes "WSIBORD1", the number of pieces as int64, then x0, y0, x1, y1, top, bottom, sign of each as doubles, in native byte order. */
#include "annotations/raster/raster_private.h"
#include "base/durable.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { NUMBERS = 7, MOST_PIECES = 1 << 30 };
static const char MAGIC[] = {'W', 'S', 'I', 'B', 'O', 'R', 'D', '1'};

typedef struct {
    char magic[8];
    int64_t count;
} Head;

gboolean raster_write(const Raster *raster, const char *path, char sha256[65], GError **error)
{
    Head head = {.count = raster->count};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    g_autoptr(Durable) file = durable_open(path, error);
    gboolean ok = file && durable_write(file, &head, sizeof head, error);
    /* Only the pieces: bands and bounds follow from them. */
    for (int64_t i = 0; ok && i < raster->count; i++) {
        const Piece *p = &raster->pieces[i];
        const double numbers[NUMBERS] = {p->x0, p->y0, p->x1, p->y1, p->top, p->bottom, p->sign};
        ok = durable_write(file, numbers, sizeof numbers, error);
    }
    return ok && durable_commit(file, sha256, NULL, error);
}

/* Whether the numbers are a piece as boundary.h defines it, so the rest of the code can rely on it. */
static gboolean is_sound(const double n[NUMBERS])
{
    for (int i = 0; i < NUMBERS; i++) {
        if (!isfinite(n[i])) {
            return FALSE;
        }
    }
    return n[1] < n[3] && n[1] <= n[4] && n[4] < n[5] && n[5] <= n[3] && fabs(n[6]) == 1;
}

/* NULL with error for lack of memory, NULL without error when the bytes are not such a file. */
static Piece *read_pieces(const char *bytes, gsize length, int64_t *count, GError **error)
{
    Head head;
    if (length < sizeof head) {
        return NULL;
    }
    /* The file is untrusted like any other: the count must match its length before memory is allocated. */
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || head.count < 0 || head.count > MOST_PIECES ||
        length != sizeof head + (gsize)head.count * NUMBERS * sizeof(double)) {
        return NULL;
    }
    g_autofree Piece *pieces =
        wsi_try_alloc((size_t)MAX(head.count, 1), sizeof *pieces, "the border of the lesions", error);
    for (int64_t i = 0; pieces && i < head.count; i++) {
        double n[NUMBERS];
        memcpy(n, bytes + sizeof head + (gsize)i * sizeof n, sizeof n);
        if (!is_sound(n)) {
            return NULL;
        }
        pieces[i] = (Piece){n[0], n[1], n[2], n[3], n[4], n[5], (int)n[6]};
    }
    *count = head.count;
    return g_steal_pointer(&pieces);
}

Raster *raster_read(const char *path, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize length;
    int64_t count = 0;
    g_autoptr(GError) why = NULL;
    if (!g_file_get_contents(path, &bytes, &length, &why)) {
        wsi_error_glib(error, why);
        return NULL;
    }
    Piece *pieces = read_pieces(bytes, length, &count, &why);
    /* Without an error of its own the content is wrong. */
    if (!pieces) {
        if (why) {
            g_propagate_error(error, g_steal_pointer(&why));
        } else {
            g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is not a lesion border file of this version",
                        path);
        }
        return NULL;
    }
    return raster_of_pieces(pieces, count, error);
}
