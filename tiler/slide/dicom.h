/* DICOM whole-slide images: one slide is a series, whose files are together in one folder.
 *
 * OpenSlide 4 opens a slide by any of its files.  Here the files of a folder are grouped, so that a slide is the same slide under each of
 * its names, and a list of slides has it once.  Only headers are read, by DICOM PS3.5 and PS3.10; OpenSlide reads the
 * pixels.  Thread-safe. */
#pragma once
#include <glib.h>

enum { DICOM_UID_BYTES = 129 }; /* the standard allows 64 bytes; some writers exceed it */

typedef enum {
    DICOM_NOT,   /* another format */
    DICOM_OTHER, /* DICOM, but not of a whole slide */
    DICOM_UNPARSED, /* DICOM whose header cannot be parsed up to the Series Instance UID: damaged, deflated, or beyond a limit */
    DICOM_SLIDE /* VL Whole Slide Microscopy Image */
} DicomKind;

/* What a regular file is; series: its Series Instance UID when it belongs to a slide.  FALSE with WSI_ERROR_IO when it cannot be read. */
gboolean dicom_look(const char *path, DicomKind *kind, char series[DICOM_UID_BYTES], GError **error);

typedef struct {
    char uid[DICOM_UID_BYTES];
    GPtrArray *names; /* char*, of its files, sorted by bytes */
    const char *lead; /* the largest file, which holds level 0; the first of equals */
    gint64 lead_bytes;
} DicomSeries;

/* The slides in a folder: array of DicomSeries*, sorted by lead, owned by the caller.  Hidden files, and files with the suffix of another
 * format, are ignored.  NULL with error when the folder or a file cannot be read: it may hold level 0 of a slide. */
GPtrArray *dicom_list(const char *folder, GError **error);
/* The series that has a file of that name, or NULL.  Borrowed. */
const DicomSeries *dicom_find(const GPtrArray *list, const char *name);

/* The file by which the slide `path` is opened.  For a DICOM slide, given as its folder or as any of its files, this is the lead, and *dicom is
 * TRUE.  For any other file it is the path itself.  NULL with WSI_ERROR_INPUT for a folder that does not hold exactly one slide.  Caller
 * frees. */
char *dicom_source(const char *path, gboolean *dicom, GError **error);
