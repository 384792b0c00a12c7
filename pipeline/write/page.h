/* An HTML page.
 *
 * Markup and text cannot be taken for each other: markup is a value of PageTag, which the page spells out itself, and every string
 * is text, which is always escaped.  Elements are closed in the order they were opened in; page_finish closes what is still open.
 *
 * The page is complete in itself: it loads nothing, and its Content-Security-Policy allows only its own style and script (by their hashes)
 * and images that are inside of it.  It is readable without the script, on a phone, and when printed.  A page belongs to one thread. */
#pragma once
#include <glib.h>

typedef enum {
    PAGE_H1,
    PAGE_H2,
    PAGE_H3,
    PAGE_P,
    PAGE_SMALL,  /* a paragraph that explains what is above it */
    PAGE_NOTICE, /* a paragraph that must be seen */
    PAGE_PRE,
    PAGE_SPAN,
    PAGE_ROW_OF_DRAWINGS, /* figures beside each other */
    PAGE_ROW_OF_TILES,    /* small figures of one width beside each other */
    PAGE_FIGURE,
    PAGE_CAPTION, /* of a figure */
    PAGE_CARDS,   /* figures that a reader wants first, beside each other */
    PAGE_CARD,    /* one of them: a PAGE_VALUE with what it is */
    PAGE_VALUE,
    PAGE_TABLE,    /* scrolls in its own box when the window is narrower */
    PAGE_SORTABLE, /* the same, and a click on a title sorts its rows */
    PAGE_THEAD,
    PAGE_TBODY,
    PAGE_TR,
    PAGE_TH,
    PAGE_TH_ROW, /* title of a row */
    PAGE_TD,
    PAGE_TD_TEXT, /* a cell of words: to the left */
    PAGE_TD_NAME, /* a cell of names, which are broken anywhere when they are long */
    PAGE_UL,
    PAGE_LI,
    PAGE_DETAILS, /* folded; its first element is a PAGE_SUMMARY; printed unfolded */
    PAGE_SUMMARY
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
/* A cell with a number, by which its column is sorted; a dash for NaN.  format: one conversion of a double. */
void page_number(Page *page, const char *format, double value);
/* A link to a file beside the page.  path: relative; each byte that is not plain in a URL is encoded, so that it cannot name another place. */
void page_link(Page *page, const char *path, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Here come links to all headings of the second level. */
void page_contents(Page *page);
/* A PNG or JPEG file, as data inside of the page; alt: what it shows. */
void page_image(Page *page, const void *bytes, gsize length, const char *alt);
/* A drawing as chart_svg (pipeline/write/chart.h) makes it.  FALSE, and nothing is added, when it is not a well-formed <svg> element or when it
 * has elements that wsiflow's charts do not use. */
gboolean page_drawing(Page *page, const char *svg);
/* The whole page. Caller frees; the page can only be freed after this. */
char *page_finish(Page *page);
