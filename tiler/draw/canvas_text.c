/* Text on a canvas.
 *
 * Pango would ask fontconfig which font to take, and with it the user's files, the locale and the installed fonts.  The map of fonts here has
 * a configuration of its own, which knows two files and no rule, so the answer is always the same.  Characters that the font does not have
 * show as a box with their number.
 *
 * A text is a name from a file more often than not: it is cleaned before Pango sees it, and never read as markup. */
#include "tiler/draw/canvas_private.h"
#include "base/error.h"
#include <errno.h>
#include <pango/pangofc-fontmap.h>
#include <string.h>

#ifndef WSIFLOW_FONTS
#error "WSIFLOW_FONTS is the folder of DejaVuSans.ttf (FONTDIR of the Makefile)"
#endif

#define FAMILY "DejaVu Sans"
#define REPLACEMENT 0xFFFD
#define JOINERS(c) ((c) == 0x200C || (c) == 0x200D)
enum { MOST_BYTES = 4096 };

/* ---- the font ---- */

static gboolean add_fonts(FcConfig *config, GError **error)
{
    static const char *const files[] = {WSIFLOW_FONTS "/DejaVuSans.ttf",
                                        WSIFLOW_FONTS "/DejaVuSans-Bold.ttf"};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        if (!FcConfigAppFontAddFile(config, (const FcChar8 *)files[i])) {
            g_set_error(error, WSI_ERROR, WSI_ERROR_ABSENT,
                        "cannot read the font %s, which overviews are written in: install the package "
                        "fonts-dejavu-core",
                        files[i]);
            return FALSE;
        }
    }
    return TRUE;
}

/* One configuration for the process, since Pango keeps a reference to each that it gets.  NULL with error; then the next call tries again. */
static FcConfig *own_config(GError **error)
{
    static GMutex mutex;
    static FcConfig *config;
    g_mutex_lock(&mutex);
    if (!config) {
        FcConfig *made = FcConfigCreate();
        if (made && add_fonts(made, error)) {
            config = g_steal_pointer(&made);
        } else if (made) {
            FcConfigDestroy(made);
        } else {
            g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for fonts");
        }
    }
    g_mutex_unlock(&mutex);
    return config;
}

gboolean canvas_fonts(Canvas *canvas, GError **error)
{
    FcConfig *config = own_config(error);
    canvas->fonts = config ? pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT) : NULL;
    if (canvas->fonts) {
        pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(canvas->fonts), config);
        canvas->context = pango_font_map_create_context(canvas->fonts);
        cairo_font_options_t *options = cairo_font_options_create();
        cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
        cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
        pango_cairo_context_set_font_options(canvas->context, options);
        cairo_font_options_destroy(options);
        pango_cairo_context_set_resolution(canvas->context, CANVAS_DPI);
        pango_context_set_language(canvas->context, pango_language_from_string("en"));
    } else if (config) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INTERNAL, "this Cairo cannot draw with FreeType");
    }
    return canvas->fonts != NULL;
}

/* ---- cleaning ---- */

/* Whether a character only acts on others: controls, breaks of lines, and marks that turn the direction of what follows. */
static gboolean acts(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);
    return type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR ||
           type == G_UNICODE_PARAGRAPH_SEPARATOR || (type == G_UNICODE_FORMAT && !JOINERS(c));
}

static char *clean(const char *text)
{
    gsize bytes = strlen(text);
    g_autofree char *ends = bytes <= MOST_BYTES ? g_strdup(text)
                                                : g_strdup_printf("%.*s\u2026%s", MOST_BYTES / 2, text,
                                                                  text + bytes - MOST_BYTES / 2);
    g_autofree char *valid = g_utf8_make_valid(ends, -1);
    GString *out = g_string_sized_new(strlen(valid));
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(out, acts(c) ? REPLACEMENT : c);
    }
    return g_string_free(out, FALSE);
}

/* ---- layout ---- */

static PangoLayout *layout_new(Canvas *canvas, const CanvasText *style, const char *text)
{
    PangoLayout *layout = pango_layout_new(canvas->context);
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, FAMILY);
    pango_font_description_set_weight(font, style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font, CANVAS_PT(style->points) * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    g_autofree char *cleaned = clean(text);
    pango_layout_set_text(layout, cleaned, -1);
    if (style->width > 0) {
        pango_layout_set_width(layout, (int)(style->width * PANGO_SCALE));
        pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_ellipsize(layout, style->lines ? PANGO_ELLIPSIZE_NONE : PANGO_ELLIPSIZE_MIDDLE);
    }
    return layout;
}

/* The box of a layout, px, before it is turned: Pango puts text of right-to-left scripts at the right end of the width. */
static Rect logical(PangoLayout *layout)
{
    PangoRectangle box;
    pango_layout_get_extents(layout, NULL, &box);
    return (Rect){(double)box.x / PANGO_SCALE, (double)box.y / PANGO_SCALE, (double)box.width / PANGO_SCALE,
                  (double)box.height / PANGO_SCALE};
}

static Rect place(const Rect *box, double x, double y, const CanvasText *style)
{
    double before = style->align == CANVAS_LEFT     ? 0
                    : style->align == CANVAS_CENTRE ? box->width / 2
                                                    : box->width;
    return style->upwards ? (Rect){x, y - box->width + before, box->height, box->width}
                          : (Rect){x - before, y, box->width, box->height};
}

Rect canvas_text_box(Canvas *canvas, double x, double y, const CanvasText *style, const char *text)
{
    PangoLayout *layout = layout_new(canvas, style, text);
    Rect box = logical(layout);
    g_object_unref(layout);
    return place(&box, x, y, style);
}

Rect canvas_text(Canvas *canvas, double x, double y, const CanvasText *style, const char *text)
{
    PangoLayout *layout = layout_new(canvas, style, text);
    Rect box = logical(layout), at = place(&box, x, y, style);
    cairo_save(canvas->cairo);
    /* Accents can be stacked without end; they stay in the line. */
    cairo_rectangle(canvas->cairo, at.x, at.y, at.width, at.height);
    cairo_clip(canvas->cairo);
    canvas_colour(canvas, style->colour);
    if (style->upwards) {
        cairo_move_to(canvas->cairo, at.x, at.y + at.height);
        cairo_rotate(canvas->cairo, -G_PI / 2);
    } else {
        cairo_move_to(canvas->cairo, at.x, at.y);
    }
    cairo_rel_move_to(canvas->cairo, -box.x, -box.y);
    pango_cairo_show_layout(canvas->cairo, layout);
    cairo_restore(canvas->cairo);
    g_object_unref(layout);
    return at;
}
