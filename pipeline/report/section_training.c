/* What training says about the model. */
#include "pipeline/report/report_section.h"
#include "base/csv.h"
#include "base/error.h"
#include "flows/models/channels.h"
#include "pipeline/write/chart.h"

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

/* A column of the curve; NULL with error. */
static double *column(const Csv *csv, const char *name, GError **error)
{
    int at = csv_need(csv, name, error);
    g_autofree double *out = g_new(double, csv_rows(csv) + 1);
    for (int row = 0; row < csv_rows(csv); row++) {
        if (at < 0 || !csv_number(csv, row, at, &out[row], error)) {
            return NULL;
        }
    }
    return at < 0 ? NULL : g_steal_pointer(&out);
}

static gboolean put_curve(Page *page, const char *path, GError **error)
{
    g_autoptr(Csv) csv = csv_read(path, error);
    g_autofree double *epoch = csv ? column(csv, "epoch", error) : NULL,
                      *train = epoch ? column(csv, "train_nll", error) : NULL,
                      *holdout = train ? column(csv, "holdout_nll", error) : NULL;
    if (!holdout) {
        return FALSE;
    }
    const ChartSeries series[] = {
        {.name = "training", .count = csv_rows(csv), .x = epoch, .y = train},
        {.name = "hold-out", .count = csv_rows(csv), .x = epoch, .y = holdout, .dashed = TRUE}};
    ChartAxes axes = chart_axes("Training", "epoch", "NLL per dimension (nats)");
    axes.description = "Negative log-likelihood of training and held-out tiles by epoch.";
    axes.width = 480;
    axes.height = 360;
    g_autofree char *svg = chart_svg(&axes, series, 2);
    page_open(page, PAGE_FIGURE);
    page_drawing(page, svg);
    page_put(page, PAGE_CAPTION, "%s", axes.description);
    page_close(page);
    return TRUE;
}

gboolean section_training(const ReportInput *input, Page *page, GError **error)
{
    g_autofree char *curve = work_find(input->work, "train", COHORT, "curve");
    g_autofree char *path = work_find(input->work, "train", COHORT, "channels");
    g_autoptr(GArray) channels = path ? read_channels(path, error) : NULL;
    if (path && !channels) {
        return FALSE;
    }
    if (curve) {
        page_put(page, PAGE_H2, "Training");
    }
    if (channels && channels->len > 0) {
        g_autofree char *text = channels_text(channels);
        page_put(page, PAGE_P, "Latents of held-out normal tiles: %s (model/channels.csv).", text);
    }
    return !curve || put_curve(page, curve, error);
}
