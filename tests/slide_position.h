/* A folder with a slide in it, and what the tests of reading do with it again and again. */
#pragma once
#include "tiler/slide/slide.h"
#include "tests/fixture_tiff.h"

typedef struct {
    char *folder, *path;
} Place;

static inline void set_up(Place *place, gconstpointer unused)
{
    place->folder = fixture_folder();
    place->path = g_build_filename(place->folder, "slide.tif", NULL);
}

static inline void tear_down(Place *place, gconstpointer unused)
{
    g_free(place->path);
    fixture_remove(place->folder);
}

static inline Slide *open_slide(const char *path, const SlideOptions *options)
{
    g_autoptr(GError) error = NULL;
    Slide *slide = slide_open(path, options, &error);
    g_assert_no_error(error);
    return slide;
}

static inline void read_area(Slide *slide, int level, int64_t x, int64_t y, Image *rgb, Image *valid)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = slide_read(slide, level, x, y, rgb, valid, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static inline void assert_same(const Image *a, const Image *b)
{
    g_assert_cmpmem(a->pixels, image_bytes(a), b->pixels, image_bytes(b));
}

static const SlideOptions openslide_only = {.no_fast_path = TRUE};
