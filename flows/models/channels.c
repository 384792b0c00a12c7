/* Channels that the flow does not model.
 *
 * A one-sided coupling scales half of the channels.  Where channels are only permuted between couplings, some may never be in the
 * active half, so their distribution is never adapted to the others: they have no activity.  A channel that is modelled badly has
 * a variance far from 1, the variance of a latent.  Neither shows in the likelihood. */
#include "flows/models/channels.h"
#include <math.h>

#define ACTIVITY_LEAST 1e-3 /* of a channel that is alive */
#define VARIANCE_OFF 1.0    /* from 1, at most */
#define MOST_NAMED 20       /* in channels_text */

gboolean channel_is_dead(double activity, double variance)
{
    /* Written so that NaN is dead. */
    return !(activity >= ACTIVITY_LEAST && fabs(variance - 1) <= VARIANCE_OFF);
}

static void put_number(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_c(out, ',');
    if (isfinite(value)) {
        g_string_append(out, g_ascii_formatd(text, sizeof text, "%.6g", value));
    }
}

char *channels_csv(const GArray *channels)
{
    GString *out = g_string_new("scale,channel,activity,variance,dead\n");
    for (guint i = 0; i < channels->len; i++) {
        const ChannelReport *c = &g_array_index(channels, ChannelReport, i);
        g_string_append_printf(out, "%d,%d", c->scale + 1, c->channel);
        put_number(out, c->activity);
        put_number(out, c->variance);
        g_string_append_printf(out, ",%d\n", c->dead ? 1 : 0);
    }
    return g_string_free(out, FALSE);
}

char *channels_text(const GArray *channels)
{
    g_autoptr(GString) names = g_string_new(NULL);
    int dead = 0, scale = -1;
    for (guint i = 0; i < channels->len; i++) {
        const ChannelReport *c = &g_array_index(channels, ChannelReport, i);
        if (!c->dead || ++dead > MOST_NAMED) {
            continue;
        }
        if (c->scale != scale) {
            g_string_append_printf(names, "%s scale %d:", names->len ? ";" : "", c->scale + 1);
            scale = c->scale;
        }
        g_string_append_printf(names, " %d", c->channel);
    }
    if (dead == 0) {
        return g_strdup_printf("all %u channels are alive", channels->len);
    }
    return g_strdup_printf("%d of %u channels are dead:%s%s", dead, channels->len, names->str,
                           dead > MOST_NAMED ? " ..." : "");
}
