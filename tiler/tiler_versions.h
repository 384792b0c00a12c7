/* The libraries of this room. */
#pragma once

/* Names and versions, "OpenSlide 3.4.1, libtiff 4.5.0, ...".  Caller frees (g_free). */
char *tiler_versions(void);
