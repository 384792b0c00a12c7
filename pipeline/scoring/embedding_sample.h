/* The tiles of a cohort that are in its embedding, with their pooled latents. */
#pragma once
#include "pipeline/job/work.h"

/* One tile or image; texts belong to the sample. */
typedef struct {
    const char *slide;          /* "" for an image */
    const char *file;           /* "" for a tile of a slide */
    const char *split, *centre; /* "" = unknown */
    int label;                  /* 0 normal, 1 anomaly, -1 unknown */
    double x, y;                /* of a tile: level-0 px; NAN for an image */
    double score;
    int source, row; /* where its latents are */
    uint64_t draw;   /* latent_sample.h */
} EmbeddingTile;

typedef struct {
    GArray *tiles;      /* EmbeddingTile, in the order of slides and of their tables */
    double *latents;    /* (tiles, SCORER_LATENTS) */
    int64_t kept;       /* tiles with latents, of which these are a part */
    int64_t unreadable; /* tiles whose latents are not known, because too little could be read */
    GStringChunk *texts;
} EmbeddingSample;

/* Chooses `most` tiles among those whose latents the stages of scoring kept: evenly by label (normal, anomaly, unknown), of a label evenly by
 * centre, of these evenly by slide, and of a slide the smallest draws.  NULL with error. */
EmbeddingSample *embedding_sample_read(const Work *work, int most, GError **error);
void embedding_sample_free(EmbeddingSample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EmbeddingSample, embedding_sample_free)
