/* What became of the channels of the latents, and reports about them as text. */
#pragma once
#include <glib.h>

/* A channel of the latents, over held-out normal tiles. */
typedef struct {
    int scale, channel; /* from 0 */
    double activity;    /* mean |log-scale| conditioned on other channels: see msflow_activity */
    double variance;    /* of z */
    gboolean dead;      /* activity < 1e-3, or a variance further than 1 from 1 */
} ChannelReport;

/* Whether a channel with these values counts as dead.  So do values that are not finite. */
gboolean channel_is_dead(double activity, double variance);
/* CSV with the columns scale (from 1), channel (from 0), activity, variance, dead (0 or 1).  Caller frees. */
char *channels_csv(const GArray *channels);
/* "all 24 channels are alive", or "3 of 24 channels are dead: scale 1: 4 17; scale 3: 0", naming at most 20.  Caller frees. */
char *channels_text(const GArray *channels);
