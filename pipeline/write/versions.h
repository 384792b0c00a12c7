/* What software made a result. */
#pragma once

/* One line a library: "wsiflow 0.1.0", then those of each room, kernels and processors. Caller frees. */
char *versions_text(void);
extern const char *const research_use_only;
