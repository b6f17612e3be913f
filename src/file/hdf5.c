/* SPDX-License-Identifier: Apache-2.0 */
#define H5_USE_110_API /* the oldest one with all that is called here */
#include "file/hdf5_module.h"

#include <hdf5.h>
#include <zlib.h>

/* H5F_ACC_TRUNC would abort the program where libhdf5 is another release than the headers. What its
 * image is like is looked at where it is changed. */
#undef H5CHECK
#define H5CHECK

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libhdf5 is not used by two threads at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What an image is made with. A handle is below 0 where there is none. */
typedef struct image {
    hid_t file, masks, boolean, text, scalar;
    uint64_t chunks;
    int compression;
} image;

/* ------------------------------------------------------------------ errors */

static herr_t keep_text(unsigned n, const H5E_error2_t *error, void *opaque)
{
    char *text = opaque;
    if (n == 0 && error->desc)
        snprintf(text, 200, "%s", error->desc);
    return 0;
}

/* The innermost error of libhdf5. */
static arrakis_status fail(arrakis_error *err)
{
    char text[200] = "an error without a text";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_text, text);
    if (err) {
        err->status = ARRAKIS_EFORMAT;
        snprintf(err->message, sizeof err->message, "libhdf5: %s", text);
    }
    return ARRAKIS_EFORMAT;
}

/* Each call begins without errors; those that there are stay, for fail(). */
static void close_handle(hid_t handle, herr_t (*close)(hid_t))
{
    if (handle < 0)
        return;
    hid_t errors = H5Eget_current_stack();
    close(handle);
    H5Eset_current_stack(errors);
}

/* ------------------------------------------------------------------ types */

static hid_t type_of(arrakis_dtype dtype)
{
    switch (dtype) {
    case ARRAKIS_INT8:
        return H5T_STD_I8LE;
    case ARRAKIS_INT16:
        return H5T_STD_I16LE;
    case ARRAKIS_INT32:
        return H5T_STD_I32LE;
    case ARRAKIS_INT64:
        return H5T_STD_I64LE;
    case ARRAKIS_UINT8:
        return H5T_STD_U8LE;
    case ARRAKIS_UINT16:
        return H5T_STD_U16LE;
    case ARRAKIS_UINT32:
        return H5T_STD_U32LE;
    case ARRAKIS_UINT64:
        return H5T_STD_U64LE;
    case ARRAKIS_FLOAT32:
        return H5T_IEEE_F32LE;
    case ARRAKIS_FLOAT64:
        return H5T_IEEE_F64LE;
    case ARRAKIS_DTYPE_NONE:
        break;
    }
    return -1;
}

/* As h5py has booleans. */
static hid_t make_boolean(void)
{
    const int8_t no = 0, yes = 1;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    if (type >= 0 &&
        (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0)) {
        close_handle(type, H5Tclose);
        return -1;
    }
    return type;
}

static hid_t make_text(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 &&
        (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        close_handle(type, H5Tclose);
        return -1;
    }
    return type;
}

/* What a sample that is not in the file is in the mask; of a channel without samples it is changed
 * in the image. */
static herr_t set_mask_fill(hid_t plist, const image *m)
{
    const int8_t no = 0;
    return H5Pset_fill_value(plist, m->boolean, &no);
}

/* What a sample that is missing reads as: NaN, or the number that is farthest from 0. */
static herr_t set_fill(hid_t plist, arrakis_dtype dtype)
{
    const double nan_value = NAN;
    const int64_t lowest[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    const uint64_t highest = UINT64_MAX;
    if (dtype == ARRAKIS_FLOAT32 || dtype == ARRAKIS_FLOAT64)
        return H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &nan_value);
    if (dtype >= ARRAKIS_UINT8)
        return H5Pset_fill_value(plist, type_of(dtype), &highest); /* its first bytes */
    return H5Pset_fill_value(plist, H5T_NATIVE_INT64, &lowest[dtype - ARRAKIS_INT8]);
}

/* ------------------------------------------------------------------ attributes */

