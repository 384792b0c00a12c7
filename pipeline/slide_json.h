/* What wsiflow knows of a slide, as JSON: vendor, reader, size, mpp and its source, bounds, levels, fingerprint. */
#pragma once
#include "tiler/slide.h"
#include <jansson.h>

json_t *slide_json(const Slide *slide); /* new reference */
