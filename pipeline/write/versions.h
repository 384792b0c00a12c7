/* The versions of the software. */
#pragma once

/* One line per library: wsiflow, the libraries of each room, the kernels.  Caller frees. */
char *versions_text(void);
extern const char *const research_use_only;
