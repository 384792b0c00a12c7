/* Coordinates in HDF5.
 *
 * HDF5 writes to a path and locks files, which network file systems handle badly.  So it writes the temporary file of a Durable, which
 * is flushed and renamed after HDF5 has closed it.  Times of objects are switched off, since only they would make bytes differ.
 * Every identifier of the library is closed by the function that opened it.  HDF5's own error messages are switched off, since ours name
 * the file. */
#include "tiler/patches/clam.h"
#include "base/durable.h"
#include "base/error.h"
#include <errno.h>
#include <hdf5.h>
#include <math.h>

/* HDF5 does not say why a write failed; errno mostly does. */
static gboolean failed(const char *path, const char *what, GError **error)
{
    WsiErrorCode code = errno == ENOSPC || errno == EDQUOT ? WSI_ERROR_FULL : WSI_ERROR_IO;
    g_set_error(error, WSI_ERROR, code, "%s: HDF5 cannot write %s", path, what);
    return FALSE;
}

/* Writes an attribute of n values (0: a scalar). */
static gboolean put_values(hid_t object, const char *name, hid_t type, hsize_t n, const void *values)
{
    hid_t space = n > 0 ? H5Screate_simple(1, &n, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = space >= 0 ? H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    gboolean ok = attribute >= 0 && H5Awrite(attribute, type, values) >= 0;
    ok = (attribute < 0 || H5Aclose(attribute) >= 0) && ok;
    return (space < 0 || H5Sclose(space) >= 0) && ok;
}

/* Writes UTF-8 text of any length, as h5py writes str. */
static gboolean put_text(hid_t object, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    gboolean ok = type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
                  H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && put_values(object, name, type, 0, &text);
    return (type < 0 || H5Tclose(type) >= 0) && ok;
}

typedef gboolean (*PutAttributes)(hid_t coords, const ClamSpec *spec);

/* CLAM's attributes. */
static gboolean put_clam(hid_t coords, const ClamSpec *spec)
{
    const int64_t level = spec->patch_level, target = spec->target_size;
    const int64_t dim[2] = {spec->level_width, spec->level_height};
    const double downsample[2] = {spec->downsample_x, spec->downsample_y};
    return put_values(coords, "patch_size", H5T_NATIVE_INT64, 0, &spec->patch_size) &&
           put_values(coords, "patch_level", H5T_NATIVE_INT64, 0, &level) &&
           put_values(coords, "downsample", H5T_NATIVE_DOUBLE, 2, downsample) &&
           put_values(coords, "downsampled_level_dim", H5T_NATIVE_INT64, 2, dim) &&
           put_values(coords, "level_dim", H5T_NATIVE_INT64, 2, dim) &&
           put_text(coords, "name", spec->name) && put_text(coords, "save_path", spec->save_path) &&
           put_values(coords, "target_patch_size", H5T_NATIVE_INT64, 0, &target) &&
           put_values(coords, "target_mpp", H5T_NATIVE_DOUBLE, 0, &spec->target_mpp);
}

/* Writes a scalar. */
static gboolean put_integer(hid_t object, const char *name, int64_t value)
{
    return put_values(object, name, H5T_NATIVE_INT64, 0, &value);
}

static gboolean put_number(hid_t object, const char *name, double value)
{
    return put_values(object, name, H5T_NATIVE_DOUBLE, 0, &value);
}

/* 10 / mpp: 40 at 0.25 um/px.  TRIDENT only uses the ratio of two, so a tile covers the same area as here, whatever nominal
 * magnification the scanner states. */
static gboolean put_magnification(hid_t object, const char *name, double mpp)
{
    double value = 10 / mpp, whole = floor(value + 0.5);
    return fabs(value - whole) < 1e-9 * whole ? put_integer(object, name, (int64_t)whole)
                                              : put_number(object, name, value);
}

/* TRIDENT's attributes. */
static gboolean put_trident(hid_t coords, const ClamSpec *spec)
{
    double footprint = spec->target_size * spec->target_mpp / spec->mpp; /* level-0 px */
    return put_integer(coords, "patch_size", spec->target_size) &&
           put_integer(coords, "patch_size_level0", (int64_t)floor(footprint + 0.5)) &&
           put_magnification(coords, "level0_magnification", spec->mpp) &&
           put_magnification(coords, "target_magnification", spec->target_mpp) &&
           put_integer(coords, "overlap", spec->target_overlap) && put_text(coords, "name", spec->name) &&
           put_text(coords, "savetodir", spec->save_path) &&
           put_integer(coords, "level0_width", spec->level0_width) &&
           put_integer(coords, "level0_height", spec->level0_height) &&
           put_number(coords, "level0_mpp", spec->mpp) && put_number(coords, "target_mpp", spec->target_mpp);
}

/* Writes the dataset, which is extensible as in CLAM's files. */
static gboolean put_coords(hid_t file, PutAttributes put, const ClamSpec *spec, const int64_t *xy,
                           int64_t count)
{
    const hsize_t size[2] = {(hsize_t)count, 2}, most[2] = {H5S_UNLIMITED, 2}, chunk[2] = {1024, 2};
    hid_t space = H5Screate_simple(2, size, most), plist = H5Pcreate(H5P_DATASET_CREATE), coords = -1;
    if (space >= 0 && plist >= 0 && H5Pset_chunk(plist, 2, chunk) >= 0 &&
        H5Pset_obj_track_times(plist, FALSE) >= 0) {
        coords = H5Dcreate2(file, "coords", H5T_STD_I64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    }
    gboolean ok = coords >= 0;
    if (ok && count > 0) {
        ok = H5Dwrite(coords, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, xy) >= 0;
    }
    ok = ok && put(coords, spec);
    ok = (coords < 0 || H5Dclose(coords) >= 0) && ok;
    ok = (plist < 0 || H5Pclose(plist) >= 0) && ok;
    return (space < 0 || H5Sclose(space) >= 0) && ok;
}

/* The file with one dataset and its attributes. */
static gboolean write_coords(const char *path, PutAttributes put, const ClamSpec *spec, const int64_t *xy,
                             int64_t count, char sha256[65], GError **error)
{
    g_autoptr(Durable) durable = durable_open(path, error);
    if (!durable) {
        return FALSE;
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t plist = H5Pcreate(H5P_FILE_CREATE); /* for the file and its root group */
    hid_t file = plist >= 0 && H5Pset_obj_track_times(plist, FALSE) >= 0
                     ? H5Fcreate(durable_temp_path(durable), H5F_ACC_TRUNC, plist, H5P_DEFAULT)
                     : -1;
    if (plist >= 0) {
        H5Pclose(plist);
    }
    if (file < 0) {
        return failed(path, "a file", error);
    }
    gboolean ok = put_coords(file, put, spec, xy, count);
    ok = H5Fclose(file) >= 0 && ok; /* HDF5 reports failed writes here */
    return ok ? durable_commit(durable, sha256, NULL, error) : failed(path, "the coordinates", error);
}

gboolean clam_write(const char *path, const ClamSpec *spec, const int64_t *xy, int64_t count, char sha256[65],
                    GError **error)
{
    return write_coords(path, put_clam, spec, xy, count, sha256, error);
}

gboolean clam_trident_write(const char *path, const ClamSpec *spec, const int64_t *xy, int64_t count,
                            char sha256[65], GError **error)
{
    return write_coords(path, put_trident, spec, xy, count, sha256, error);
}
