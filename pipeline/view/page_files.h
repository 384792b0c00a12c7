/* The files of the page, which are part of the program. */
#pragma once
#include <glib.h>

/* A file of pipeline/view/page/, with its type; NULL when there is none of that name.  Static. */
GBytes *page_files_find(const char *name, const char **type);
/* The type of one of Leaflet's files that the page uses; NULL for any other name. */
const char *page_files_leaflet(const char *name);
