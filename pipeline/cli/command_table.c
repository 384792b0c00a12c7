/* The table of commands. */
#include "pipeline/cli/command_table.h"
#include "base/nearest.h"
#include "pipeline/cli/commands.h"

const Command *const commands[] = {
    &command_run,    &command_dataset, &command_status,     &command_retry,  &command_view,
    &command_review, &command_slide,   &command_train,      &command_score,  &command_heatmap,
    &command_qupath, &command_mask,    &command_annotation, &command_sample, &command_evaluate,
    &command_synth,  &command_config,  &command_doctor,     &command_worker, NULL,
};

const Command *command_table_find(const char *name)
{
    for (const Command *const *command = commands; *command; command++) {
        if (g_str_equal((*command)->name, name)) {
            return *command;
        }
    }
    return NULL;
}

const char *command_table_nearest(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (const Command *const *command = commands; *command; command++) {
        if ((*command)->summary) {
            g_ptr_array_add(names, (char *)(*command)->name);
        }
    }
    g_ptr_array_add(names, NULL);
    return nearest_name(name, (const char *const *)names->pdata);
}
