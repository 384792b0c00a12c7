/* Which tiles keep their pooled latents, for the embedding of a cohort.
 *
 * Every tile draws a random number that follows from the seed and its position, never from who scores it or when; of tiles that are alike the
 * smallest numbers are chosen.  So the choice does not depend on threads, workers or order, and a smaller sample is a part of a larger one. */
#pragma once
#include <glib.h>
#include <stdint.h>

uint64_t latent_sample_draw_tile(uint64_t seed, const char *slide, int column, int row);
uint64_t latent_sample_draw_image(uint64_t seed, const char *file);

/* Divides `total` among n groups as evenly as their sizes allow: what a small group cannot take goes to the others, and what cannot be divided
 * to the first of them.  share: (n). */
void latent_sample_shares(int64_t total, const int64_t *size, int n, int64_t *share);

/* Sets `kept` of at most `most` of the tiles (array of Scored with labels): evenly by label (normal, anomaly, unknown), and of each label the
 * smallest draws.  draw: (tiles). */
void latent_sample_mark(GArray *scored, const uint64_t *draw, int most);
