/* From the optical densities of a tile to densities of stains: haematoxylin, eosin and the rest.
 *
 * Source: Ruifrok & Johnston, "Quantification of histochemical staining by color deconvolution", 2001.  Absorption is linear in the
 * amount of stain (Beer and Lambert), so a matrix unmixes the densities. */
#pragma once
#include "flows/kernels/real.h"
#include <stddef.h>

#define STAINS 3 /* planes: haematoxylin, eosin, rest */

/* Optical density of a byte of any channel, -log10((byte + 1) / 256), above that of glass. */
double stain_density_of(int channel, int byte);
/* Densities (pixels, 3) -> planes (STAINS, pixels). */
void stain_density_unmix(const real *density, size_t pixels, real *planes);
/* Planes in place: haematoxylin and eosin in units of their typical density in the tile (where there is stain), and out of the
 * rest what goes with them.  A stronger stain multiplies a plane, another hue adds a fraction of the stains to the rest: both are
 * taken away, while the number and size of nuclei are not. */
void stain_density_normalise(real *planes, size_t pixels);
