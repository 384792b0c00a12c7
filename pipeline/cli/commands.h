/* The commands; each is defined in the file of its name, cmd_NAME.c, and listed in command_table.c. */
#pragma once
#include "pipeline/cli/command.h"

extern const Command command_run;
extern const Command command_dataset; /* in cmd_run.c */
extern const Command command_status;
extern const Command command_retry;
extern const Command command_view;
extern const Command command_review;
extern const Command command_slide;
extern const Command command_train;
extern const Command command_score;
extern const Command command_heatmap;
extern const Command command_qupath;
extern const Command command_mask;
extern const Command command_annotation;
extern const Command command_sample;
extern const Command command_evaluate;
extern const Command command_synth;
extern const Command command_config;
extern const Command command_doctor;
extern const Command command_worker; /* hidden: run starts it */
