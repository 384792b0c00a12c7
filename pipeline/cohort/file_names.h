/* What the name of a file says: that it is a slide, or that it may be the annotation or mask of one. */
#pragma once
#include <glib.h>

/* Whether the name has the suffix of a slide format: such a file is a slide, or fails as one. */
gboolean file_names_claim_slide(const char *name);
/* Whether a word in the text (a run of letters) means mask, label or annotation. */
gboolean file_names_say_mask(const char *text);
/* The same for a folder, which may also be named after what is outlined (lesions, rois...). */
gboolean file_names_say_masks(const char *folder);
/* Whether the name has the suffix of data that are often next to a slide under its name, such as a mask or a project. */
gboolean file_names_companion(const char *name);
/* Length of the name without its last suffix; the whole length when it has none. */
size_t file_names_stem_length(const char *name);
/* Whether this character may follow a stem: "S_mask", "S-labels", "S (1)". */
gboolean file_names_separator(char c);
