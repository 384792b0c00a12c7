/* The small picture of a slide, and links to its files. */
#pragma once
#include "pipeline/job/work.h"
#include "pipeline/write/page.h"

/* Whether any slide has this picture: "overview" or "thumbnail". */
gboolean slide_pictures_any(const Work *work, const char *name);
/* Puts the small overview of a slide into the page; nothing when there is none. */
gboolean slide_picture_put(Page *page, const Work *work, const char *slide, GError **error);
/* The name of the slide, as a link to its folder when there is one. */
void slide_picture_link(Page *page, const Work *work, const char *slide);
/* The same as a link to its overview, when there is one. */
void slide_picture_overview(Page *page, const Work *work, const char *slide);
/* Links to the files of the slide that exist. */
void slide_picture_files(Page *page, const Work *work, const char *slide);
