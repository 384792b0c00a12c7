/* The gate that all outlines pass, whatever their dialect.
 *
 * Invariants of what comes out:
 * 1. Every outline has a label that a rule gave to its group, or to a group around that (groups.c); there is no default.
 * 2. A closed outline has at least 3 points, no two neighbours are the same, and the last is not the first.
 * 3. Every coordinate is finite; with a known slide, no outline lies wholly outside of it.
 * 4. What was changed, left out or has no area is in the warnings, with its place.
 * 5. A file that has closed outlines yields at least one; a file with nothing but unknown elements is an error.  Else what a reader
 *    did not understand would look like a slide without lesions.
 *
 * Holes.  An annotation's not-lesion outlines are cut out of all lesions.  That is what ASAP and ImageScope mean, but a GeoJSON
 * ring is a hole of its own polygon only: another lesion may lie in it.  Such a ring is made an outline of its own when no other
 * lesion is near; else it is joined to its outer ring by a slit (there and back, so without area) against the outer ring's
 * direction, which makes the winding number 0 inside. */
#include "annotations/dialect.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* ---- repairs and bounds ---- */

/* Drops points that repeat their predecessor, and the last one when it repeats the first. Returns how many there were, without
 * those that the dialect asks for. */
static int drop_repeats(Draft *draft)
{
    double *xy = draft->xy;
    int kept = 0, before = draft->points;
    for (int i = 0; i < draft->points; i++) {
        if (kept && xy[2 * i] == xy[2 * kept - 2] && xy[2 * i + 1] == xy[2 * kept - 1]) {
            continue;
        }
        xy[2 * kept] = xy[2 * i];
        xy[2 * kept + 1] = xy[2 * i + 1];
        kept++;
    }
    int repeats = before - kept;
    if (draft->closed && kept > 1 && xy[0] == xy[2 * kept - 2] && xy[1] == xy[2 * kept - 1]) {
        kept--;
        repeats += !draft->repeats_first;
    }
    draft->points = kept;
    return repeats;
}

static void measure(Draft *draft)
{
    draft->low_x = draft->low_y = INFINITY;
    draft->high_x = draft->high_y = -INFINITY;
    for (int i = 0; i < draft->points; i++) {
        draft->low_x = fmin(draft->low_x, draft->xy[2 * i]);
        draft->high_x = fmax(draft->high_x, draft->xy[2 * i]);
        draft->low_y = fmin(draft->low_y, draft->xy[2 * i + 1]);
        draft->high_y = fmax(draft->high_y, draft->xy[2 * i + 1]);
    }
}

static gboolean check_bounds(Source *source, const Draft *draft, GError **error)
{
    double width = source->frame->width, height = source->frame->height;
    if (width <= 0 || height <= 0 ||
        (draft->low_x >= 0 && draft->low_y >= 0 && draft->high_x <= width && draft->high_y <= height)) {
        return TRUE;
    }
    gboolean outside =
        draft->high_x < 0 || draft->high_y < 0 || draft->low_x >= width || draft->low_y >= height;
    g_autofree char *name = shown_name(draft->name);
    g_autofree char *text =
        g_strdup_printf("annotation \"%s\" (x %.10g to %.10g, y %.10g to %.10g) is %s outside of the "
                        "slide of %.10g x %.10g px",
                        name, draft->low_x, draft->high_x, draft->low_y, draft->high_y,
                        outside ? "wholly" : "partly", width, height);
    if (outside) {
        return source_error(source, draft->line, error, "%s: is it of another slide?", text);
    }
    source_warn(source, draft->line, "%s", text);
    return TRUE;
}

/* Whether an outline has points enough; if not it is left out, which is an error for a closed one without any. */
static gboolean check_points(Source *source, Draft *draft, GError **error)
{
    draft->left_out = draft->points < (draft->closed ? 3 : 1);
    if (!draft->left_out) {
        return TRUE;
    }
    g_autofree char *name = shown_name(draft->name);
    if (draft->points == 0 && draft->closed && draft->label != LABEL_NONE) {
        return source_error(source, draft->line, error, "the closed annotation \"%s\" has no points", name);
    }
    source_warn(source, draft->line, "annotation \"%s\" has %d point%s and is left out", name, draft->points,
                draft->points == 1 ? "" : "s");
    return TRUE;
}

