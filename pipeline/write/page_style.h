/* The style and the script of every page (pipeline/write/page.h). */
#pragma once

/* Light and without images.  Tables scroll inside of their box; in print they have no box, rows stay whole, and the folded parts open. */
extern const char page_style[];
/* Makes the titles of sortable tables buttons, and opens what is folded before printing.  Without it the page lacks only that. */
extern const char page_script[];
