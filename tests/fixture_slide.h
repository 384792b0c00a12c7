/* A synthetic slide for measurements: level 0 alone, JPEG 4:2:0 in tiles of 256 px, 4096 x 4096 px at 0.25 um/px. */
#pragma once
#include "tiler/slide/slide.h"
#include "tiler/synth/synth.h"
#include "tests/fixture_tiff.h"

/* Writes it to `path`; `folder` takes what it is made of. */
static inline void fixture_flat_slide(const char *folder, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pyramid = g_build_filename(folder, "pyramid.tif", NULL);
    const SynthSpec spec = {.seed = 1, .width = 4096, .height = 4096, .mpp = 0.25};
    g_autoptr(GPtrArray) outlines = synth_slide(pyramid, &spec, 1, &error);
    g_assert_no_error(error);
    g_autoptr(Slide) slide = slide_open(pyramid, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(Image) rgb = image_new(4096, 4096, 3, &error);
    g_assert_no_error(error);
    slide_read(slide, 0, 0, 0, rgb, NULL, &error);
    g_assert_no_error(error);
    fixture_write(path, &(FixtureSpec){.tile = 256}, rgb);
}