/* Repairs all drafts and settles which are left out. */
static gboolean repair(Source *source, GError **error)
{
    int repeats = 0, first_line = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        int dropped = drop_repeats(draft);
        first_line = dropped && !repeats ? draft->line : first_line;
        repeats += dropped;
        if (!check_points(source, draft, error)) {
            return FALSE;
        }
        if (draft->left_out) {
            continue;
        }
        measure(draft);
        if (!check_bounds(source, draft, error)) {
            return FALSE;
        }
    }
    if (repeats) {
        source_warn(source, first_line,
                    "%d repeated point%s dropped; the first in the annotation that starts here", repeats,
                    repeats == 1 ? "" : "s");
    }
    return TRUE;
}

/* ---- holes ---- */

/* Whether a lesion other than the hole's own outline may have a part in the hole. */
static gboolean is_shared(const Source *source, const Draft *hole)
{
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *other = source->drafts->pdata[i];
        if (other != hole->ring_of && !other->ring_of && other->closed && !other->left_out &&
            other->label == LABEL_LESION && other->low_x < hole->high_x && other->high_x > hole->low_x &&
            other->low_y < hole->high_y && other->high_y > hole->low_y) {
            return TRUE;
        }
    }
    return FALSE;
}

static double signed_area(const double *xy, int points)
{
    double twice = 0;
    for (int i = 1; i + 1 < points; i++) {
        twice +=
            (xy[2 * i] - xy[0]) * (xy[2 * i + 3] - xy[1]) - (xy[2 * i + 2] - xy[0]) * (xy[2 * i + 1] - xy[1]);
    }
    return twice / 2;
}

/* Appends to the outer ring: its own first point, the hole in the opposite direction, the hole's first point. */
static gboolean join(Draft *outer, int outer_points, const Draft *hole, GError **error)
{
    int points = outer->points + hole->points + 2;
    double *xy = g_try_realloc_n(outer->xy, (gsize)points, 2 * sizeof(double));
    if (!xy) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_MEMORY, "no memory for %d vertices", points);
        return FALSE;
    }
    outer->xy = xy;
    gboolean same = (signed_area(xy, outer_points) > 0) == (signed_area(hole->xy, hole->points) > 0);
    double *to = xy + 2 * outer->points;
    memcpy(to, xy, 2 * sizeof(double));
    for (int i = 0; i <= hole->points; i++) {
        int from = i % hole->points;
        from = same && from ? hole->points - from : from;
        memcpy(to + 2 * (i + 1), hole->xy + 2 * from, 2 * sizeof(double));
    }
    outer->points = points;
    return TRUE;
}

/* Rings that are holes of one outline: on their own, or joined to it. */
static gboolean settle_holes(Source *source, GError **error)
{
    const Draft *outer = NULL;
    int outer_points = 0; /* before anything was joined to it */
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *hole = source->drafts->pdata[i];
        if (!hole->ring_of || hole->left_out) {
            continue;
        }
        if (hole->ring_of != outer) {
            outer = hole->ring_of;
            outer_points = outer->points;
        }
        if (outer->left_out || outer->label == LABEL_NONE) {
            hole->left_out = TRUE;
        } else if (outer->label == LABEL_LESION && !is_shared(source, hole)) {
            hole->label = LABEL_NOT_LESION;
        } else {
            hole->left_out = TRUE;
            if (!join((Draft *)outer, outer_points, hole, error)) {
                return FALSE;
            }
        }
    }
    return TRUE;
}

/* ImageScope's negative regions. In a layer that is no lesion there is nothing to cut them out of. */
static void cut_out(Source *source, Draft *draft)
{
    if (draft->cut_out && draft->label == LABEL_LESION) {
        draft->label = LABEL_NOT_LESION;
    } else if (draft->cut_out && draft->label == LABEL_NOT_LESION) {
        g_autofree char *name = shown_name(draft->name);
        source_warn(source, draft->line, "negative region \"%s\" of a layer that is not lesion is left out",
                    name);
        draft->left_out = TRUE;
    }
}

/* ---- lesions that nothing is left of ---- */

/* Whether the point is in the outline, by crossings. */
static gboolean contains(const Draft *draft, double x, double y)
{
    gboolean inside = FALSE;
    for (int i = 0, j = draft->points - 1; i < draft->points; j = i++) {
        const double *a = draft->xy + 2 * i, *b = draft->xy + 2 * j;
        if ((a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])) {
            inside = !inside;
        }
    }
    return inside;
}

