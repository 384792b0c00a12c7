/* The facts of a patch as JSON: the .json member of a sample in a shard.
 *
 * They are those of the manifest, with the exact position, so that a shard is useful without its manifest and the patch can be cut
 * again from its slide. */
#include "tiler/patches/patchset.h"
#include "tiler/tissue/quality.h"
#include "base/error.h"
#include "base/former_names.h"
#include <math.h>
#include <string.h>

/* Appends a member with a text; json_dumps() quotes it. */
static void put_text(GString *out, const char *name, const char *text)
{
    /* NULL when the text is not UTF-8; it is then written as empty. */
    json_t *value = json_string(text ? text : "");
    g_autofree char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    g_string_append_printf(out, "%s\"%s\": %s", out->len > 1 ? ", " : "", name, quoted ? quoted : "\"\"");
    json_decref(value);
}

/* Appends a member with a number in a fixed format; null when it is not finite. */
static void put_number(GString *out, const char *name, double value, const char *format)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE] = "null";
    if (isfinite(value)) {
        g_ascii_formatd(text, sizeof text, format, value);
    }
    /* out->len is 1 after "{", before the first member. */
    g_string_append_printf(out, "%s\"%s\": %s", out->len > 1 ? ", " : "", name, text);
}

char *patchset_facts(const Patch *patch, double x, double y, int size)
{
    GString *out = g_string_new("{");
    put_text(out, "slide", patch->slide);
    put_text(out, "slide_file", patch->slide_file);
    put_text(out, "patient", patch->patient);
    put_text(out, "split", patch->split);
    put_text(out, "label", patch->label);
    /* 17 digits give the same double when they are read. */
    put_number(out, "x", x, "%.17g");
    put_number(out, "y", y, "%.17g");
    put_number(out, "size", size, "%.0f");
    put_number(out, "side", patch->side, "%.0f");
    put_number(out, "level", patch->level, "%.0f");
    put_number(out, "mpp", patch->mpp, "%.17g");
    put_number(out, "tissue_fraction", patch->tissue_fraction, "%.4f");
    put_number(out, "lesion_fraction", patch->lesion_fraction, "%.4f");
    put_number(out, "readable_fraction", patch->readable_fraction, "%.4f");
    put_number(out, "fold", patch->fold, "%.0f");
    put_text(out, "sha256", patch->sha256);
    put_text(out, "pixels", patch->pixels);
    g_autofree char *flags = quality_flags_text(patch->flags);
    put_text(out, "flags", flags);
    if (patch->hard) {
        put_number(out, "hard", 1, "%.0f");
    }
    g_string_append(out, "}\n");
    return g_string_free(out, FALSE);
}

/* The text of a member; "" when it is missing.  Caller frees. */
static char *text_of(const json_t *facts, const char *name)
{
    const char *text = json_string_value(json_object_get(facts, name));
    return g_strdup(text ? text : "");
}

/* The number of a member; NAN when it is missing. */
static double number_of(const json_t *facts, const char *name)
{
    const json_t *value = json_object_get(facts, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

gboolean patchset_facts_check_names(const json_t *facts, const char *name, GError **error)
{
    static const char *const members[] = {"tissue_fraction", "lesion_fraction", "readable_fraction"};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
        if (!json_object_get(facts, members[i]) && json_object_get(facts, former_name(members[i]))) {
            return former_name_error(error, name, members[i]);
        }
    }
    return TRUE;
}

gboolean patchset_facts_parse(const json_t *facts, const char *name, Patch *patch, GError **error)
{
    if (!patchset_facts_check_names(facts, name, error)) {
        return FALSE;
    }
    double x = number_of(facts, "x"), y = number_of(facts, "y"), fold = number_of(facts, "fold");
    if (!(fabs(x) < 1e12) || !(fabs(y) < 1e12) || !json_is_string(json_object_get(facts, "slide"))) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "%s does not state slide, x and y", name);
        return FALSE;
    }
    /* Everything except slide and position may be missing; NAN fails the comparisons below, which gives 0. */
    double level = number_of(facts, "level"), side = number_of(facts, "side");
    *patch = (Patch){.file = g_strdup(""),
                     .slide = text_of(facts, "slide"),
                     .slide_file = text_of(facts, "slide_file"),
                     .patient = text_of(facts, "patient"),
                     .x = (int64_t)floor(x + 0.5),
                     .y = (int64_t)floor(y + 0.5),
                     .level = level >= 0 && level <= 1000 ? (int)level : 0,
                     .side = side > 0 && side < 1e9 ? floor(side + 0.5) : 0,
                     .mpp = number_of(facts, "mpp"),
                     .tissue_fraction = number_of(facts, "tissue_fraction"),
                     .lesion_fraction = number_of(facts, "lesion_fraction"),
                     .readable_fraction = number_of(facts, "readable_fraction"),
                     .label = text_of(facts, "label"),
                     .split = text_of(facts, "split"),
                     .hard = number_of(facts, "hard") > 0,
                     .fold = fold >= 0 && fold <= 1000 ? (int)fold : 0};
    /* Texts of fixed length are cut off at it. */
    g_autofree char *sha256 = text_of(facts, "sha256"), *pixels = text_of(facts, "pixels"),
                    *flags = text_of(facts, "flags");
    g_strlcpy(patch->sha256, sha256, sizeof patch->sha256);
    g_strlcpy(patch->pixels, pixels, sizeof patch->pixels);
    if (!quality_flags_parse(flags, &patch->flags, error)) {
        patch_clear(patch);
        return FALSE;
    }
    return TRUE;
}
