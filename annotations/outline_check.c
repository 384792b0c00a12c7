/* The gate that all outlines pass, whatever their dialect.
 *
 * Invariants of what comes out:
 * 1. Every outline has a label that a rule gave to its group, or to a group around that (group_rules.c); there is no default.
 * 2. A closed outline has at least 3 points, no two neighbours are the same, and the last is not the first.
 * 3. Every coordinate is finite; with a known slide, no outline lies wholly outside of it.
 * 4. What was changed, left out or has no area is in the warnings, with its place.
 * 5. A file that has closed outlines yields at least one; a file with nothing but unknown elements is an error.  Else what a reader
 *    did not understand would look like a slide without lesions.
 * 6. What is cut out of lesions is in the warnings with its area, and of lesions a px at least is left (lesion_area.c).
 * 7. A hole is in a family with an outline that it is cut out of (holes.c). */
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

/* ---- units ---- */

/* Shares of the slide (0 to 1), as some viewers write them, or mm: taken for px they would be a slide without lesions. */
static gboolean check_units(const Source *source, GError **error)
{
    const SlideFrame *frame = source->frame;
    const Draft *first = NULL;
    double far = 0, largest = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
        for (int k = 0; k < 2 * draft->points && draft->closed; k++) {
            low[k % 2] = fmin(low[k % 2], draft->xy[k]);
            high[k % 2] = fmax(high[k % 2], draft->xy[k]);
            far = fmax(far, fabs(draft->xy[k] - (k % 2 ? frame->bounds_y : frame->bounds_x)));
        }
        if (draft->closed && draft->points >= 3) {
            first = first ? first : draft;
            largest = fmax(largest, fmax(high[0] - low[0], high[1] - low[1]));
        }
    }
    if (!first || source->is_mask || (far > 1 && largest >= 1)) {
        return TRUE;
    }
    return source_error(
        source, first->line, error,
        far > 1 ? "no outline is larger than %.3g px: are the coordinates in px of level 0, not in mm?"
                : "all coordinates are within %.3g px of the origin: they look like fractions of the "
                  "slide, not like px of level 0",
        far > 1 ? largest : far);
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
    if (source->assumed.count) {
        g_autofree char *list = tally_text(&source->assumed);
        const TallyEntry *first = source->assumed.entries->pdata[0];
        source_warn(source, first->line,
                    "%d object%s of unknown types read as annotation%s, as QuPath does: %s",
                    source->assumed.count, source->assumed.count == 1 ? "" : "s",
                    source->assumed.count == 1 ? "" : "s", list);
    }
    if (source->strange.count) {
        g_autofree char *list = tally_text(&source->strange);
        const TallyEntry *first = source->strange.entries->pdata[0];
        if (source->drafts->len == 0) {
            return source_error(source, first->line, error, "no known annotation was found, only: %s", list);
        }
        source_warn(source, first->line, "%d element%s skipped: %s", source->strange.count,
                    source->strange.count == 1 ? " was" : "s were", list);
    }
    if (source->drafts->len == 0) {
        source_warn(source, 1, "it has no annotations: the slide counts as one without lesions");
    }
    return TRUE;
}

/* A file whose closed outlines are all left out is not one of a slide without lesions. */
static gboolean check_yield(const Source *source, GError **error)
{
    const Draft *closed = NULL;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        if (draft->closed && !draft_is_hole(draft) && !draft->left_out) {
            return TRUE;
        }
        closed = draft->closed && !closed ? draft : closed;
    }
    return !closed || source_error(source, closed->line, error,
                                   "all closed annotations of the file are left out, the first is here: %s",
                                   source->warnings->len ? (char *)source->warnings->pdata[0] : "");
}

gboolean outline_check(Source *source, const GroupSpec *groups, GPtrArray *outlines, GError **error)
{
    if (!groups_label(source, groups, error) || !check_units(source, error) || !repair(source, error) ||
        !holes_finish(source, error) || !tell_unused(source, error) || !check_yield(source, error) ||
        !lesion_area_report(source, error)) {
        return FALSE;
    }
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        if (draft->left_out) {
            continue;
        }
        Outline *outline = g_new0(Outline, 1);
        *outline = draft_outline(draft);
        draft->name = draft->group = NULL;
        draft->xy = NULL;
        g_ptr_array_add(outlines, outline);
    }
    return TRUE;
}
