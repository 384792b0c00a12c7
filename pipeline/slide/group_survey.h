/* Which groups the annotations of a cohort have, so that all that are unknown are reported before any slide is read. */
#pragma once
#include "annotations/outline.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"

/* The groups of the annotations of a cohort. */
typedef struct {
    char *
        unknown; /* without a label, and how many outlines each has: '"A" (3), "B" (1)', the most frequent first; NULL = none */
    char
        *idle; /* names of slides.groups that no outline has; NULL = none, or not all annotations were read */
    int files,
        read; /* annotations with an unknown group; and that were looked at, the first ones up to 32 MiB */
} GroupSurvey;
/* Files that cannot be read, and masks, are passed over here. */
void group_survey_read(const Config *config, const GPtrArray *slides, GroupSurvey *survey);
void group_survey_clear(GroupSurvey *survey);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GroupSurvey, group_survey_clear)
/* Those of `groups` that no outline of one file has, as text; NULL = none.  The file was read as `annotation`.  Caller frees. */
char *group_survey_idle(const char *path, const GPtrArray *groups, const char *field,
                        const Annotation *annotation);
