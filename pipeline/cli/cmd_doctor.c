/* doctor: whether this machine and a folder of slides can be used. */
#include "base/listing.h"
#include "base/pool.h"
#include "flows/kernels/kernels.h"
#include "pipeline/cli/commands.h"
#include "pipeline/run/exit_codes.h"
#include "pipeline/write/versions.h"
#include "tiler/draw/canvas.h"
#include "tiler/slide/dicom.h"
#include "tiler/slide/slide.h"
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

static int check_disk(const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        printf("disk      %s: cannot be read\n", folder);
        return 1;
    }
    double gib = (double)disk.f_bavail * (double)disk.f_frsize / (1 << 30);
    printf("disk      %.1f GiB free in %s%s\n", gib, folder, gib < 1 ? ": too little" : "");
    return gib < 1;
}

/* The font of overviews. */
static int check_font(void)
{
    g_autoptr(GError) why = NULL;
    if (!canvas_check(&why)) {
        printf("font      %s\n", why->message);
    }
    return why != NULL;
}

/* Whether `name` in the folder is to be opened as a slide: a regular file, a folder of DICOM files, or the first file of a DICOM series. */
static gboolean is_one_slide(const GPtrArray *series, const char *name, const char *path, GError **error)
{
    FileKind kind;
    const DicomSeries *own = series ? dicom_find(series, name) : NULL;
    if (!listing_kind(path, &kind, error)) {
        return TRUE;
    }
    if (kind == FILE_FOLDER) {
        g_autoptr(GPtrArray) inside = dicom_list(path, error);
        return !inside || inside->len > 0; /* one that cannot be read is a problem to report */
    }
    return kind == FILE_REGULAR && (!own || strcmp(own->lead, name) == 0);
}

/* Opens every slide of a folder. */
static int check_slides(const char *folder)
{
    g_autoptr(GError) unlisted = NULL;
    g_autoptr(GPtrArray) names = listing_read(folder, &unlisted);
    g_autoptr(GPtrArray) series = names ? dicom_list(folder, NULL) : NULL;
    int good = 0, bad = 0;
    if (!names) {
        printf("slides    %s\n", unlisted->message);
        return 1;
    }
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        g_autoptr(GError) why = NULL;
        if (!is_one_slide(series, names->pdata[i], path, &why)) {
            continue;
        }
        g_autoptr(Slide) slide = why ? NULL : slide_open(path, NULL, &why);
        if (slide && slide_info(slide)->mpp_source != MPP_NONE) {
            good++;
        } else {
            bad++;
            g_autofree char *unknown = g_strdup_printf("%s: opens, but its um/px is unknown", path);
            printf("slides    %s\n", slide ? unknown : why->message);
        }
    }
    printf("slides    %d usable, %d not usable\n", good, bad);
    return bad > 0;
}

static int doctor(int argc, char **argv, GError **error)
{
    int code, problems = 0;
    GOptionEntry entries[] = {{NULL, 0, 0, 0, NULL, NULL, NULL}};
    if (!command_options(&command_doctor, entries, &argc, &argv, &code, error)) {
        return code;
    }
    if (argc > 2) {
        return command_misused(error, "unexpected argument %s: doctor checks one folder", argv[2]);
    }
    g_autofree char *versions = versions_text();
    printf("%s\nprocessors %d\n", versions, pool_processors());
    const char *blas = g_getenv("OPENBLAS_CORETYPE");
    if (blas) { /* results are right, but slow */
        printf("warning   OPENBLAS_CORETYPE=%s is set: dense algebra may run at half its speed\n", blas);
    }
    if (g_str_equal(kernels_get(NULL)->name, "reference")) { /* likewise */
        printf("warning   this build has no oneDNN: convolutions are slow\n");
    }
    problems += check_font();
    problems += check_disk(argc > 1 ? argv[1] : ".");
    problems += argc > 1 ? check_slides(argv[1]) : 0;
    printf("%s\n", problems ? "doctor: there are problems" : "doctor: no problems");
    return problems ? EXIT_FAILED : EXIT_DONE;
}

const Command command_doctor = {
    "doctor", "[DIR]", "check libraries, processor, disk and, if given, a folder of slides", NULL, doctor};
