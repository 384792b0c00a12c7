/* How much of the lesions is cut out of them, and whether anything is left.
 *
 * A "normal" region that somebody drew over a whole slide removes its lesions, and the slide would be trained on as normal.  Only the
 * person who drew it knows whether that is meant, so the loss is a warning; where less than 1 px is left, it is an error. */
#include "annotations/read/outline_check.h"
#include "annotations/raster/raster.h"
#include <math.h>

enum { NAMED = 10 };

/* The lesions with (cut) or without what is cut out of them.  Inner rings count as part of their polygon, so both have them. */
static Raster *lesions_of(const Source *source, gboolean cut, GError **error)
{
    g_autofree Outline *outlines = g_new0(Outline, source->drafts->len);
    g_autoptr(GPtrArray) pointers = g_ptr_array_new();
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (draft_counts(draft) && (cut || (draft->label == LABEL_LESION && !draft->negative))) {
            outlines[i] = draft_outline(draft);
            g_ptr_array_add(pointers, &outlines[i]);
        }
    }
    Annotation annotation = {.path = (char *)source->path, .outlines = pointers};
    return raster_build(&annotation, error);
}

/* Area in px, within the slide where its size is known. */
static double area_of(const Source *source, const Raster *raster)
{
    Rect whole = {0, 0, source->frame->width, source->frame->height};
    return whole.width > 0 && whole.height > 0 ? raster_fraction(raster, &whole) * whole.width * whole.height
                                               : raster_area(raster);
}

/* A lesion outline itself, not a hole in one. */
static gboolean is_lesion(const Draft *draft)
{
    return draft_counts(draft) && draft->label == LABEL_LESION && !draft_is_hole(draft);
}

/* The lesions that lose more than half of the area in their box: '"a" of line 3 (990 of 1000 px)'.  Caller frees; NULL = none. */
static char *most_lost(const Source *source, const Raster *before, const Raster *after)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int count = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        const Box *b = &draft->box;
        Rect box = {b->low_x, b->low_y, b->high_x - b->low_x, b->high_y - b->low_y};
        if (!is_lesion(draft) || box.width <= 0 || box.height <= 0) {
            continue;
        }
        /* Of the box, not of the outline: other lesions in it count too, so this only decides which outlines to name. */
        double had = raster_fraction(before, &box), lost = had - raster_fraction(after, &box);
        /* Only those that lose more than half are worth naming. */
        if (lost <= had / 2 || had <= 0) {
            continue;
        }
        if (count++ < NAMED) {
            g_autofree char *name = tally_shown_name(*draft->name ? draft->name : draft->group);
            g_string_append_printf(text, "%s\"%s\" of line %d (%.0f of %.0f px)", count > 1 ? ", " : "", name,
                                   draft->line, lost * box.width * box.height, had * box.width * box.height);
        }
    }
    if (count > NAMED) {
        g_string_append_printf(text, " and %d more", count - NAMED);
    }
    return count ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* The error when less than 1 px is left.  before: the lesions' area when nothing is cut out. */
static gboolean too_little(const Source *source, double left, double before, const char *cutters, int line,
                           GError **error)
{
    if (before < 1) {
        return source_error(source, line, error,
                            "the lesions cover only %.3g px in all: are the coordinates level-0 px?", before);
    }
    return source_error(
        source, line, error,
        "only %.3g of the %.0f px of the lesions are left, the rest is cut out by %s; is that meant?  "
        "A group that should cut nothing out can be ignored",
        left, before, cutters);
}

/* Compares the lesions before and after everything is cut out.  cutters: names and counts of what cuts. */
static gboolean compare(Source *source, const char *cutters, int line, GError **error)
{
    g_autoptr(Raster) before = lesions_of(source, FALSE, error);
    g_autoptr(Raster) after = before ? lesions_of(source, TRUE, error) : NULL;
    if (!after) {
        return FALSE;
    }
    double had = area_of(source, before), left = area_of(source, after), lost = had - left;
    if (left < 1) {
        return too_little(source, left, had, cutters, line, error);
    }
    if (lost >= 0.5) {
        g_autofree char *most = most_lost(source, before, after);
        source_warn(source, line, "%.0f of %.0f px of the lesions are cut out by %s%s%s", lost, had, cutters,
                    most ? "; most affected: " : "", most ? most : "");
    }
    return TRUE;
}

/* A lesion of at least 1 px within the slide and without holes.  Where one exists and nothing cuts, there is nothing to compute. */
static gboolean is_plain(const Source *source, const Draft *draft)
{
    const SlideFrame *frame = source->frame;
    Outline outline = draft_outline(draft);
    const Box *box = &draft->box;
    gboolean within = frame->width <= 0 || (box->low_x >= 0 && box->low_y >= 0 &&
                                            box->high_x <= frame->width && box->high_y <= frame->height);
    return draft->family == 0 && within && outline_area(&outline) >= 1;
}

gboolean lesion_loss_check(Source *source, GError **error)
{
    g_auto(Tally) cutters = {0};
    gboolean plain = FALSE;
    int first = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (is_lesion(draft)) {
            first = first ? first : draft->line;
            plain = plain || is_plain(source, draft);
        } else if (draft_counts(draft) && draft->negative) {
            tally_add(&cutters, "negative region", draft->line);
        } else if (draft_counts(draft) && !draft_is_hole(draft)) {
            tally_add(&cutters, draft->group, draft->line);
        }
    }
    /* Rasters are built only where something could be lost. */
    if (!first || (plain && cutters.count == 0)) {
        return TRUE;
    }
    g_autofree char *list = tally_text(&cutters);
    return compare(source, list, first, error);
}
