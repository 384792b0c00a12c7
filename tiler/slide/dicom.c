/* Reads the header of a DICOM file up to its Series Instance UID, and groups the files of a folder by it.
 *
 * Elements are in ascending order of their tags, so the walk ends early.  A nested sequence of unknown length must be walked to find its
 * end; all other values are skipped. */
#include "tiler/slide/dicom.h"
#include "base/error.h"
#include "base/listing.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

enum {
    PREAMBLE = 128,
    HEADER_BYTES = 256 << 10,     /* the elements before the Series Instance UID have a few KiB */
    LONG_HEADER_BYTES = 16 << 20, /* with private elements among them */
    DEEPEST = 16                  /* nested sequences */
};

#define TAG(group, element) ((guint32)(group) << 16 | (element))
static const guint32 CLASS_UID = TAG(0x0002, 0x0002), SYNTAX_UID = TAG(0x0002, 0x0010),
                     SERIES_UID = TAG(0x0020, 0x000e), ITEM = TAG(0xfffe, 0xe000),
                     ITEM_END = TAG(0xfffe, 0xe00d), SEQUENCE_END = TAG(0xfffe, 0xe0dd),
                     UNKNOWN_LENGTH = G_MAXUINT32;

/* ---- header ---- */

typedef struct {
    const guint8 *at, *end;
    gboolean implicit; /* the file does not store types */
} Reader;

typedef struct {
    guint32 tag, length;
    gboolean unknown; /* of type UN */
} Element;

/* Whether `bytes` more bytes are there. */
static gboolean has(const Reader *reader, gsize bytes)
{
    return (gsize)(reader->end - reader->at) >= bytes;
}

/* Little-endian; the caller checked has(). */
static guint32 get16(Reader *reader)
{
    const guint32 value = reader->at[0] | (guint32)reader->at[1] << 8;
    reader->at += 2;
    return value;
}

static guint32 get32(Reader *reader)
{
    /* The low half comes first. */
    const guint32 low = get16(reader);
    return low | get16(reader) << 16;
}

