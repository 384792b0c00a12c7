/* The number of feature maps that the engine works on: strides 4, 8 and 16 of a tile (flows/extractors/extractor.h). */
#pragma once

#define SCALES 3
