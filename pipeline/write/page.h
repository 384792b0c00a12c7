/* An HTML page.
 *
 * Markup and text cannot be taken for each other: markup is a value of PageTag, which the page spells out itself, and every string
 * is text, which is always escaped.  Elements are closed in the order they were opened in; page_finish closes what is still open.
 * A page belongs to one thread. */
#pragma once
#include <glib.h>

typedef enum {
    PAGE_H1,
    PAGE_H2,
    PAGE_H3,
    PAGE_P,
    PAGE_NOTICE, /* a paragraph that must be seen */
    PAGE_PRE,
    PAGE_ROW_OF_DRAWINGS,
    PAGE_TABLE,
    PAGE_TR,
    PAGE_TH,
    PAGE_TD,
    PAGE_UL,
    PAGE_LI
} PageTag;

typedef struct Page Page;
/* A page with its title in the head. */
Page *page_new(const char *title);
void page_free(Page *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Page, page_free)
void page_open(Page *page, PageTag tag);
void page_close(Page *page);
/* As printf; what is not UTF-8 is replaced. */
void page_text(Page *page, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* An element that holds only this text. */
void page_put(Page *page, PageTag tag, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A PNG file, as data inside of the page. */
void page_png(Page *page, const void *bytes, gsize length);
/* A drawing as chart_svg (pipeline/write/chart.h) makes it.  FALSE, and nothing is added, when it is not a well-formed <svg> element or when it
 * has elements that wsiflow's charts do not use. */
gboolean page_drawing(Page *page, const char *svg);
/* The whole page. Caller frees; the page can only be freed after this. */
char *page_finish(Page *page);
