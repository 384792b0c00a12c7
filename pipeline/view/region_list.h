/* The regions of a slide, from the file that the stage `regions` wrote. */
#pragma once
#include "pipeline/view/shape.h"

typedef struct {
    char *id; /* its UUID */
    int rank;
    double area_um2, maximum, mean; /* NAN: not in the file */
    Shape *shape;
} Region;

/* The file's regions by rank, in level-0 px whatever the frame of the file: array of Region*, owned.  A file that does not exist has none, and
 * *found is FALSE.  Caller unrefs; NULL with WSI_ERROR_INPUT for a file of another form. */
GPtrArray *region_list_read(const char *path, gboolean *found, GError **error);
/* The region with this id, or NULL. */
const Region *region_list_find(const GPtrArray *regions, const char *id);