static bool add_attribute(hid_t dataset, const image *m, const char *name, hid_t type,
                          const void *value)
{
    hid_t attribute = H5Acreate2(dataset, name, type, m->scalar, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    close_handle(attribute, H5Aclose);
    return written;
}

/* Of variable length, as h5py writes texts: gwpy takes bytes of a fixed length for a pickled object. */
static bool add_text(hid_t dataset, const image *m, const char *name, const char *text)
{
    return add_attribute(dataset, m, name, m->text, &text);
}

static bool add_attributes(hid_t dataset, const image *m, const ark_hdf5_channel *channel)
{
    const double start = 0, step = 1 / channel->rate;
    return add_text(dataset, m, "name", channel->name) &&
           add_text(dataset, m, "channel", channel->name) && add_text(dataset, m, "unit", "") &&
           add_attribute(dataset, m, "x0", H5T_IEEE_F64LE, &start) &&
           add_attribute(dataset, m, "dx", H5T_IEEE_F64LE, &step) &&
           add_text(dataset, m, "xunit", "s");
}

/* ------------------------------------------------------------------ datasets */

static bool find_header(uint64_t *at, hid_t object)
{
    H5O_info_t about;
    if (H5Oget_info2(object, &about, H5O_INFO_BASIC) < 0)
        return false;
    *at = about.addr;
    return true;
}

/* A property list for the samples of a channel, or its mask (dtype NONE); below 0: there is
 * none. */
static hid_t make_properties(const image *m, const ark_hdf5_channel *channel, bool mask)
{
    hsize_t chunk = m->chunks ? channel->chunk : 0;
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    bool made = plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0;
    if (made && mask) {
        made = set_mask_fill(plist, m) >= 0;
    } else if (made) {
        made = set_fill(plist, channel->dtype) >= 0;
        if (made && chunk)
            made = H5Pset_chunk(plist, 1, &chunk) >= 0 && H5Pset_shuffle(plist) >= 0 &&
                   H5Pset_deflate(plist, (unsigned)m->compression) >= 0;
    }
    if (made)
        return plist;
    close_handle(plist, H5Pclose);
    return -1;
}

static hid_t make_dataset(const image *m, hid_t group, const ark_hdf5_channel *channel, bool mask)
{
    hsize_t samples = channel->samples;
    hid_t space = H5Screate_simple(1, &samples, NULL);
    hid_t plist = make_properties(m, channel, mask);
    hid_t dataset = -1;
    if (space >= 0 && plist >= 0)
        dataset = H5Dcreate2(group, channel->link, mask ? m->boolean : type_of(channel->dtype),
                             space, H5P_DEFAULT, plist, H5P_DEFAULT);
    close_handle(space, H5Sclose);
    close_handle(plist, H5Pclose);
    return dataset;
}

/* Give every chunk an entry in the dataset's index. */
static bool add_chunks(const image *m, hid_t dataset, const ark_hdf5_channel *channel)
{
    const uint8_t byte = 0;
    for (uint64_t i = 0; i < m->chunks; i++) {
        hsize_t at = i * channel->chunk;
        if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &at, 1, &byte) < 0)
            return false;
    }
    return true;
}

static bool add_channel(ark_hdf5_headers *headers, const image *m, const ark_hdf5_channel *channel)
{
    hid_t samples = make_dataset(m, m->file, channel, false);
    hid_t mask = make_dataset(m, m->masks, channel, true);
    bool added = samples >= 0 && mask >= 0 && add_attributes(samples, m, channel) &&
                 add_chunks(m, samples, channel) && find_header(&headers->samples, samples) &&
                 find_header(&headers->mask, mask);
    close_handle(samples, H5Dclose);
    close_handle(mask, H5Dclose);
    return added;
}

/* ------------------------------------------------------------------ the image */

/* A file in memory that never gets to a disk, of the oldest version of the format that has what is
 * in it: libhdf5 2.0 makes a newer one unless it is asked for that. */
static hid_t make_file(const image *m)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    hid_t file = -1;
    if (access >= 0 && creation >= 0 && H5Pset_fapl_core(access, 1 << 22, false) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) >= 0 &&
        (!m->chunks || H5Pset_istore_k(creation, (unsigned)(m->chunks + 1) / 2) >= 0))
        file = H5Fcreate("arrakis", H5F_ACC_TRUNC, creation, access);
    close_handle(access, H5Pclose);
    close_handle(creation, H5Pclose);
    return file;
}

static bool begin_image(image *m)
{
    m->scalar = H5Screate(H5S_SCALAR);
    m->boolean = make_boolean();
    m->text = make_text();
    m->file = make_file(m);
    if (m->file >= 0)
        m->masks = H5Gcreate2(m->file, "masks", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    return m->scalar >= 0 && m->boolean >= 0 && m->text >= 0 && m->masks >= 0;
}

static void end_image(const image *m)
{
    close_handle(m->masks, H5Gclose);
    close_handle(m->boolean, H5Tclose);
    close_handle(m->text, H5Tclose);
    close_handle(m->scalar, H5Sclose);
    close_handle(m->file, H5Fclose);
}

static bool take_image(uint8_t **out, size_t *size, hid_t file)
{
    ssize_t n = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(file, NULL, 0);
    uint8_t *bytes = n > 0 ? malloc((size_t)n) : NULL;
    if (!bytes || H5Fget_file_image(file, bytes, (size_t)n) != n) {
        free(bytes);
        return false;
    }
    *out = bytes;
    *size = (size_t)n;
    return true;
}

static arrakis_status make_image(uint8_t **out, size_t *size, ark_hdf5_headers *headers,
                                 const ark_hdf5_channel *channels, size_t count, uint64_t chunks,
                                 int compression, arrakis_error *err)
{
    image m = {.file = -1, .masks = -1, .boolean = -1, .text = -1, .scalar = -1};
    m.chunks = chunks;
    m.compression = compression;
    H5E_auto2_t print;
    void *opaque;
    pthread_mutex_lock(&lock);
    H5Eget_auto2(H5E_DEFAULT, &print, &opaque);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    bool made = begin_image(&m);
    for (size_t i = 0; made && i < count; i++)
        made = add_channel(&headers[i], &m, &channels[i]);
    arrakis_status rc = made && take_image(out, size, m.file) ? ARRAKIS_OK : fail(err);
    end_image(&m);
    H5Eset_auto2(H5E_DEFAULT, print, opaque);
    pthread_mutex_unlock(&lock);
    return rc;
}

static size_t deflate_bytes(uint8_t *out, size_t room, const uint8_t *data, size_t size,
                            int compression)
{
    uLongf result = room;
    return compress2(out, &result, data, size, compression) == Z_OK ? result : 0;
}

const ark_hdf5_module *arrakis_hdf5_module(void)
{
    static const ark_hdf5_module table = {ARK_HDF5_MODULE_VERSION, make_image, deflate_bytes};
    return &table;
}
