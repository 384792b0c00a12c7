/* The OME-XML of a 2-D image.  For this folder only. */
#pragma once
#include "tiler/pyramid/pyramid_spec.h"

/* UTF-8; caller frees. */
char *ome_xml(const PyramidSpec *spec);