/* Whether all points of a lesion are in what is cut out of it. */
static gboolean is_within(const Draft *lesion, const Draft *cut)
{
    gboolean within = cut->low_x <= lesion->low_x && cut->high_x >= lesion->high_x &&
                      cut->low_y <= lesion->low_y && cut->high_y >= lesion->high_y;
    for (int i = 0; within && i < lesion->points; i++) {
        within = contains(cut, lesion->xy[2 * i], lesion->xy[2 * i + 1]);
    }
    return within;
}

static gboolean is_used(const Draft *draft, OutlineLabel label)
{
    return draft->closed && !draft->left_out && draft->label == label;
}

/* An island that somebody outlined within an exclusion is cut out with it: that may be meant or not, so that it is told. */
static void tell_cut_lesions(Source *source)
{
    g_autoptr(GPtrArray) cuts = g_ptr_array_new();
    int count = 0, line = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        if (is_used(source->drafts->pdata[i], LABEL_NOT_LESION)) {
            g_ptr_array_add(cuts, source->drafts->pdata[i]);
        }
    }
    for (guint i = 0; i < source->drafts->len && cuts->len > 0; i++) {
        const Draft *lesion = source->drafts->pdata[i];
        gboolean within = FALSE;
        for (guint c = 0; is_used(lesion, LABEL_LESION) && c < cuts->len && !within; c++) {
            within = is_within(lesion, cuts->pdata[c]);
        }
        line = within && !count ? lesion->line : line;
        count += within;
    }
    if (count) {
        source_warn(
            source, line,
            "%d lesion%s wholly within an outline that is cut out of the lesions: nothing of %s counts",
            count, count == 1 ? " lies" : "s lie", count == 1 ? "it" : "them");
    }
}

/* ---- what a file holds ---- */

/* Outlines without area, and what the reader did not know. */
static gboolean tell_unused(Source *source, GError **error)
{
    g_auto(Tally) open = {0};
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (!draft->closed) {
            tally_add(&open, draft->kind ? draft->kind : "open line", draft->line);
        }
    }
    if (open.count) {
        g_autofree char *list = tally_text(&open);
        const TallyEntry *first = open.entries->pdata[0];
        source_warn(source, first->line, "%d annotation%s no area and mark%s no lesion: %s", open.count,
                    open.count == 1 ? " has" : "s have", open.count == 1 ? "s" : "", list);
    }
    if (source->strange.count) {
        g_autofree char *list = tally_text(&source->strange);
        const TallyEntry *first = source->strange.entries->pdata[0];
        if (source->drafts->len == 0) {
            return source_error(source, first->line, error, "there is no annotation that is known, only: %s",
                                list);
        }
        source_warn(source, first->line, "%d thing%s not read: %s", source->strange.count,
                    source->strange.count == 1 ? " is" : "s are", list);
    }
    if (source->drafts->len == 0) {
        source_warn(source, 1, "there is nothing in it: the slide counts as one without lesions");
    }
    return TRUE;
}

/* A file whose closed outlines are all left out is not one of a slide without lesions. */
static gboolean check_yield(const Source *source, GError **error)
{
    const Draft *closed = NULL;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (draft->closed && !draft->ring_of && !draft->left_out) {
            return TRUE;
        }
        closed = draft->closed && !closed ? draft : closed;
    }
    return !closed || source_error(source, closed->line, error,
                                   "all closed annotations of the file are left out, the first is here: %s",
                                   source->warnings->len ? (char *)source->warnings->pdata[0] : "");
}

gboolean gate_pass(Source *source, const GroupSpec *groups, GPtrArray *outlines, GError **error)
{
    if (!groups_label(source, groups, error) || !repair(source, error) || !settle_holes(source, error) ||
        !tell_unused(source, error)) {
        return FALSE;
    }
    for (guint i = 0; i < source->drafts->len; i++) {
        cut_out(source, source->drafts->pdata[i]);
    }
    if (!check_yield(source, error)) {
        return FALSE;
    }
    tell_cut_lesions(source);
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        if (draft->left_out) {
            continue;
        }
        Outline *outline = g_new0(Outline, 1);
        *outline =
            (Outline){draft->name, draft->group, draft->label, draft->closed, draft->points, draft->xy};
        draft->name = draft->group = NULL;
        draft->xy = NULL;
        g_ptr_array_add(outlines, outline);
    }
    return TRUE;
}
