/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_list.h"

#include "base/buffer.h"
#include "base/error.h"
#include "file/disk.h"
#include "file/hdf5_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Numbers that only a reader needs, see file/hdf5_format.h. */
enum {
    SUPERBLOCK_SIZE = 100,
    FILTER_DEFLATE = 1,
    FILTER_SHUFFLE = 2,
    CLASS_INTEGER = 0,
    CLASS_REAL = 1,
    CLASS_ENUM = 8,
    NODE_GROUP = 0,
    NODE_CHUNKS = 1,
    SOFT_LINK = 2,
    LEVELS_MAX = 16,
    LINKS_NAME_MAX = 65536,
    WINDOW_SIZE = 4096,
    NAMES_MAX = 1 << 28, /* bytes of all names of a group */
};
#define MASKS "masks"
#define CHUNKS_BASE ((uint64_t)1 << 20)

typedef struct source {
    int fd;
    uint64_t size; /* of the file */
    ark_buffer window;
    uint64_t window_at;
    /* How many more steps may be taken, and chunks described: a file that leads in circles, or to one
     * thing by many ways, ends there. */
    uint64_t steps, chunks;
    const arrakis_channels *known;
    ark_hdf5_list *list;
    uint64_t masks; /* the header of the group of masks; 0: there is none */
    char name[LINKS_NAME_MAX];
} source;

/* What the messages of an object told. */
typedef struct object {
    bool is_group, is_dataset;
    uint64_t tree, heap; /* of a group */
    bool has_space, has_type, has_x0, has_dx, external;
    const char *strange; /* why it is not read as a data set; NULL: it may be */
    bool is_enum;
    uint64_t chunk_width; /* as the layout has it, bytes of a sample */
    uint64_t address;     /* of the samples, or of the index of chunks */
    uint64_t contiguous;  /* bytes in one piece */
    ark_hdf5_found found;
} object;

static arrakis_status fail_format(uint64_t at, const char *what, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EFORMAT, "HDF5, byte %" PRIu64 ": %s", at, what);
}

/* ------------------------------------------------------------------ bytes */

/* Bytes of the file, up to 64 KiB; they stay until the next call. */
static arrakis_status get_bytes(source *s, uint64_t at, size_t size, const uint8_t **bytes,
                                arrakis_error *err)
{
    ark_buffer *w = &s->window;
    if (at > s->size || size > s->size - at)
        return fail_format(at, "something leads beyond the end of the file", err);
    if (at < s->window_at || at - s->window_at > w->size || size > w->size - (at - s->window_at)) {
        uint64_t count = size > WINDOW_SIZE ? size : WINDOW_SIZE;
        if (count > s->size - at)
            count = s->size - at;
        w->size = 0;
        ARK_TRY(ark_buffer_reserve(w, (size_t)count + 1, err));
        ARK_TRY(ark_disk_read(s->fd, w->data, (size_t)count, at, err));
        s->window_at = at;
        w->size = (size_t)count;
    }
    *bytes = w->data + (at - s->window_at);
    return ARRAKIS_OK;
}

static arrakis_status take_steps(source *s, uint64_t count, uint64_t at, arrakis_error *err)
{
    if (s->steps < count)
        return fail_format(at, "the file leads in circles", err);
    s->steps -= count;
    return ARRAKIS_OK;
}

static arrakis_status take_step(source *s, uint64_t at, arrakis_error *err)
{
    return take_steps(s, 1, at, err);
}

