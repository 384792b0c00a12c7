/* Reports on the channels of the latents (ChannelReport of flows/models/model.h) as text. */
#pragma once
#include "flows/models/model.h"

/* Whether a channel with these figures counts as dead; figures that are not finite do. */
gboolean channel_is_dead(double activity, double variance);
/* "scale,channel,activity,variance,dead", a line a channel; scale from 1, channel from 0, dead 0 or 1.  Caller frees. */
char *channels_csv(const GArray *channels);
/* "all 24 channels are alive", or "3 of 24 channels are dead: scale 1: 4 17; scale 3: 0" with at most 20 named.  Caller frees. */
char *channels_text(const GArray *channels);
