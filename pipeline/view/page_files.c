/* The assembler puts the files of pipeline/view/page/ into the program.  The table below names them; the program is built in the folder of the
 * sources, which is where .incbin looks. */
#include "pipeline/view/page_files.h"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

/* X(symbol, name, type) */
#define FILES(X)                              \
    X(api_js, "api.js", SCRIPT)               \
    X(app_css, "app.css", CSS)                \
    X(controls_js, "controls.js", SCRIPT)     \
    X(display_js, "display.js", SCRIPT)       \
    X(dom_js, "dom.js", SCRIPT)               \
    X(draw_js, "draw.js", SCRIPT)             \
    X(frame_js, "frame.js", SCRIPT)           \
    X(geometry_js, "geometry.js", SCRIPT)     \
    X(icon_svg, "icon.svg", SVG)              \
    X(index_html, "index.html", HTML)         \
    X(keys_js, "keys.js", SCRIPT)             \
    X(list_js, "list.js", SCRIPT)             \
    X(main_js, "main.js", SCRIPT)             \
    X(messages_js, "messages.js", SCRIPT)     \
    X(panel_js, "panel.js", SCRIPT)           \
    X(place_js, "place.js", SCRIPT)           \
    X(review_js, "review.js", SCRIPT)         \
    X(saver_js, "saver.js", SCRIPT)           \
    X(stage_js, "stage.js", SCRIPT)           \
    X(state_js, "state.js", SCRIPT)           \
    X(tilelayer_js, "tilelayer.js", SCRIPT)   \
    X(valuelayer_js, "valuelayer.js", SCRIPT) \
    X(values_js, "values.js", SCRIPT)         \
    X(vectors_js, "vectors.js", SCRIPT)       \
    X(viewer_js, "viewer.js", SCRIPT)

#define EMBED(symbol, name, type)                                            \
    __asm__(".section .rodata\n"                                             \
            "page_" #symbol ":\n.incbin \"pipeline/view/page/" name "\"\n"   \
            "page_" #symbol "_end:\n.byte 0\n.previous\n");                  \
    extern const char page_##symbol[] __attribute__((visibility("hidden"))); \
    extern const char page_##symbol##_end[] __attribute__((visibility("hidden")));
FILES(EMBED)

#define ROW(symbol, name, type) {name, type, page_##symbol, page_##symbol##_end},
static const struct {
    const char *name, *type, *start, *end;
} files[] = {FILES(ROW)};

GBytes *page_files_find(const char *name, const char **type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        if (g_str_equal(files[i].name, name)) {
            *type = files[i].type;
            return g_bytes_new_static(files[i].start, (gsize)(files[i].end - files[i].start));
        }
    }
    return NULL;
}

const char *page_files_leaflet(const char *name)
{
    static const char *const used[][2] = {{"leaflet.js", SCRIPT},
                                          {"leaflet.css", CSS},
                                          {"layers.png", "image/png"},
                                          {"layers-2x.png", "image/png"},
                                          {"marker-icon.png", "image/png"},
                                          {"marker-icon-2x.png", "image/png"},
                                          {"marker-shadow.png", "image/png"}};
    for (size_t i = 0; i < G_N_ELEMENTS(used); i++) {
        if (g_str_equal(used[i][0], name)) {
            return used[i][1];
        }
    }
    return NULL;
}
