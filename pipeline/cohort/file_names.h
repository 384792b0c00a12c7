/* What names of files tell: who claims to be a slide, and who may be the annotation or the mask of one. */
#pragma once
#include <glib.h>

/* Has the suffix of a format of slides: such a file is a slide, or fails as one. */
gboolean file_names_claim_slide(const char *name);
/* One of the words in it (divided by anything but letters) says mask, label or annotation. */
gboolean file_names_say_mask(const char *text);
/* The same of a folder, which may also be called after what is outlined (lesions, rois...). */
gboolean file_names_say_masks(const char *folder);
/* With the suffix of data that lie beside a slide under its name, such as a mask or a project. */
gboolean file_names_companion(const char *name);
/* Where the last suffix begins; the length when there is none. */
size_t file_names_stem_length(const char *name);
/* Whether a stem may go on with this character: "S_mask", "S-labels", "S (1)". */
gboolean file_names_separator(char c);
