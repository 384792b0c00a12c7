/* A folder with a slide in it, and what the tests of reading do with it again and again. */
#pragma once
#include "tiler/slide/slide.h"
#include "tests/fixture_tiff.h"

typedef struct {
    char *folder, *path;
} SlideFile;

static inline void set_up(SlideFile *slide_file, gconstpointer unused)
{
    slide_file->folder = fixture_folder();
    slide_file->path = g_build_filename(slide_file->folder, "slide.tif", NULL);
}

static inline void tear_down(SlideFile *slide_file, gconstpointer unused)
{
    g_free(slide_file->path);
    fixture_remove(slide_file->folder);
}

static inline Slide *open_slide(const char *path, const SlideOptions *options)
{
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_open(path, options, &error);
    g_assert_no_error(error);
    return slide;
}

static inline void read_area(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *readable)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = slide_read(slide, level, x, y, rgb, readable, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static inline void assert_same(const Image *a, const Image *b)
{
    g_assert_cmpmem(a->pixels, image_bytes(a), b->pixels, image_bytes(b));
}

static const SlideOptions openslide_only = {.no_fast_path = TRUE};
