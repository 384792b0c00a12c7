/* Time limits of connections.  For web/ only. */
#pragma once
#include <glib.h>

typedef struct WebWatch WebWatch;
typedef struct WebWatched WebWatched; /* a connection */

WebWatch *web_watch_new(void);
void web_watch_free(WebWatch *watch);
/* Watches a socket until it is forgotten, which must happen before the socket is closed.  Thread-safe, as all of these. */
WebWatched *web_watch_add(WebWatch *watch, int socket);
void web_watch_remove(WebWatch *watch, WebWatched *one);
/* From now on the connection has so many seconds; 0: no limit.  Then both directions are shut down. */
void web_watch_allow(WebWatch *watch, WebWatched *one, int seconds);
/* The same, unless it has less time already. */
void web_watch_limit(WebWatch *watch, WebWatched *one, int seconds);
