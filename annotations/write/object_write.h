/* Objects that a program found, as GeoJSON that QuPath imports.
 *
 * A FeatureCollection with one feature per line.  Coordinates are rounded to 1/1000 px; the bounds are subtracted from them, because QuPath's
 * image begins there.  Ids are UUIDs of version 5 of the slide's name, the kind of the object and its coordinates, so the same objects have the
 * same ids in every run, and importing a file again replaces them.  A writer belongs to one thread.  Errors: WSI_ERROR_IO, WSI_ERROR_FULL,
 * WSI_ERROR_MEMORY. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef struct ObjectWriter ObjectWriter;

typedef struct {
    const char *path;
    const char *slide;         /* its name, for the ids */
    double bounds_x, bounds_y; /* level-0 px; 0 for coordinates of level 0 */
    const json_t
        *facts; /* the member "wsiflow" of the collection, which GeoJSON's readers ignore; NULL: none */
    gboolean gzip;
} ObjectFile;
/* Caller frees; NULL with error. */
ObjectWriter *object_writer_open(const ObjectFile *file, GError **error);

typedef struct {
    const double *xy; /* x, y interleaved, level-0 px; the last point does not repeat the first */
    int points;
    gboolean outer; /* another polygon of the object begins here; not needed of the first ring */
} ObjectRing;
typedef struct {
    const char *name; /* with its unit: "Area µm^2" */
    double value;     /* left out when it is not finite */
} Measurement;
typedef struct {
    const char *type; /* of QuPath: "annotation", "tile" */
    const char *name; /* NULL: none */
    const char *class;
    uint8_t colour[3]; /* of the class, RGB */
    const ObjectRing
        *rings; /* the outer ring, then its holes; then those of its next polygon, if it has several */
    int ring_count;
    const Measurement *measurements;
    int measurement_count;
} Object;
gboolean object_writer_add(ObjectWriter *writer, const Object *object, GError **error);
/* Publishes the file. sha256 may be NULL. */
gboolean object_writer_commit(ObjectWriter *writer, char sha256[65], GError **error);
void object_writer_free(ObjectWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ObjectWriter, object_writer_free)
