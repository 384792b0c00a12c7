/* What training says about the model. */
#include "pipeline/report/report_section.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/models/channels.h"

/* Reads the table that training wrote; array of ChannelReport, NULL with error. */
static GArray *read_channels(const char *path, GError **error)
{
    static const char *const names[] = {"scale", "channel", "dead"};
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autoptr(GArray) channels = g_array_new(FALSE, FALSE, sizeof(ChannelReport));
    int rows = csv ? csv_rows(csv) : 0;
    for (int row = 0; row < rows; row++) {
        double value[G_N_ELEMENTS(names)];
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
            int column = csv_column(csv, names[i]);
            if (column < 0) {
                g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s has no column %s", path, names[i]);
                return NULL;
            }
            if (!csv_number(csv, row, column, &value[i], error)) {
                return NULL;
            }
        }
        ChannelReport channel = {.scale = (int)value[0] - 1, .channel = (int)value[1], .dead = value[2] > 0};
        g_array_append_val(channels, channel);
    }
    return csv ? g_steal_pointer(&channels) : NULL;
}

gboolean section_training(const ReportInput *input, Page *page, GError **error)
{
    g_autofree char *path = work_find(input->work, "train", COHORT, "channels");
    g_autoptr(GArray) channels = path ? read_channels(path, error) : NULL;
    if (channels && channels->len > 0) {
        g_autofree char *text = channels_text(channels);
        page_put(page, PAGE_P, "Latents of held-out normal tiles: %s (model/channels.csv).", text);
    }
    return !path || channels;
}