/* Reads tag, type and length (PS3.5, 7.1); the value follows. */
static gboolean get_element(Reader *reader, Element *out)
{
    static const char long_types[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
    if (!has(reader, 8)) {
        return FALSE;
    }
    const guint32 group = get16(reader);
    *out = (Element){.tag = group << 16 | get16(reader)};
    /* Delimiters, and all elements of an implicit syntax, have a length of 4 bytes and no type. */
    if (group == 0xfffe || (reader->implicit && group != 2)) {
        out->length = get32(reader);
        return TRUE;
    }
    const char type[] = {(char)reader->at[0], (char)reader->at[1], 0};
    reader->at += 2;
    /* Not a type, so the file is damaged or in another syntax. */
    if (!g_ascii_isupper(type[0]) || !g_ascii_isupper(type[1])) {
        return FALSE;
    }
    /* Most types have a length of 2 bytes; those in long_types have 2 reserved bytes and a length of 4. */
    if (!strstr(long_types, type)) {
        out->length = get16(reader);
        return TRUE;
    }
    out->unknown = strcmp(type, "UN") == 0;
    reader->at += 2;
    if (!has(reader, 4)) {
        return FALSE;
    }
    out->length = get32(reader);
    return TRUE;
}

static gboolean skip_value(Reader *reader, const Element *element, int depth);

/* Skips the elements of an item of unknown length. */
static gboolean skip_item(Reader *reader, int depth)
{
    Element element;
    while (get_element(reader, &element)) {
        if (element.tag == ITEM_END) {
            return TRUE;
        }
        if (!skip_value(reader, &element, depth)) {
            return FALSE;
        }
    }
    return FALSE;
}

/* The items of a sequence of unknown length. */
static gboolean skip_sequence(Reader *reader, int depth)
{
    Element item;
    while (depth <= DEEPEST && get_element(reader, &item)) {
        if (item.tag == SEQUENCE_END) {
            return TRUE;
        }
        /* An item of known length is one value; others end with a delimiter. */
        if (item.tag != ITEM || !(item.length == UNKNOWN_LENGTH ? skip_item(reader, depth + 1)
                                                                : skip_value(reader, &item, depth))) {
            return FALSE;
        }
    }
    return FALSE;
}

static gboolean skip_value(Reader *reader, const Element *element, int depth)
{
    if (element->length == UNKNOWN_LENGTH) {
        /* A sequence of unknown length; of type UN it is in implicit syntax. */
        Reader nested = *reader;
        nested.implicit |= element->unknown; /* PS3.5, 6.2.2 */
        const gboolean ok = skip_sequence(&nested, depth);
        reader->at = nested.at;
        return ok;
    }
    if (!has(reader, element->length)) {
        return FALSE;
    }
    reader->at += element->length;
    return TRUE;
}

/* The value of a UID, which is padded by a zero byte or blanks; "" when it is not one. */
static void copy_uid(const Reader *reader, const Element *element, char uid[DICOM_UID_BYTES])
{
    *uid = 0;
    /* A UID has at most 64 characters. */
    if (element->length < DICOM_UID_BYTES && has(reader, element->length)) {
        memcpy(uid, reader->at, element->length);
        uid[element->length] = 0;
        g_strchomp(uid);
    }
}

/* Class and series from the first bytes of a file; "" when one is not found. */
static void read_header(const guint8 *head, gsize bytes, char class_uid[DICOM_UID_BYTES],
                        char series[DICOM_UID_BYTES])
{
    static const char implicit_syntax[] = "1.2.840.10008.1.2";
    /* The meta information (group 2) is always explicit; the syntax of the rest is stated in it. */
    Reader reader = {head + PREAMBLE + 4, head + bytes, FALSE};
    char syntax[DICOM_UID_BYTES] = "";
    Element element;
    *class_uid = *series = 0;
    while (get_element(&reader, &element) && element.tag <= SERIES_UID) {
        if (element.tag == CLASS_UID) {
            copy_uid(&reader, &element, class_uid);
        } else if (element.tag == SYNTAX_UID) {
            copy_uid(&reader, &element, syntax);
            /* For the groups that follow; get_element() reads group 2 as explicit. */
            reader.implicit = strcmp(syntax, implicit_syntax) == 0;
        } else if (element.tag == SERIES_UID) {
            copy_uid(&reader, &element, series);
        }
        /* A value beyond the bytes that were read: the header ends here. */
        if (!skip_value(&reader, &element, 0)) {
            break;
        }
    }
}

/* Reads up to `bytes` bytes from the start of the file.  Returns their number; -1 with error. */
static gssize read_head(int fd, const char *path, guint8 *head, gsize bytes, GError **error)
{
    gsize done = 0;
    while (done < bytes) {
        const gssize got = pread(fd, head + done, bytes - done, (off_t)done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            wsi_error_errno(error, "cannot read", path);
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (gsize)got;
    }
    return (gssize)done;
}

/* What a file with the mark is by its header. */
static DicomKind kind_of(const char *class_uid, const char *series)
{
    static const char whole_slide[] = "1.2.840.10008.5.1.4.1.1.77.1.6";
    const gboolean whole = strcmp(class_uid, whole_slide) == 0;
    if (*series && whole) {
        return DICOM_SLIDE;
    }
    /* Without a class, or without the series of a slide, the walk ended too early. */
    return whole || (!*class_uid && !*series) ? DICOM_UNPARSED : DICOM_OTHER;
}

/* The mark "DICM" after the preamble (PS3.10, 7.1), then class and series. */
static gboolean look_at(int fd, const char *path, DicomKind *kind, char series[DICOM_UID_BYTES],
                        GError **error)
{
    static const gsize lengths[] = {HEADER_BYTES, LONG_HEADER_BYTES};
    guint8 mark[PREAMBLE + 4];
    /* These 132 bytes rule out files that are not DICOM. */
    gssize got = read_head(fd, path, mark, sizeof mark, error);
    if (got < (gssize)sizeof mark || memcmp(mark + PREAMBLE, "DICM", 4) != 0) {
        return got >= 0;
    }
    *kind = DICOM_UNPARSED;
    /* The mark is there, so the file is worth a longer read. */
    for (guint i = 0; i < G_N_ELEMENTS(lengths) && *kind == DICOM_UNPARSED; i++) {
        g_autofree guint8 *head = g_malloc(lengths[i]);
        char class_uid[DICOM_UID_BYTES];
        got = read_head(fd, path, head, lengths[i], error);
        if (got < (gssize)sizeof mark) {
            return got >= 0;
        }
        read_header(head, (gsize)got, class_uid, series);
        *kind = kind_of(class_uid, series);
        if (got < (gssize)lengths[i]) {
            break;
        }
    }
    return TRUE;
}

gboolean dicom_look(const char *path, DicomKind *kind, char series[DICOM_UID_BYTES], GError **error)
{
    *kind = DICOM_NOT;
    *series = 0;
    int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return wsi_error_errno(error, "cannot read", path);
    }
    const gboolean ok = look_at(fd, path, kind, series, error);
    close(fd);
    return ok;
}

/* ---- folders ---- */

static void series_free(DicomSeries *series)
{
    g_ptr_array_unref(series->names);
    g_free(series);
}

/* Names of DICOM files end in .dcm or .dicom or a number of a UID, or have no suffix. */
static gboolean may_be_dicom(const char *name)
{
    const char *dot = strrchr(name, '.');
    return *name != '.' &&
           (!dot || g_ascii_strcasecmp(dot, ".dcm") == 0 || g_ascii_strcasecmp(dot, ".dicom") == 0 ||
            strspn(dot + 1, "0123456789") == strlen(dot + 1));
}

/* The series with that UID, a new one if necessary. */
static DicomSeries *series_of(GPtrArray *list, const char *uid)
{
    for (guint i = 0; i < list->len; i++) {
        DicomSeries *series = list->pdata[i];
        if (strcmp(series->uid, uid) == 0) {
            return series;
        }
    }
    DicomSeries *series = g_new0(DicomSeries, 1);
    g_strlcpy(series->uid, uid, sizeof series->uid);
    series->names = g_ptr_array_new_with_free_func(g_free);
    /* Any file is larger, even an empty one. */
    series->lead_bytes = -1;
    g_ptr_array_add(list, series);
    return series;
}

/* Adds a file to its series.  Names arrive sorted, so of equally large files the first is the lead. */
static gboolean add_file(GPtrArray *list, const char *folder, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char uid[DICOM_UID_BYTES];
    struct stat facts;
    DicomKind kind = DICOM_NOT;
    /* A name that is gone, or is not a regular file, is not part of a slide; OpenSlide ignores it too. */
    if (stat(path, &facts) != 0) {
        return errno == ENOENT || errno == ELOOP || wsi_error_errno(error, "cannot read", path);
    }
    if (!S_ISREG(facts.st_mode)) {
        return TRUE;
    }
    g_autoptr(GError) why = NULL;
    if (!dicom_look(path, &kind, uid, &why)) {
        /* Gone since the folder was listed.  A file that is there but cannot be read may hold level 0. */
        if (stat(path, &facts) != 0 && errno == ENOENT) {
            return TRUE;
        }
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (kind == DICOM_SLIDE) {
        DicomSeries *series = series_of(list, uid);
        char *own = g_strdup(name);
        g_ptr_array_add(series->names, own);
        /* The largest file holds level 0; it stands for the series. */
        if (facts.st_size > series->lead_bytes) {
            series->lead = own;
            series->lead_bytes = facts.st_size;
        }
    }
    return TRUE;
}

/* For sorting series. */
static gint by_lead(gconstpointer a, gconstpointer b)
{
    return strcmp((*(DicomSeries *const *)a)->lead, (*(DicomSeries *const *)b)->lead);
}

GPtrArray *dicom_list(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) names = listing_read(folder, error);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)series_free);
    for (guint i = 0; names && i < names->len; i++) {
        if (may_be_dicom(names->pdata[i]) && !add_file(list, folder, names->pdata[i], error)) {
            return NULL;
        }
    }
    g_ptr_array_sort(list, by_lead);
    return names ? g_steal_pointer(&list) : NULL;
}

