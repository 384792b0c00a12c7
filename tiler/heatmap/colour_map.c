/* Viridis, inferno and turbo.  Each is stored as 16 of its 256 colours (every 17th); Catmull-Rom
 * splines restore the other 240 to within 3 grey levels.
 *
 * Sources: turbo by Anton Mikhailov (Google AI Blog, "Turbo, an improved rainbow colormap for
 * visualization", 2019); viridis and inferno by Nathaniel Smith and Stefan van der Walt (matplotlib, 2015,
 * CC0).  The lightness of viridis and inferno increases throughout, also as colour-blind readers see them; that of turbo rises and falls.
 * docs/ARCHITECTURE.md has the figures, and why viridis is the default; tests/tiler/test_heatmap.c computes them. */
#include "tiler/heatmap/colour_map.h"
#include "base/error.h"
#include <math.h>

enum { KNOTS = 16, PITCH = 17 };

typedef struct {
    const char *name;
    uint8_t knots[KNOTS][3];
} ColourMap;

static const ColourMap maps[] = {
    {"viridis",
     {{68, 1, 84},
      {72, 26, 108},
      {71, 47, 125},
      {65, 68, 135},
      {57, 86, 140},
      {49, 104, 142},
      {42, 120, 142},
      {35, 136, 142},
      {31, 152, 139},
      {34, 168, 132},
      {53, 183, 121},
      {84, 197, 104},
      {122, 209, 81},
      {165, 219, 54},
      {210, 226, 27},
      {253, 231, 37}}},
    {"inferno",
     {{0, 0, 4},
      {12, 8, 38},
      {36, 12, 79},
      {66, 10, 104},
      {93, 18, 110},
      {120, 28, 109},
      {147, 38, 103},
      {174, 48, 92},
      {199, 62, 76},
      {221, 81, 58},
      {237, 105, 37},
      {248, 133, 15},
      {252, 165, 10},
      {250, 198, 45},
      {242, 230, 97},
      {252, 255, 164}}},
    {"turbo",
     {{48, 18, 59},
      {65, 67, 167},
      {71, 113, 233},
      {62, 155, 254},
      {34, 197, 226},
      {26, 228, 182},
      {70, 248, 132},
      {136, 255, 78},
      {185, 246, 53},
      {225, 221, 55},
      {250, 186, 57},
      {253, 141, 39},
      {240, 91, 18},
      {214, 53, 6},
      {175, 24, 1},
      {122, 4, 3}}},
};

static uint8_t tables[G_N_ELEMENTS(maps)][256][3];

/* Knot i of channel c; beyond the ends the curve continues in a straight line. */
static double knot(const ColourMap *map, int i, int c)
{
    if (i < 0) {
        return 2.0 * map->knots[0][c] - map->knots[1][c];
    }
    if (i >= KNOTS) {
        return 2.0 * map->knots[KNOTS - 1][c] - map->knots[KNOTS - 2][c];
    }
    return map->knots[i][c];
}

/* Catmull-Rom between knots b and d with neighbours a and e:
 * b + t/2 (d - a + t (2a - 5b + 4d - e + t (3(b - d) + e - a))). */
static uint8_t colour_at(const ColourMap *map, int index, int c)
{
    /* Colour 255 is the last knot: t = 1 in the last interval. */
    int i = MIN(index / PITCH, KNOTS - 2);
    /* Position between knots i and i + 1. */
    double t = (double)(index - i * PITCH) / PITCH;
    double a = knot(map, i - 1, c), b = knot(map, i, c), d = knot(map, i + 1, c), e = knot(map, i + 2, c);
    double value = b + t / 2 * (d - a + t * (2 * a - 5 * b + 4 * d - e + t * (3 * (b - d) + e - a)));
    return (uint8_t)(CLAMP(value, 0, 255) + 0.5);
}

/* Makes all tables, once per process. */
static void fill_tables(void)
{
    for (guint m = 0; m < G_N_ELEMENTS(maps); m++) {
        for (int i = 0; i < 256 * 3; i++) {
            tables[m][i / 3][i % 3] = colour_at(&maps[m], i / 3, i % 3);
        }
    }
}

const uint8_t (*colour_map_find(const char *name))[3]
{
    static gsize ready;
    /* Threads may ask at the same time. */
    if (g_once_init_enter(&ready)) {
        fill_tables();
        g_once_init_leave(&ready, 1);
    }
    for (guint m = 0; m < G_N_ELEMENTS(maps); m++) {
        if (g_str_equal(maps[m].name, name)) {
            return (const uint8_t(*)[3])tables[m];
        }
    }
    return NULL;
}

const char **colour_map_names(void)
{
    const char **names = g_new0(const char *, G_N_ELEMENTS(maps) + 1);
    for (guint m = 0; m < G_N_ELEMENTS(maps); m++) {
        names[m] = maps[m].name;
    }
    return names;
}

const uint8_t (*colour_map_need(const char *name, double low, double high, GError **error))[3]
{
    const uint8_t(*table)[3] = colour_map_find(name);
    g_autofree const char **list = colour_map_names();
    g_autofree char *names = g_strjoinv(", ", (char **)list);
    if (!table) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT,
                    "there is no colour map \"%s\"; the colour maps are %s", name, names);
    } else if (!(isfinite(low) && isfinite(high) && low < high)) {
        g_set_error(error, WSI_ERROR, WSI_ERROR_INPUT, "the colour range %g .. %g is empty", low, high);
        table = NULL;
    }
    return table;
}
