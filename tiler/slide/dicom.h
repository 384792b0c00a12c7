/* DICOM whole-slide images: one slide is a series, whose files are together in one folder.
 *
 * OpenSlide 4 opens a slide by any of its files.  Here the files of a folder are put together, so that a slide is the same slide whichever of
 * its names is given, and so that a list of slides has it once.  Only headers are read, as of DICOM PS3.5 and PS3.10; the pixels
 * are OpenSlide's.  All functions may be called by any thread. */
#pragma once
#include <glib.h>

enum { DICOM_UID_BYTES = 129 }; /* the standard allows 64 bytes; some writers exceed it */

typedef enum {
    DICOM_NOT,   /* another format */
    DICOM_OTHER, /* DICOM, but not of a whole slide; or a header that cannot be read as one */
    DICOM_SLIDE  /* VL Whole Slide Microscopy Image */
} DicomKind;

/* What a regular file is; series: its Series Instance UID when it is a slide's.  FALSE with WSI_ERROR_IO when it cannot be read. */
gboolean dicom_look(const char *path, DicomKind *kind, char series[DICOM_UID_BYTES], GError **error);

typedef struct {
    char uid[DICOM_UID_BYTES];
    GPtrArray *names; /* char*, of its files, sorted by bytes */
    const char *lead; /* the largest file, which holds level 0; of equals the first */
    gint64 lead_bytes;
} DicomSeries;

/* The slides in a folder: array of DicomSeries*, sorted by lead, owned.  Hidden files, and files whose suffix is another format's, are not
 * looked at.  NULL with error when the folder or a file cannot be read. */
GPtrArray *dicom_list(const char *folder, GError **error);
/* The one that the name of a file belongs to, or NULL.  Borrowed. */
const DicomSeries *dicom_find(const GPtrArray *list, const char *name);

/* The file by which the slide `path` is opened: of a DICOM slide, given as its folder or as any of its files, the lead; *dicom is then TRUE.
 * Any other file is itself.  NULL with WSI_ERROR_INPUT for a folder that does not hold just one slide.  Caller frees. */
char *dicom_source(const char *path, gboolean *dicom, GError **error);
