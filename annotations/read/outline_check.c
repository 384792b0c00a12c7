/* The checks that all outlines pass, whatever their dialect.
 *
 * Invariants of the result:
 * 1. Every outline has a label that a rule gave to its group, or to a group around that (group_rules.c); there is no default.
 * 2. A closed outline has at least 3 points, no two neighbours are equal, and the last does not repeat the first.
 * 3. Every coordinate is finite; where the slide's size is known, no outline is entirely outside the slide.
 * 4. What was changed, left out or has no area is in the warnings, with its line.
 * 5. A file that has closed outlines yields at least one, and a file with nothing but unknown elements is an error.  Otherwise what a reader
 *    did not understand would look like a slide without lesions.
 * 6. What is cut out of lesions is in the warnings with its area, and at least 1 px of the lesions is left (lesion_loss.c).
 * 7. A hole is in a family with an outline that it is cut out of (holes.c). */
#include "annotations/read/annotation_read.h"
#include "annotations/read/outline_check.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* ---- repairs and bounds ---- */

/* Drops points that repeat their predecessor, and the last one when it repeats the first.  Returns how many were dropped, without those that
 * the dialect allows. */
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

/* An outline entirely outside a slide of known size is an error, one partly outside a warning. */
static gboolean check_bounds(Source *source, const Draft *draft, GError **error)
{
    const Box *box = &draft->box;
    double width = source->frame->width, height = source->frame->height;
    if (width <= 0 || height <= 0 ||
        (box->low_x >= 0 && box->low_y >= 0 && box->high_x <= width && box->high_y <= height)) {
        return TRUE;
    }
    gboolean outside = box->high_x < 0 || box->high_y < 0 || box->low_x >= width || box->low_y >= height;
    g_autofree char *name = tally_shown_name(draft->name);
    g_autofree char *text =
        g_strdup_printf("annotation \"%s\" (x %.10g to %.10g, y %.10g to %.10g) is %s outside the slide "
                        "of %.10g x %.10g px",
                        name, box->low_x, box->high_x, box->low_y, box->high_y,
                        outside ? "entirely" : "partly", width, height);
    if (outside) {
        return source_error(source, draft->line, error, "%s: does it belong to another slide?", text);
    }
    source_warn(source, draft->line, "%s", text);
    return TRUE;
}

/* Leaves out an outline with too few points for an area.  A closed one without any point is an error. */
static gboolean check_points(Source *source, Draft *draft, GError **error)
{
    draft->left_out = draft->points < (draft->closed ? 3 : 1);
    if (!draft->left_out) {
        return TRUE;
    }
    g_autofree char *name = tally_shown_name(draft->name);
    if (draft->points == 0 && draft->closed && draft->label != LABEL_NONE) {
        return source_error(source, draft->line, error, "the closed annotation \"%s\" has no points", name);
    }
    source_warn(source, draft->line, "annotation \"%s\" has %d point%s and is left out", name, draft->points,
                draft->points == 1 ? "" : "s");
    return TRUE;
}

/* Repairs all drafts and decides which are left out. */
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
        draft->box = box_of(draft->xy, draft->points);
        if (!check_bounds(source, draft, error)) {
            return FALSE;
        }
    }
    if (repeats) {
        source_warn(source, first_line,
                    "%d repeated point%s dropped; the first is in the annotation that starts here", repeats,
                    repeats == 1 ? "" : "s");
    }
    return TRUE;
}

/* ---- units ---- */

/* Some programs write coordinates as fractions of the slide (0 to 1) or in mm.  Taken for px they would make a slide without lesions, so a
 * file in which everything is within 1 px is an error. */
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
    /* far: the largest distance from the origin; largest: the longer side of the largest outline. */
    if (!first || source->is_mask || (far > 1 && largest >= 1)) {
        return TRUE;
    }
    return source_error(
        source, first->line, error,
        far > 1 ? "no outline is larger than %.3g px: are the coordinates in mm instead of level-0 px?"
                : "all coordinates are within %.3g px of the origin: they look like fractions of the "
                  "slide instead of level-0 px",
        far > 1 ? largest : far);
}

/* ---- what a file holds ---- */

/* Warns of outlines without area and of what the reader did not know. */
static gboolean report_unused(Source *source, GError **error)
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
                    "%d object%s of unknown types %s read as annotation%s, as QuPath does: %s",
                    source->assumed.count, source->assumed.count == 1 ? "" : "s",
                    source->assumed.count == 1 ? "is" : "are", source->assumed.count == 1 ? "" : "s", list);
    }
    if (source->skipped.count) {
        g_autofree char *list = tally_text(&source->skipped);
        const TallyEntry *first = source->skipped.entries->pdata[0];
        if (source->drafts->len == 0) {
            return source_error(source, first->line, error, "there is no known annotation, only: %s", list);
        }
        source_warn(source, first->line, "%d element%s skipped: %s", source->skipped.count,
                    source->skipped.count == 1 ? " was" : "s were", list);
    }
    if (source->drafts->len == 0) {
        source_warn(source, 1, "the file has no annotations: the slide counts as one without lesions");
    }
    return TRUE;
}

/* A file whose closed outlines are all left out does not mean a slide without lesions. */
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
                                   "all closed annotations of the file are left out; the first is here: %s",
                                   source->warnings->len ? (char *)source->warnings->pdata[0] : "");
}

/* Moves the drafts that are not left out to `outlines`. */
static void move_outlines(Source *source, GPtrArray *outlines)
{
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
}

Annotation *outline_check(Source *source, const char *dialect, const GroupSpec *groups, GError **error)
{
    /* The order matters: labels decide which outlines may be empty, repairs give the boxes that the later checks compare. */
    if (!groups_label(source, groups, error) || !check_units(source, error) || !repair(source, error) ||
        !holes_resolve(source, error) || !report_unused(source, error) || !check_yield(source, error) ||
        !lesion_loss_check(source, error)) {
        return NULL;
    }
    if (source->warning_count > WARNING_LIMIT) {
        g_ptr_array_add(source->warnings, g_strdup_printf("%s: %d more warnings", source->path,
                                                          source->warning_count - WARNING_LIMIT));
    }
    Annotation *annotation = g_new0(Annotation, 1);
    annotation->path = g_strdup(source->path);
    annotation->dialect = g_strdup(dialect);
    annotation->outlines = g_ptr_array_new_with_free_func((GDestroyNotify)outline_free);
    annotation->warnings = g_steal_pointer(&source->warnings);
    move_outlines(source, annotation->outlines);
    return annotation;
}
