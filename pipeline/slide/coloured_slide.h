/* Opening a slide so that its tiles have the colours of the configuration. */
#pragma once
#include "pipeline/job/work.h"

/* Opens a slide of the run with its mpp override.  Its tiles are cut with the ICC profile and the stain normalisation that the
 * configuration asks for; the stain needs the stage `stain` among the job's inputs. */
Slide *coloured_slide_open(const Work *work, const SlideEntry *entry, GError **error);
