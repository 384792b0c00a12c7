/* The groups in the annotations of a cohort.  All unknown groups are reported at once, before any slide is read. */
#pragma once
#include "annotations/outline/outline.h"
#include "pipeline/cohort/cohort.h"
#include "pipeline/config/config.h"

typedef struct {
    char *
        unknown; /* groups without a rule and their numbers of outlines, '"A" (3), "B" (1)', most frequent first; NULL = none */
    char
        *idle; /* names in slides.groups that no outline has; NULL = none, or not every annotation was read */
    int files; /* annotations that have an unknown group */
    int read;  /* annotations that were read: the first ones, up to 32 MiB */
} GroupSurvey;
/* Reads the annotations of slides (SlideEntry*).  Skips label masks and files that cannot be read. */
void group_survey_read(const Config *config, const GPtrArray *slides, GroupSurvey *survey);
void group_survey_clear(GroupSurvey *survey);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(GroupSurvey, group_survey_clear)
/* The names in `groups` that no outline of one file has, as text; NULL = none.  annotation: what was read from the file.  Caller frees. */
char *group_survey_idle(const char *path, const GPtrArray *groups, const char *field,
                        const Annotation *annotation);
