/* What became of the channels of the latents, and reports about them as text. */
#pragma once
#include <glib.h>

/* What became of a channel of the latents, over held-out normal tiles (models.md B.2). */
typedef struct {
    int scale, channel;
    double
        activity; /* mean |log-scale| that the scale's flow gave it depending on others: see msflow_activity */
    double variance; /* of z */
    gboolean dead;   /* activity < 1e-3, or variance further than 1 from 1 */
} ChannelReport;

/* Whether a channel with these figures counts as dead; figures that are not finite do. */
gboolean channel_is_dead(double activity, double variance);
/* "scale,channel,activity,variance,dead", a line a channel; scale from 1, channel from 0, dead 0 or 1.  Caller frees. */
char *channels_csv(const GArray *channels);
/* "all 24 channels are alive", or "3 of 24 channels are dead: scale 1: 4 17; scale 3: 0" with at most 20 named.  Caller frees. */
char *channels_text(const GArray *channels);
