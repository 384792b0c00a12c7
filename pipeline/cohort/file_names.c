/* File names.
 *
 * A mask that is not recognised makes a lesion count as normal tissue.  A name that is mistaken for a mask's only keeps a slide out of training
 * until a label is given.  So the lists are long. */
#include "pipeline/cohort/file_names.h"
#include <string.h>

/* Formats that OpenSlide or libtiff read, and other formats of slides, which fail with a reason. */
static const char *const slide_suffixes[] = {
    ".svs", ".tif", ".tiff", ".ndpi", ".vms",    ".vmu",     ".scn",  ".mrxs", ".svslide", ".bif", ".dcm",
    ".czi", ".btf", ".tf8",  ".tf2",  ".qptiff", ".isyntax", ".sdpc", ".kfb",  ".zvi",     ".vsi", NULL};
static const char *const companions[] = {".png", ".npy", ".npz", ".qpdata", ".svg", NULL};
static const char *const mask_words[] = {"mask",       "masks",        "label",         "labels", "labelmap",
                                         "annotation", "annotations",  "annot",         "annots", "anno",
                                         "gt",         "truth",        "groundtruth",   "seg",    "segm",
                                         "segs",       "segmentation", "segmentations", NULL};
static const char *const folder_words[] = {"lesion",   "lesions",  "tumor",   "tumors",  "tumour",
                                           "tumours",  "roi",      "rois",    "contour", "contours",
                                           "outlines", "polygons", "geojson", "xml",     NULL};

static gboolean ends_with_one_of(const char *name, const char *const *suffixes)
{
    return g_strv_contains(suffixes, name) ||
           (strchr(name + 1, '.') && ends_with_one_of(strchr(name + 1, '.'), suffixes));
}

static gboolean has_suffix(const char *name, const char *const *suffixes)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    return *lower && ends_with_one_of(lower, suffixes);
}

gboolean file_names_claim_slide(const char *name)
{
    return has_suffix(name, slide_suffixes);
}

gboolean file_names_companion(const char *name)
{
    return has_suffix(name, companions);
}

static gboolean says(const char *text, const char *const *words)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);
    for (char *at = lower; *at; at++) {
        *at = g_ascii_isalpha(*at) ? *at : ' ';
    }
    g_auto(GStrv) parts = g_strsplit(lower, " ", -1);
    for (char **part = parts; *part; part++) {
        if (g_strv_contains(words, *part)) {
            return TRUE;
        }
    }
    return FALSE;
}

gboolean file_names_say_mask(const char *text)
{
    return says(text, mask_words);
}

gboolean file_names_say_masks(const char *folder)
{
    return says(folder, mask_words) || says(folder, folder_words);
}

size_t file_names_stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

gboolean file_names_separator(char c)
{
    return c && strchr("_-. (", c);
}