const DicomSeries *dicom_find(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const DicomSeries *series = list->pdata[i];
        for (guint j = 0; j < series->names->len; j++) {
            if (strcmp(series->names->pdata[j], name) == 0) {
                return series;
            }
        }
    }
    return NULL;
}

/* The first file in the folder whose header cannot be parsed, as text for an error; "" when there is none.  Caller frees. */
static char *unparsed_in(const char *folder)
{
    g_autoptr(GPtrArray) names = listing_read(folder, NULL);
    for (guint i = 0; names && i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, name, NULL);
        char uid[DICOM_UID_BYTES];
        DicomKind kind = DICOM_NOT;
        if (may_be_dicom(name) && dicom_look(path, &kind, uid, NULL) && kind == DICOM_UNPARSED) {
            return g_strdup_printf(": the header of %s cannot be parsed up to its Series Instance UID", name);
        }
    }
    return g_strdup("");
}

/* The lead file of the only slide in the folder.  Caller frees. */
static char *source_of_folder(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) list = dicom_list(folder, error);
    if (!list) {
        return NULL;
    }
    /* A folder stands for a slide only when it holds exactly one. */
    if (list->len != 1) {
        g_autofree char *unparsed = list->len == 0 ? unparsed_in(folder) : NULL;
        g_autofree char *count =
            list->len == 0 ? g_strconcat("no file of a DICOM slide", unparsed, NULL)
                           : g_strdup_printf("%u DICOM slides: name one by any of its files", list->len);
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s is a folder that holds %s", folder, count);
        return NULL;
    }
    return g_build_filename(folder, ((const DicomSeries *)list->pdata[0])->lead, NULL);
}

char *dicom_source(const char *path, gboolean *dicom, GError **error)
{
    FileKind what;
    DicomKind kind = DICOM_NOT;
    char uid[DICOM_UID_BYTES];
    *dicom = FALSE;
    if (!listing_kind(path, &what, error)) {
        return NULL;
    }
    if (what == FILE_FOLDER) {
        *dicom = TRUE;
        return source_of_folder(path, error);
    }
    if (what == FILE_REGULAR && !dicom_look(path, &kind, uid, error)) {
        return NULL;
    }
    /* Files of other kinds are left to the other checks. */
    if (kind != DICOM_SLIDE) {
        return g_strdup(path);
    }
    *dicom = TRUE;
    /* Whichever file of a series is named, its lead stands for the slide. */
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autoptr(GPtrArray) list = dicom_list(folder, error);
    const DicomSeries *series = list ? dicom_find(list, name) : NULL;
    return !list ? NULL : series ? g_build_filename(folder, series->lead, NULL) : g_strdup(path);
}
