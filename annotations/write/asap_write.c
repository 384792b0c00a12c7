/* ASAP XML, written in the layout of Camelyon16: the groups "Tumor" and "Exclusion".
 *
 * ASAP has no holes: what is not lesion is cut out of every lesion.  slits.c finds outlines that mean the same in that form. */
#include "annotations/write/annotation_write.h"
#include "annotations/write/slits.h"
#include "annotations/write/text_writer.h"

/* An outline without area is a Dot or a PointSet; the group follows from the label, not from the group that was read. */
static gboolean write_outline(TextWriter *writer, const Outline *outline, GError **error)
{
    GString *out = writer->text;
    g_autofree char *name = g_markup_escape_text(outline->name ? outline->name : "", -1);
    const char *type = outline->closed ? "Polygon" : outline->points == 1 ? "Dot" : "PointSet";
    const char *group = outline->label == LABEL_LESION       ? "Tumor"
                        : outline->label == LABEL_NOT_LESION ? "Exclusion"
                                                             : "Other";
    g_string_append_printf(out,
                           "\t\t<Annotation Name=\"%s\" Type=\"%s\" PartOfGroup=\"%s\" Color=\"%s\">\n"
                           "\t\t\t<Coordinates>\n",
                           name, type, group, outline->label == LABEL_LESION ? "#FF0000" : "#0000FF");
    for (int i = 0; i < outline->points; i++) {
        char x[32], y[32];
        g_string_append_printf(out, "\t\t\t\t<Coordinate Order=\"%d\" X=\"%s\" Y=\"%s\" />\n", i,
                               text_writer_number(x, outline->xy[2 * i]),
                               text_writer_number(y, outline->xy[2 * i + 1]));
        if (!text_writer_flush(writer, TEXT_WRITER_BYTES, error)) {
            return FALSE;
        }
    }
    g_string_append(out, "\t\t\t</Coordinates>\n\t\t</Annotation>\n");
    return TRUE;
}

/* Outlines that are neither lesion nor not lesion get a group of their own: in "None" they would be read back as not lesion. */
static gboolean has_others(const GPtrArray *outlines)
{
    for (guint i = 0; i < outlines->len; i++) {
        if (((const Outline *)outlines->pdata[i])->label == LABEL_NONE) {
            return TRUE;
        }
    }
    return FALSE;
}

/* ASAP rejects files with groups that are not defined. */
static void append_group(GString *out, const char *name, const char *color)
{
    g_string_append_printf(
        out,
        "\t\t<Group Name=\"%s\" PartOfGroup=\"None\" Color=\"%s\">\n\t\t\t<Attributes />\n\t\t</Group>\n",
        name, color);
}

gboolean asap_write(const char *path, const Annotation *annotation, char sha256[65], GError **error)
{
    g_autoptr(GPtrArray) outlines = slits_outlines(annotation, error);
    g_autoptr(Durable) file = outlines ? durable_open(path, error) : NULL;
    g_autoptr(GString) out = g_string_new("<?xml version=\"1.0\"?>\n<ASAP_Annotations>\n\t<Annotations>\n");
    if (!file) {
        return FALSE;
    }
    TextWriter writer = {.file = file, .text = out};
    for (guint i = 0; i < outlines->len; i++) {
        if (!write_outline(&writer, outlines->pdata[i], error)) {
            return FALSE;
        }
    }
    g_string_append(out, "\t</Annotations>\n\t<AnnotationGroups>\n");
    append_group(out, "Tumor", "#FF0000");
    append_group(out, "Exclusion", "#0000FF");
    if (has_others(outlines)) {
        append_group(out, "Other", "#808080");
    }
    g_string_append(out, "\t</AnnotationGroups>\n</ASAP_Annotations>\n");
    return text_writer_flush(&writer, 0, error) && durable_commit(file, sha256, NULL, error);
}