static uint64_t number(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* Bytes of a message that are taken one after the other; those beyond its end are 0, and `ended`. */
typedef struct taking {
    const uint8_t *next;
    size_t left;
    bool ended;
} taking;

static uint64_t take_number(taking *t, size_t size)
{
    if (size > t->left) {
        t->ended = true;
        t->left = 0;
        return 0;
    }
    uint64_t value = size <= 8 ? number(t->next, size) : 0;
    t->next += size;
    t->left -= size;
    return value;
}

/* ------------------------------------------------------------------ types and shapes */

static arrakis_dtype integer_type(size_t width, bool negative)
{
    static const arrakis_dtype types[2][9] = {
        {[1] = ARRAKIS_UINT8, [2] = ARRAKIS_UINT16, [4] = ARRAKIS_UINT32, [8] = ARRAKIS_UINT64},
        {[1] = ARRAKIS_INT8, [2] = ARRAKIS_INT16, [4] = ARRAKIS_INT32, [8] = ARRAKIS_INT64},
    };
    return width <= 8 ? types[negative][width] : ARRAKIS_DTYPE_NONE;
}

/* What follows the bits and the width of a real number of IEEE. */
static arrakis_dtype real_type(taking *t, size_t width, uint64_t bits)
{
    static const uint8_t narrow[] = {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0};
    static const uint8_t wide[] = {0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0};
    bool ieee = (bits >> 8 & 0xff) == 8 * width - 1 && (bits & 0x7e) == 0x20;
    if (!ieee || t->left < sizeof narrow)
        return ARRAKIS_DTYPE_NONE;
    return width == 4 && !memcmp(t->next, narrow, sizeof narrow) ? ARRAKIS_FLOAT32
           : width == 8 && !memcmp(t->next, wide, sizeof wide)   ? ARRAKIS_FLOAT64
                                                                 : ARRAKIS_DTYPE_NONE;
}

/* A type of Arrakis, or NONE. *is_enum: a byte of names. */
static arrakis_dtype parse_type(taking t, bool *big_endian, bool *is_enum)
{
    uint64_t kind = take_number(&t, 1) & 15, bits = take_number(&t, 3), width = take_number(&t, 4);
    *big_endian = bits & 1;
    *is_enum = kind == CLASS_ENUM && width == 1;
    if (t.ended || width > 8)
        return ARRAKIS_DTYPE_NONE;
    if (kind == CLASS_REAL)
        return real_type(&t, (size_t)width, bits);
    if (kind != CLASS_INTEGER)
        return ARRAKIS_DTYPE_NONE;
    uint64_t offset = take_number(&t, 2), precision = take_number(&t, 2);
    return t.ended || offset || precision != 8 * width ? ARRAKIS_DTYPE_NONE
                                                       : integer_type((size_t)width, bits & 8);
}

/* Values of a space of none or one dimension; 0: it is another. */
static uint64_t parse_space(taking t)
{
    uint64_t version = take_number(&t, 1), rank = take_number(&t, 1);
    take_number(&t, version == 1 ? 6 : 2); /* flags, and what is reserved or tells a scalar */
    if (version != 1 && version != 2)
        return 0;
    uint64_t count = rank == 1 ? take_number(&t, 8) : 1;
    return t.ended || rank > 1 ? 0 : count;
}

/* ------------------------------------------------------------------ messages */

static void parse_layout(object *o, taking t)
{
    uint64_t version = take_number(&t, 1), kind = take_number(&t, 1);
    o->is_dataset = true;
    if (version == 3 && kind == LAYOUT_CONTIGUOUS) {
        o->address = take_number(&t, 8);
        o->contiguous = take_number(&t, 8);
    } else if (version == 3 && kind == LAYOUT_CHUNKED && take_number(&t, 1) == 2) {
        o->address = take_number(&t, 8);
        o->found.samples.chunk = take_number(&t, 4);
        o->chunk_width = take_number(&t, 4);
        if (o->found.samples.chunk == 0)
            o->strange = "chunks without samples";
    } else {
        o->strange = "expected its samples in one piece or in chunks, as libhdf5 lays them out "
                     "unless asked for a newer version";
    }
    if (t.ended)
        o->strange = "its layout is cut off";
}

static void parse_filters(object *o, taking t)
{
    ark_hdf5_dataset *d = &o->found.samples;
    uint64_t version = take_number(&t, 1), count = take_number(&t, 1);
    take_number(&t, version == 1 ? 6 : 0);
    for (uint64_t i = 0; i < count && !t.ended; i++) {
        uint64_t id = take_number(&t, 2),
                 name = version == 1 || id >= 256 ? take_number(&t, 2) : 0;
        take_number(&t, 2);
        uint64_t values = take_number(&t, 2);
        take_number(&t, (size_t)(version == 1 ? (name + 7) / 8 * 8 : name));
        take_number(&t, (size_t)(4 * (values + (version == 1 ? values % 2 : 0))));
        if (id == FILTER_SHUFFLE && i == 0)
            d->shuffled = true;
        else if (id == FILTER_DEFLATE && i == d->shuffled)
            d->deflated = true;
        else
            o->strange = "expected no filters but shuffle and, after it, deflate";
    }
    if (t.ended || (version != 1 && version != 2))
        o->strange = "its filters are cut off";
}

static double value_of(const uint8_t *bytes, arrakis_dtype dtype, bool big_endian)
{
    uint8_t order[8];
    size_t width = arrakis_dtype_size(dtype);
    for (size_t i = 0; i < width; i++)
        order[i] = bytes[big_endian ? width - 1 - i : i];
    uint64_t raw = number(order, width);
    if (dtype == ARRAKIS_FLOAT64) {
        double value;
        memcpy(&value, &raw, sizeof value);
        return value;
    }
    if (dtype == ARRAKIS_FLOAT32) {
        uint32_t bits = (uint32_t)raw;
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    bool negative = dtype <= ARRAKIS_INT64 && width < 8 && raw >> (8 * width - 1);
    return dtype == ARRAKIS_INT64 || negative
               ? (double)(int64_t)(raw | (negative ? UINT64_MAX << 8 * width : 0))
               : (double)raw;
}

static size_t padded(uint64_t size, bool pads)
{
    return (size_t)(pads ? (size + 7) & ~(uint64_t)7 : size);
}

/* x0 and dx. */
static void parse_attribute(object *o, taking t)
{
    uint64_t version = take_number(&t, 1), flags = take_number(&t, 1);
    uint64_t name_size = take_number(&t, 2), type_size = take_number(&t, 2),
             space_size = take_number(&t, 2);
    take_number(&t, version == 3 ? 1 : 0);
    bool pads = version == 1, shared = version > 1 && flags;
    const char *name = (const char *)t.next;
    if (t.ended || version < 1 || version > 3 || name_size < 3 || name_size > t.left)
        return;
    bool x0 = memcmp(name, "x0", 3) == 0, dx = memcmp(name, "dx", 3) == 0;
    if (shared || (!x0 && !dx))
        return;
    take_number(&t, padded(name_size, pads));
    taking type = t;
    take_number(&t, padded(type_size, pads));
    taking space = t;
    take_number(&t, padded(space_size, pads));
    bool big_endian, is_enum;
    arrakis_dtype dtype = parse_type(type, &big_endian, &is_enum);
    if (t.ended || dtype == ARRAKIS_DTYPE_NONE || parse_space(space) != 1 ||
        t.left < arrakis_dtype_size(dtype))
        return;
    *(x0 ? &o->found.x0 : &o->found.dx) = value_of(t.next, dtype, big_endian);
    *(x0 ? &o->has_x0 : &o->has_dx) = true;
}

/* The value of a byte that was never written. */
static void parse_fill(object *o, taking t)
{
    enum { SET = 0x20 };
    uint64_t version = take_number(&t, 1);
    uint64_t how = take_number(&t, version == 3 ? 1 : 3);
    bool set = version == 3 ? (how & SET) != 0 : how >> 16 == 1;
    uint64_t size = take_number(&t, 4), value = take_number(&t, 1);
    if (!t.ended && set && size == 1)
        o->found.samples.fill = (uint8_t)value;
}

static void parse_message(object *o, uint64_t type, uint64_t flags, taking t)
{
    ark_hdf5_dataset *d = &o->found.samples;
    bool needed = type == MESSAGE_SPACE || type == MESSAGE_TYPE || type == MESSAGE_LAYOUT ||
                  type == MESSAGE_FILTERS;
    if (flags & MESSAGE_SHARED) {
        if (needed)
            o->strange = "what describes it is somewhere else, expected it with the data set";
        return;
    }
    if (type == MESSAGE_SPACE) {
        d->samples = parse_space(t);
        o->has_space = true;
    } else if (type == MESSAGE_TYPE) {
        d->dtype = parse_type(t, &d->big_endian, &o->is_enum);
        o->has_type = true;
    } else if (type == MESSAGE_EXTERNAL) {
        o->strange = "its samples are in another file, expected them in this one";
    } else if (type == MESSAGE_LAYOUT) {
        parse_layout(o, t);
    } else if (type == MESSAGE_FILTERS) {
        parse_filters(o, t);
    } else if (type == MESSAGE_FILL) {
        parse_fill(o, t);
    } else if (type == MESSAGE_ATTRIBUTE) {
        parse_attribute(o, t);
    } else if (type == MESSAGE_GROUP) {
        o->tree = take_number(&t, 8);
        o->heap = take_number(&t, 8);
        o->is_group = !t.ended;
    }
}

/* The messages from `at` on, and those in the pieces that continue them. */
static arrakis_status read_messages(source *s, object *o, uint64_t at, uint64_t size,
                                    unsigned pieces, arrakis_error *err)
{
    while (size >= MESSAGE_HEAD) {
        const uint8_t *bytes;
        ARK_TRY(take_step(s, at, err));
        ARK_TRY(get_bytes(s, at, MESSAGE_HEAD, &bytes, err));
        uint64_t type = number(bytes, 2), body = number(bytes + 2, 2), flags = bytes[4];
        if (body > size - MESSAGE_HEAD || pieces == 0)
            return fail_format(at, "a message is longer than what it is in", err);
        ARK_TRY(get_bytes(s, at + MESSAGE_HEAD, (size_t)body, &bytes, err));
        if (type == MESSAGE_CONTINUED && body >= 16)
            ARK_TRY(read_messages(s, o, number(bytes, 8), number(bytes + 8, 8), pieces - 1, err));
        else
            parse_message(o, type, flags, (taking){bytes, (size_t)body, false});
        at += MESSAGE_HEAD + body;
        size -= MESSAGE_HEAD + body;
    }
    return ARRAKIS_OK;
}

static arrakis_status read_object(source *s, object *o, uint64_t at, arrakis_error *err)
{
    const uint8_t *bytes;
    *o = (object){.found = {.samples = {.dtype = ARRAKIS_DTYPE_NONE}}};
    ARK_TRY(get_bytes(s, at, HEADER_SIZE, &bytes, err));
    if (bytes[0] != 1)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "HDF5, byte %" PRIu64 ": an object header that is not of version 1", at);
    return read_messages(s, o, at + HEADER_SIZE, number(bytes + 8, 4), LEVELS_MAX, err);
}

/* ------------------------------------------------------------------ nodes of an index */

typedef struct node {
    unsigned level,
        count; /* its entries are of nodes of a lower level, or at 0 of what is looked for */
} node;

/* `kind` 0: of links, 1: of chunks; `level` is that of its parent. */
static arrakis_status read_node(source *s, node *n, uint64_t at, uint8_t kind, unsigned level,
                                arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(take_step(s, at, err));
    ARK_TRY(get_bytes(s, at, NODE_HEAD, &bytes, err));
    *n = (node){bytes[5], (unsigned)number(bytes + 6, 2)};
    if (memcmp(bytes, "TREE", 4) != 0 || bytes[4] != kind || n->level >= level)
        return fail_format(at, kind ? "expected an index of chunks" : "expected an index of links",
                           err);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ chunks */

static void note_chunk(ark_hdf5_dataset *d, const uint8_t *key, uint64_t address, bool *strange)
{
    uint64_t size = number(key, 4), passed = number(key + 4, 4), at = number(key + 8, 8);
    if (passed || at % d->chunk || at >= d->samples) {
        *strange = true;
        return;
    }
    d->places[at / d->chunk] = (ark_hdf5_place){address, size};
}

/* A node of the index of chunks; `level` is that of its parent. */
static arrakis_status read_chunks(source *s, ark_hdf5_dataset *d, uint64_t at, unsigned level,
                                  bool *strange, arrakis_error *err)
{
    node here;
    const uint8_t *bytes;
    ARK_TRY(read_node(s, &here, at, 1, level, err));
    for (unsigned i = 0; i < here.count; i++) {
        ARK_TRY(take_step(s, at, err));
        ARK_TRY(
            get_bytes(s, at + NODE_HEAD + (uint64_t)i * CHUNK_ENTRY, CHUNK_ENTRY, &bytes, err));
        uint64_t child = number(bytes + 24, 8);
        if (here.level == 0)
            note_chunk(d, bytes, child, strange);
        else
            ARK_TRY(read_chunks(s, d, child, here.level, strange, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status make_places(source *s, object *o, arrakis_error *err)
{
    ark_hdf5_dataset *d = &o->found.samples;
    uint64_t count = d->chunk ? (d->samples - 1) / d->chunk + 1 : 1;
    if (count > s->chunks)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "it has %" PRIu64
                        " chunks, expected at most one per 8 bytes that the file has on the disk",
                        count);
    s->chunks -= count;
    d->places = malloc((size_t)count * sizeof *d->places);
    if (!d->places)
        return ark_no_memory(err, "%" PRIu64 " chunks of an HDF5 file", count);
    for (uint64_t i = 0; i < count; i++)
        d->places[i] = (ark_hdf5_place){ARK_HDF5_NOWHERE, 0};
    bool strange = false;
    if (!d->chunk)
        d->places[0].address = o->address;
    else if (o->address != ARK_HDF5_NOWHERE)
        ARK_TRY(read_chunks(s, d, o->address, LEVELS_MAX, &strange, err));
    return strange ? ark_fail(err, ARRAKIS_EUNSUPPORTED,
                              "a chunk is beyond its end, or is not filtered as the others are")
                   : ARRAKIS_OK;
}

/* ------------------------------------------------------------------ data sets */

static const char *judge_dataset(const object *o, bool mask)
{
    const ark_hdf5_dataset *d = &o->found.samples;
    size_t width = arrakis_dtype_size(d->dtype);
    if (o->strange)
        return o->strange;
    if (!o->is_dataset || !o->has_space || !o->has_type)
        return "expected a data set";
    if (d->samples == 0)
        return "expected one dimension, and some samples";
    if (width == 0)
        return mask ? "expected a mask of a byte per sample"
                    : "expected integers of 1, 2, 4 or 8 bytes, or real numbers of 4 or 8";
    if (d->chunk ? o->chunk_width != width
                 : o->address != ARK_HDF5_NOWHERE && o->contiguous / width < d->samples)
        return "its layout is that of another type";
    if (!mask && (!o->has_x0 || !o->has_dx))
        return "expected the attributes x0 and dx, a number each";
    return NULL;
}

static arrakis_status read_dataset(source *s, size_t index, uint64_t at, bool mask,
                                   arrakis_error *err)
{
    object o;
    ark_hdf5_found *found = &s->list->channels[index];
    ARK_TRY(read_object(s, &o, at, err));
    ark_hdf5_dataset *d = &o.found.samples;
    if (mask && (o.is_enum || d->dtype == ARRAKIS_UINT8))
        d->dtype = ARRAKIS_INT8;
    else if (mask && d->dtype != ARRAKIS_INT8)
        d->dtype = ARRAKIS_DTYPE_NONE;
    const char *strange = judge_dataset(&o, mask);
    if (strange)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "%s", strange);
    if ((mask ? &found->mask : &found->samples)->places)
        return ark_fail(err, ARRAKIS_EFORMAT, "it is there twice");
    arrakis_status rc = make_places(s, &o, err);
    if (rc < 0) {
        free(d->places);
        return rc;
    }
    if (mask) {
        found->mask = *d;
        return rc;
    }
    found->x0 = o.found.x0;
    found->dx = o.found.dx;
    found->samples = *d;
    return rc;
}

/* A name in HDF5 is a path: '/' is written as "%2F", and '%' as "%25". */
static void undo_path(char *name)
{
    char *to = name;
    while (*name) {
        bool slash = strncmp(name, "%2F", 3) == 0, percent = strncmp(name, "%25", 3) == 0;
        *to++ = slash ? '/' : percent ? '%' : *name;
        name += slash || percent ? 3 : 1;
    }
    *to = '\0';
}

/* What a link of a group leads to. Its name is in s->name. */
static arrakis_status meet_link(source *s, uint64_t at, bool soft, bool in_masks,
                                arrakis_error *err)
{
    if (!in_masks && strcmp(s->name, MASKS) == 0) {
        s->masks = soft ? 0 : at;
        return ARRAKIS_OK;
    }
    undo_path(s->name);
    int64_t index = arrakis_channels_index(s->known, s->name);
    if (index < 0) {
        s->list->others += !in_masks;
        return ARRAKIS_OK;
    }
    arrakis_status rc =
        soft ? ark_fail(err, ARRAKIS_EUNSUPPORTED, "a link to another place, expected a data set")
             : read_dataset(s, (size_t)index, at, in_masks, err);
    return rc < 0 ? ark_fail_within(err, rc, "%s of channel '%.200s'",
                                    in_masks ? "the mask" : "the data set", s->name)
                  : rc;
}

/* ------------------------------------------------------------------ groups */

/* The names of a group's links. */
typedef struct names {
    char *bytes;
    uint64_t size;
} names;

static arrakis_status read_names(source *s, names *n, uint64_t at, arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(get_bytes(s, at, 32, &bytes, err));
    uint64_t size = number(bytes + 8, 8), data = number(bytes + 24, 8);
    if (memcmp(bytes, "HEAP\0", 5) != 0 || data > s->size || size > s->size - data)
        return fail_format(at, "expected the names of a group", err);
    if (size > NAMES_MAX)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "HDF5: names of %" PRIu64 " bytes, expected at most %d", size, NAMES_MAX);
    n->bytes = malloc((size_t)size + 1);
    if (!n->bytes)
        return ark_no_memory(err, "names of %" PRIu64 " bytes", size);
    n->size = size;
    n->bytes[size] = '\0'; /* so that each name ends */
    return ark_disk_read(s->fd, n->bytes, (size_t)size, data, err);
}

static arrakis_status read_links(source *s, const names *n, uint64_t at, bool in_masks,
                                 arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(get_bytes(s, at, 8, &bytes, err));
    unsigned count = (unsigned)number(bytes + 6, 2);
    if (memcmp(bytes, "SNOD\1", 5) != 0)
        return fail_format(at, "expected links of a group", err);
    for (unsigned i = 0; i < count; i++) {
        uint64_t place = at + 8 + (uint64_t)i * LINK_SIZE;
        ARK_TRY(take_step(s, place, err));
        ARK_TRY(get_bytes(s, place, LINK_SIZE, &bytes, err));
        uint64_t name = number(bytes, 8), header = number(bytes + 8, 8);
        bool soft = number(bytes + 16, 4) == SOFT_LINK;
        size_t length = name < n->size ? strnlen(n->bytes + name, LINKS_NAME_MAX) : LINKS_NAME_MAX;
        if (length >= LINKS_NAME_MAX)
            return fail_format(place, "a link without a name", err);
        ARK_TRY(take_steps(s, length / 8, place, err)); /* many links may have one long name */
        strcpy(s->name, n->bytes + name);
        ARK_TRY(meet_link(s, header, soft, in_masks, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status read_tree(source *s, const names *n, uint64_t at, unsigned level,
                                bool in_masks, arrakis_error *err)
{
    node here;
    const uint8_t *bytes;
    ARK_TRY(read_node(s, &here, at, 0, level, err));
    for (unsigned i = 0; i < here.count; i++) {
        ARK_TRY(take_step(s, at, err));
        ARK_TRY(get_bytes(s, at + NODE_HEAD + 8 + 16 * (uint64_t)i, 8, &bytes, err));
        uint64_t child = number(bytes, 8);
        ARK_TRY(here.level == 0 ? read_links(s, n, child, in_masks, err)
                                : read_tree(s, n, child, here.level, in_masks, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status read_group(source *s, uint64_t at, bool in_masks, arrakis_error *err)
{
    object o;
    names n = {NULL, 0};
    ARK_TRY(read_object(s, &o, at, err));
    if (!o.is_group)
        return in_masks ? ARRAKIS_OK /* a channel of another kind of file */
                        : ark_fail(err, ARRAKIS_EUNSUPPORTED,
                                   "HDF5: a root group of a newer version of the format");
    arrakis_status rc = read_names(s, &n, o.heap, err);
    if (rc >= 0)
        rc = read_tree(s, &n, o.tree, LEVELS_MAX, in_masks, err);
    free(n.bytes);
    return rc;
}

/* ------------------------------------------------------------------ the file */

static arrakis_status read_file(source *s, arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(get_bytes(s, 0, SUPERBLOCK_SIZE, &bytes, err));
    unsigned version = bytes[8];
    const uint8_t *addresses = bytes + (version == 1 ? 28 : 24);
    if (version > 1 || bytes[13] != 8 || bytes[14] != 8)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "HDF5 with a superblock of version %u and addresses of %d bytes, expected "
                        "0 or 1, and 8",
                        version, bytes[13]);
    uint64_t base = number(addresses, 8), root = number(addresses + 40, 8);
    if (base != 0)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "HDF5 that begins at byte %" PRIu64, base);
    ARK_TRY(read_group(s, root, false, err));
    return s->masks ? read_group(s, s->masks, true, err) : ARRAKIS_OK;
}

arrakis_status ark_hdf5_list_make(ark_hdf5_list *list, int fd, uint64_t size,
                                  const arrakis_channels *known, arrakis_error *err)
{
    size_t count = arrakis_channels_count(known);
    source *s = calloc(1, sizeof *s);
    *list = (ark_hdf5_list){count, calloc(count + 1, sizeof *list->channels), 0};
    arrakis_status rc = ARRAKIS_OK;
    if (!s || !list->channels)
        rc = ark_no_memory(err, "%zu channels of an HDF5 file", count);
    if (rc >= 0) {
        s->fd = fd;
        s->size = size;
        /* what a step is about has 8 bytes at least; of holes there may be any number */
        s->chunks = s->steps = ark_disk_held(fd, size) / 8 + CHUNKS_BASE;
        s->known = known;
        s->list = list;
        rc = read_file(s, err);
        ark_buffer_clear(&s->window);
    }
    free(s);
    if (rc < 0)
        ark_hdf5_list_clear(list);
    return rc;
}

void ark_hdf5_list_clear(ark_hdf5_list *list)
{
    for (size_t i = 0; list->channels && i < list->count; i++) {
        free(list->channels[i].samples.places);
        free(list->channels[i].mask.places);
    }
    free(list->channels);
    *list = (ark_hdf5_list){0, NULL, 0};
}
