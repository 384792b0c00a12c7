/* For the tests of annotations/: files from texts, and the pieces that such texts are made of.
 *
 * XML stands in the tests with single quotes, which XML allows; GeoJSON does too, and gets its double quotes here. */
#pragma once
#include "annotations/read/annotation_read.h"
#include "annotations/raster/raster.h"
#include "base/error.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- ASAP ---- */

#define ASAP(annotations, groups)                                                               \
    "<?xml version='1.0'?>\n<ASAP_Annotations>\n<Annotations>\n" annotations "</Annotations>\n" \
    "<AnnotationGroups>" groups "</AnnotationGroups>\n</ASAP_Annotations>\n"
#define SHAPE(name, type, group, coordinates)                         \
    "<Annotation Name='" name "' Type='" type "' PartOfGroup='" group \
    "' Color='#F4FA58'><Coordinates>" coordinates "</Coordinates></Annotation>\n"
#define AT(order, x, y) "<Coordinate Order='" #order "' X='" #x "' Y='" #y "'/>"
#define SQUARE(x0, y0, x1, y1) AT(0, x0, y0) AT(1, x1, y0) AT(2, x1, y1) AT(3, x0, y1)
#define GROUP(name, parent) \
    "<Group Name='" name "' PartOfGroup='" parent "' Color='#FF0000'><Attributes/></Group>"
#define GROUPS GROUP("Tumor", "None") GROUP("Exclusion", "None")

/* ---- GeoJSON ---- */

#define FEATURE(class, type, coordinates)                                                 \
    "{'type':'Feature','id':'1','geometry':{'type':'" type "','coordinates':" coordinates \
    "},'properties':{'objectType':'annotation','name':'n','classification':" class "}}"
#define RING(x0, y0, x1, y1) \
    "[[" #x0 "," #y0 "],[" #x1 "," #y0 "],[" #x1 "," #y1 "],[" #x0 "," #y1 "],[" #x0 "," #y0 "]]"
#define TUMOR "{'name':'Tumor','color':[200,0,0]}"

/* ---- a folder of their own ---- */

static char *directory;

static inline char *in_directory(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

static inline int run_in_directory(void)
{
    directory = g_dir_make_tmp("annotation-XXXXXX", NULL);
    int status = g_test_run();
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = in_directory(name);
        g_unlink(path);
    }
    g_rmdir(directory);
    g_free(directory);
    return status;
}

/* ---- reading ---- */

static inline Annotation *read_bytes(const char *text, gssize length, const SlideFrame *frame, GError **error)
{
    g_autofree char *path = in_directory("file.xml");
    size_t bytes = length < 0 ? strlen(text) : (size_t)length;
    g_autofree char *copy = g_malloc0(bytes + 1);
    memcpy(copy, text, bytes);
    if (strpbrk(copy, "<{[") && *strpbrk(copy, "<{[") != '<') {
        g_strdelimit(copy, "'", '"');
    }
    FILE *file = fopen(path, "wb");
    g_assert_nonnull(file);
    g_assert_cmpuint(fwrite(copy, 1, bytes, file), ==, bytes);
    g_assert_cmpint(fclose(file), ==, 0);
    return annotation_read_in_frame(path, &(GroupSpec){.rules = camelyon_rules}, frame, error);
}

static inline Annotation *read_on_slide(const char *text, double width, double height)
{
    g_autoptr(GError) error = NULL;
    SlideFrame frame = {.width = width, .height = height};
    Annotation *annotation = read_bytes(text, -1, &frame, &error);
    g_assert_no_error(error);
    return annotation;
}

static inline Annotation *read_text(const char *text)
{
    return read_on_slide(text, 0, 0);
}

/* Microseconds of processor time of this process: other processes do not disturb it. */
static inline gint64 processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * G_GINT64_CONSTANT(1000000) + now.tv_nsec / 1000;
}

/* Reading must fail with a message that holds all of `parts` (ended by NULL).  What takes more than ten times its usual processor time has
 * met a blow-up. */
static inline void assert_refused(const char *text, gssize length, const SlideFrame *frame,
                                  const char *const *parts)
{
    g_autoptr(GError) error = NULL;
    gint64 start = processor_time();
    g_autoptr(Annotation) annotation = read_bytes(text, length, frame, &error);
    g_assert_null(annotation);
    g_assert_nonnull(error);
    g_assert_true(error->domain == WSI_ERROR);
    g_assert_cmpint(processor_time() - start, <, g_getenv("WSIFLOW_ASAN") ? 60000000 : 10000000);
    for (; *parts; parts++) {
        if (!strstr(error->message, *parts)) {
            g_error("\"%s\" does not say \"%s\"", error->message, *parts);
        }
    }
}
#define refused(text, ...) \
    assert_refused(text, -1, &(SlideFrame){0}, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what was read ---- */

static inline const Outline *outline_at(const Annotation *annotation, guint index)
{
    g_assert_cmpuint(index, <, annotation->outlines->len);
    return annotation->outlines->pdata[index];
}

static inline void assert_warning(const Annotation *annotation, guint index, const char *part)
{
    g_assert_cmpuint(index, <, annotation->warnings->len);
    const char *warning = annotation->warnings->pdata[index];
    if (!strstr(warning, part)) {
        g_error("\"%s\" does not say \"%s\"", warning, part);
    }
}

static inline double region_area(const Annotation *annotation)
{
    g_autoptr(Raster) raster = raster_build(annotation, NULL);
    return raster_area(raster);
}

static inline void assert_same_outlines(const Annotation *one, const Annotation *other)
{
    g_assert_cmpuint(one->outlines->len, ==, other->outlines->len);
    for (guint i = 0; i < one->outlines->len; i++) {
        const Outline *a = outline_at(one, i), *b = outline_at(other, i);
        g_assert_cmpstr(a->name, ==, b->name);
        g_assert_cmpint(a->label, ==, b->label);
        g_assert_cmpint(a->closed, ==, b->closed);
        g_assert_cmpmem(a->xy, 16 * (size_t)a->points, b->xy, 16 * (size_t)b->points);
    }
}

#define assert_near(a, b, within) g_assert_cmpfloat(fabs((a) - (b)), <=, within)
