/* The OME-XML of one 2-D image.  For .c files of this room only. */
#pragma once
#include "tiler/pyramid/pyramid.h"

/* UTF-8; caller frees. */
char *ome_xml(const PyramidSpec *spec);
