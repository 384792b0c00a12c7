/* Lesion-level metrics as lines of text. */
#include "pipeline/evaluation/lesion_evaluation.h"
#include "flows/metrics/froc.h"

static int whole(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static void put_fixed(GString *out, const char *format, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}

static void put_froc(GString *out, const json_t *froc)
{
    const char *why = json_string_value(json_object_get(froc, "absent"));
    const char *few = json_string_value(json_object_get(froc, "intervals_absent"));
    const json_t *interval = json_object_get(froc, "interval"), *at = json_object_get(froc, "sensitivity");
    g_string_append_printf(
        out, "FROC, rule %s, ITC %s, %d lesions: ", json_string_value(json_object_get(froc, "rule")),
        json_string_value(json_object_get(froc, "itc")), whole(froc, "lesions"));
    if (why) {
        g_string_append_printf(out, "%s\n", why);
        return;
    }
    put_fixed(out, "%.4f", json_number_value(json_object_get(froc, "score")));
    if (interval) {
        g_string_append(out, " (95 % from ");
        put_fixed(out, "%.4f", json_number_value(json_object_get(interval, "low")));
        g_string_append(out, " to ");
        put_fixed(out, "%.4f", json_number_value(json_object_get(interval, "high")));
        g_string_append_c(out, ')');
    }
    g_string_append(out, "\n  sensitivity at");
    for (int r = 0; r < FROC_RATES; r++) {
        g_string_append(out, r ? ", " : " ");
        put_fixed(out, "%g", froc_rates[r]);
        g_string_append(out, ": ");
        put_fixed(out, "%.4f", json_number_value(json_array_get(at, (size_t)r)));
    }
    g_string_append_printf(out, " false positives per slide\n%s%s%s", few ? "  no interval: " : "",
                           few ? few : "", few ? "\n" : "");
}

char *lesion_evaluation_text(const json_t *metrics)
{
    GString *out = g_string_new(NULL);
    json_t *one;
    size_t i;
    g_string_append_printf(out,
                           "%d slides (%d without annotation: normal), %d regions (%d ITC), %d detections\n",
                           whole(metrics, "slides"), whole(metrics, "normal"), whole(metrics, "regions"),
                           whole(metrics, "itc"), whole(metrics, "detections"));
    json_array_foreach(json_object_get(metrics, "froc"), i, one)
    {
        put_froc(out, one);
    }
    json_array_foreach(json_object_get(metrics, "by_slide"), i, one)
    {
        g_string_append_printf(
            out, "  %-24s %s: %d regions (%d ITC), %d hit; %d detections, %d false, %d in ITC\n",
            json_string_value(json_object_get(one, "slide")),
            json_string_value(json_object_get(one, "class")), whole(one, "regions"), whole(one, "itc"),
            whole(one, "hits"), whole(one, "detections"), whole(one, "false_positives"),
            whole(one, "in_itc"));
    }
    json_array_foreach(json_object_get(metrics, "left_out"), i, one)
    {
        g_string_append_printf(out, "left out: %s: %s\n", json_string_value(json_object_get(one, "slide")),
                               json_string_value(json_object_get(one, "why")));
    }
    json_array_foreach(json_object_get(metrics, "annotations_without_detections"), i, one)
    {
        g_string_append_printf(out, "note: %s has an annotation but no detections, and is not counted\n",
                               json_string_value(one));
    }
    return g_string_free(out, FALSE);
}
