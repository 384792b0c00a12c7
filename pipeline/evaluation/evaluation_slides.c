/* Metrics by slide. */
#include "pipeline/evaluation/evaluation_slides.h"
#include "pipeline/evaluation/score_rows.h"
#include "pipeline/write/json.h"
#include <math.h>

/* Tile counts and score statistics of one slide. */
static json_t *slide_json_of(const ScoreTable *table, const GArray *rows)
{
    int first = g_array_index(rows, int, 0), anomalies = 0, lost = 0;
    g_autoptr(GArray) labelled = g_array_new(FALSE, FALSE, sizeof(int));
    for (guint i = 0; i < rows->len; i++) {
        int row = g_array_index(rows, int, i);
        gboolean scored = !isnan(table->score[row]);
        *(scored ? &anomalies : &lost) += table->label[row] > 0;
        if (scored && table->label[row] >= 0) {
            g_array_append_val(labelled, row);
        }
    }
    SlideTiles tiles = score_slide_tiles(table, rows);
    json_t *out = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "slide", table->group[first], "tiles", tiles.n,
                            "labelled", (int)labelled->len, "lesion_tiles", anomalies, "without_score",
                            (int)rows->len - tiles.n, "lesion_tiles_without_score", lost);
    Metrics m;
    if (score_metrics(table, labelled, table->score, NAN, &m) && m.positives > 0 && m.positives < m.n) {
        json_object_set_new(out, "auroc", json_real(m.auroc));
    }
    if (tiles.n > 0) {
        json_object_update_new(out, json_pack("{s:o, s:o, s:i, s:o}", "median",
                                              json_number_or_null(tiles.median), "top_1_percent_mean",
                                              json_number_or_null(tiles.top_mean), "top_1_percent_tiles",
                                              tiles.top, "maximum", json_number_or_null(tiles.maximum)));
    }
    if (*table->split[first]) {
        json_object_set_new(out, "split", json_string(table->split[first]));
    }
    return out;
}

json_t *evaluation_slides(const ScoreTable *table)
{
    json_t *out = json_array();
    g_autoptr(GPtrArray) slides = score_slides(table);
    for (guint i = 0; i < slides->len; i++) {
        json_array_append_new(out, slide_json_of(table, slides->pdata[i]));
    }
    return out;
}
