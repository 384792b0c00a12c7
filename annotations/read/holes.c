/* Which outlines a hole is cut out of.
 *
 * Outlines whose group is not lesion are cut out of all lesions of the slide, as in ASAP.  A hole is cut out only of the outlines of its
 * family, since another lesion may be inside it:
 *   an inner ring of GeoJSON or of a label mask         out of its polygon
 *   a negative region of HALO or ImageScope             out of the regions of its layer
 * Both programs measure and analyse layer by layer, and pyhaloxml (github.com/rharkes/pyhaloxml, Layer.match_negative) looks for the region
 * around a negative one within the layer. */
#include "annotations/read/outline_check.h"
#include "annotations/raster/raster.h"

/* The outlines of a family that are not holes: all, and those whose label counts. */
typedef struct {
    int outlines, lesions, excluded;
} Family;

/* Indexed by family; caller frees. */
static Family *count_families(const Source *source)
{
    Family *families = g_new0(Family, source->families + 1);
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        Family *family = &families[draft->family];
        if (draft->closed && !draft_is_hole(draft)) {
            family->outlines++;
            family->lesions += draft_counts(draft) && draft->label == LABEL_LESION;
            family->excluded += draft_counts(draft) && draft->label == LABEL_NOT_LESION;
        }
    }
    return families;
}

/* The error for a layer whose regions are all negative. */
static gboolean only_negative(const Source *source, const Draft *hole, GError **error)
{
    int count = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *draft = source->drafts->pdata[i];
        count += draft->negative && draft->family == hole->family;
    }
    g_autofree char *group = tally_shown_name(hole->group);
    return source_error(
        source, hole->line, error,
        "the layer \"%s\" has only negative regions (%d), which cut something out of other "
        "regions of their layer: were they drawn with the negative tool by mistake?  Draw them "
        "as regions, or ignore the group",
        group, count);
}

/* Gives a hole the label of what it is cut out of, or leaves it out when that does not count. */
static gboolean resolve(const Source *source, const Family *family, Draft *hole, GError **error)
{
    const Draft *outer = hole->ring_of;
    if (outer ? !draft_counts(outer) : hole->label == LABEL_NONE) {
        hole->left_out = TRUE;
    } else if (family->outlines == 0) {
        return only_negative(source, hole, error);
    } else {
        hole->left_out = family->lesions + family->excluded == 0;
        hole->label = family->lesions ? LABEL_LESION : LABEL_NOT_LESION;
    }
    return TRUE;
}

/* Sets *found when a negative region takes something from this outline of its layer: the area with the hole is less than without.  Areas also
 * decide for shared borders, where tests for crossing edges fail. */
static gboolean cuts(const Draft *hole, const Draft *other, gboolean *found, GError **error)
{
    if (other->family != hole->family || draft_is_hole(other) || !draft_counts(other) ||
        !boxes_meet(&other->box, &hole->box)) {
        return TRUE;
    }
    Outline outlines[2] = {draft_outline(other), draft_outline(hole)};
    void *pointers[2] = {&outlines[0], &outlines[1]};
    GPtrArray both = {pointers, 1};
    Annotation annotation = {.path = (char *)"annotation", .outlines = &both};
    g_autoptr(Raster) alone = raster_build(&annotation, error);
    both.len = 2;
    g_autoptr(Raster) cut = alone ? raster_build(&annotation, error) : NULL;
    *found = cut && raster_area(cut) < raster_area(alone) * (1 - 1e-9);
    return cut != NULL;
}

/* Warns of negative regions that cut nothing out. */
static gboolean report_idle(Source *source, GError **error)
{
    int count = 0, line = 0;
    for (guint i = 0; i < source->drafts->len; i++) {
        const Draft *hole = source->drafts->pdata[i];
        gboolean found = !hole->negative || !draft_counts(hole);
        for (guint k = 0; !found && k < source->drafts->len; k++) {
            if (!cuts(hole, source->drafts->pdata[k], &found, error)) {
                return FALSE;
            }
        }
        line = !found && !count ? hole->line : line;
        count += !found;
    }
    if (count) {
        source_warn(source, line, "%d negative region%s in no region of %s layer and cut%s nothing out",
                    count, count == 1 ? " is" : "s are", count == 1 ? "its" : "their", count == 1 ? "s" : "");
    }
    return TRUE;
}

gboolean holes_resolve(Source *source, GError **error)
{
    g_autofree Family *families = count_families(source);
    for (guint i = 0; i < source->drafts->len; i++) {
        Draft *draft = source->drafts->pdata[i];
        if (draft_is_hole(draft) && draft->closed && !draft->left_out &&
            !resolve(source, &families[draft->family], draft, error)) {
            return FALSE;
        }
    }
    return report_idle(source, error);
}
