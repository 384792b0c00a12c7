/* Numbers have a point whatever the locale: g_ascii_formatd. */
#include "pipeline/report/report_text.h"

char *report_number(const json_t *object, const char *key, const char *format)
{
    const json_t *value = json_object_get(object, key);
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    return g_strdup(json_is_number(value)
                        ? g_ascii_formatd(text, sizeof text, format, json_number_value(value))
                        : REPORT_DASH);
}

char *report_with_interval(const json_t *value, const json_t *interval)
{
    char text[3][G_ASCII_DTOSTR_BUF_SIZE];
    const json_t *numbers[] = {value, json_object_get(interval, "low"), json_object_get(interval, "high")};
    if (!json_is_number(value)) {
        return g_strdup(REPORT_DASH);
    }
    for (int i = 0; i < 3; i++) {
        g_ascii_formatd(text[i], sizeof text[i], "%.4f", json_number_value(numbers[i]));
    }
    return json_is_object(interval) ? g_strdup_printf("%s (%s to %s)", text[0], text[1], text[2])
                                    : g_strdup(text[0]);
}

int report_count(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

const char *report_plural(int n)
{
    return n == 1 ? "" : "s";
}

void report_heading(Page *page, const char *title, const json_t *metrics)
{
    const char *split = json_string_value(json_object_get(metrics, "split"));
    int all = report_count(metrics, "slides_wanted");
    int had = all - (int)json_array_size(json_object_get(metrics, "slides_failed"));
    if (split && had < all) {
        page_put(page, PAGE_H2, "%s: %s split, %d of %d slides", title, split, had, all);
    } else {
        page_put(page, PAGE_H2, "%s%s%s%s", title, split ? ": " : "", split ? split : "",
                 split ? " split" : "");
    }
}

void report_absent(Page *page, const char *which, const json_t *object)
{
    const char *why = json_string_value(json_object_get(object, "absent"));
    if (why) {
        page_put(page, PAGE_P, "%s: %s.", which, why);
    }
}

void report_table(Page *page, PageTag kind, const char *const *titles)
{
    page_open(page, kind);
    page_open(page, PAGE_THEAD);
    page_open(page, PAGE_TR);
    for (; *titles; titles++) {
        page_put(page, PAGE_TH, "%s", *titles);
    }
    page_close(page);
    page_close(page);
    page_open(page, PAGE_TBODY);
}

char *report_drawn(const json_t *intervals)
{
    const char *why = json_string_value(json_object_get(intervals, "absent"));
    if (why) {
        return g_strdup_printf("No intervals: %s.", why);
    }
    return g_strdup_printf("Intervals: 95 %% of 1000 draws of %d %ss with replacement.",
                           report_count(intervals, "units"),
                           json_string_value(json_object_get(intervals, "unit")));
}
