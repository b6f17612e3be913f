/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_image.h"

#include "base/error.h"
#include "base/mutable.h"
#include "file/hdf5_format.h"
#include "file/hdf5_group.h"
#include "file/hdf5_load.h"
#include "file/hdf5_object.h"
#include "file/hdf5_texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 16384, /* libhdf5 takes as much for a text as for an object header: 64 KiB */
    SIGNATURE_SIZE = 8,
    KIND_NAME_SIZE = 24,
    ADDRESSES_SIZE = 4 * 8 + LINK_SIZE, /* of a superblock: four, and the link of the root group */
};
#define MASKS "masks" /* no channel has that name: each has a domain */
#define NOWHERE UINT64_MAX

/* Channels of one type and rate have the same headers but for their names. */
typedef struct kind {
    char name[KIND_NAME_SIZE];
    ark_hdf5_object samples, mask;
    const uint8_t *index; /* of chunks */
    size_t index_size;
} kind;

/* What an image is made of. */
typedef struct maker {
    ark_buffer image;
    ark_hdf5_places *places;
    size_t count, chunks; /* channels, and the chunks of each */
    ark_hdf5_channel *channels;
    kind **kind_of; /* one per channel */
    size_t kind_count;
    kind *kinds;
    ark_hdf5_channel *examples; /* one per kind */
    ark_hdf5_headers *headers;  /* where they are in what libhdf5 has made */
    uint8_t *bytes;             /* of that */
    ark_hdf5_view made;
    ark_hdf5_object group;
    ark_hdf5_group_sizes sizes;
    ark_hdf5_link *links, *masks;
} maker;

/* ------------------------------------------------------------------ channels */

/* A name in HDF5 is a path: '/' is written as "%2F", and '%' as "%25". */
static char *link_of(const char *name)
{
    char *link = malloc(3 * strlen(name) + 1), *to = link;
    for (; link && *name; name++)
        if (*name == '/' || *name == '%') {
            memcpy(to, *name == '/' ? "%2F" : "%25", 3);
            to += 3;
        } else {
            *to++ = *name;
        }
    if (link)
        *to = '\0';
    return link;
}

static arrakis_status describe_channel(ark_hdf5_channel *out, const arrakis_channel *channel,
                                       int64_t length_ns, int64_t chunk_ns, arrakis_error *err)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    if (strlen(info.name) > NAME_MAX_BYTES)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel '%.100s...': a name of %zu bytes, HDF5 has room for %d",
                        info.name, strlen(info.name), NAME_MAX_BYTES);
    char *link = link_of(info.name);
    if (!link)
        return ark_no_memory(err, "a channel's name");
    *out = (ark_hdf5_channel){info.name,
                              link,
                              info.sample_rate,
                              info.dtype,
                              (uint64_t)llround(info.sample_rate * ((double)length_ns / 1e9)),
                              (uint64_t)llround(info.sample_rate * ((double)chunk_ns / 1e9))};
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ kinds */

static int by_kind(const void *a, const void *b, void *channels)
{
    const ark_hdf5_channel *x = (const ark_hdf5_channel *)channels + *(const size_t *)a;
    const ark_hdf5_channel *y = (const ark_hdf5_channel *)channels + *(const size_t *)b;
    if (x->dtype != y->dtype)
        return x->dtype < y->dtype ? -1 : 1;
    return (x->rate > y->rate) - (x->rate < y->rate);
}

static void find_kinds(maker *k, size_t *order)
{
    for (size_t i = 0; i < k->count; i++)
        order[i] = i;
    qsort_r(order, k->count, sizeof *order, by_kind, k->channels);
    for (size_t i = 0; i < k->count; i++) {
        if (i == 0 || by_kind(&order[i - 1], &order[i], k->channels) != 0) {
            kind *new = &k->kinds[k->kind_count];
            snprintf(new->name, sizeof new->name, "%zu", k->kind_count);
            k->examples[k->kind_count] = k->channels[order[i]];
            k->examples[k->kind_count].name = k->examples[k->kind_count].link = new->name;
            k->kind_count++;
        }
        k->kind_of[order[i]] = &k->kinds[k->kind_count - 1];
    }
}

/* The values that are changed must be what they are in a file without samples. */
static arrakis_status check_kind(const kind *k, bool chunked, arrakis_error *err)
{
    const ark_hdf5_view samples = {k->samples.header.data, k->samples.header.size};
    const ark_hdf5_view mask = {k->mask.header.data, k->mask.header.size};
    bool nowhere =
        k->samples.samples && ark_hdf5_object_number(&samples, k->samples.samples, 8) == NOWHERE;
    bool expected = (chunked ? k->samples.chunks > 0 : nowhere) && k->samples.x0 &&
                    ark_hdf5_object_number(&samples, k->samples.x0, 8) == 0 && k->samples.name &&
                    k->samples.channel && k->samples.unit && k->samples.xunit && k->mask.samples &&
                    ark_hdf5_object_number(&mask, k->mask.samples, 8) == NOWHERE && k->mask.fill &&
                    ark_hdf5_object_number(&mask, k->mask.fill, 1) == 0 && k->mask.old_fill &&
                    ark_hdf5_object_number(&mask, k->mask.old_fill, 1) == 0;
    return expected ? ARRAKIS_OK : ark_hdf5_object_unknown(err);
}

/* The index of chunks is one node, in which each has an entry. */
static arrakis_status take_index(kind *k, const ark_hdf5_view *made, size_t chunks,
                                 arrakis_error *err)
{
    const ark_hdf5_view header = {k->samples.header.data, k->samples.header.size};
    uint64_t at = ark_hdf5_object_number(&header, k->samples.chunks, 8);
    size_t room = (chunks + 1) / 2 * 2;
    k->index_size = NODE_HEAD + room * CHUNK_ENTRY + CHUNK_ENTRY - 8;
    if (!ark_hdf5_object_has(made, at, "TREE\1\0", 6) ||
        ark_hdf5_object_number(made, at + 6, 2) != chunks ||
        ark_hdf5_object_number(made, at + NODE_HEAD, 4) != 1 || k->index_size > made->size - at)
        return ark_hdf5_object_unknown(err);
    k->index = made->bytes + at;
    return ARRAKIS_OK;
}

static arrakis_status take_kinds(maker *k, arrakis_error *err)
{
    for (size_t i = 0; i < k->kind_count; i++) {
        kind *one = &k->kinds[i];
        ARK_TRY(ark_hdf5_object_take(&one->samples, &k->made, k->headers[i].samples, err));
        ARK_TRY(ark_hdf5_object_take(&one->mask, &k->made, k->headers[i].mask, err));
        ARK_TRY(check_kind(one, k->chunks > 0, err));
        if (k->chunks)
            ARK_TRY(take_index(one, &k->made, k->chunks, err));
    }
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the superblock */

/* Where its addresses begin; 0: it is of another version. */
static size_t superblock_addresses(const ark_hdf5_view *file)
{
    uint64_t version = ark_hdf5_object_number(file, SIGNATURE_SIZE, 1);
    bool wide =
        ark_hdf5_object_number(file, 13, 1) == 8 && ark_hdf5_object_number(file, 14, 1) == 8;
    return !ark_hdf5_object_has(file, 0, "\x89HDF\r\n\x1a\n", SIGNATURE_SIZE) || !wide ||
                   version > 1
               ? 0
           : version == 1 ? 28
                          : 24;
}

/* The first bytes of the file, and the header of its groups. */
static arrakis_status take_superblock(maker *k, arrakis_error *err)
{
    size_t addresses = superblock_addresses(&k->made), at;
    k->sizes = (ark_hdf5_group_sizes){(size_t)ark_hdf5_object_number(&k->made, 16, 2),
                                      (size_t)ark_hdf5_object_number(&k->made, 18, 2)};
    if (!addresses || addresses + ADDRESSES_SIZE > k->made.size || !k->sizes.links ||
        !k->sizes.children)
        return ark_hdf5_object_unknown(err);
    uint64_t root = ark_hdf5_object_number(&k->made, addresses + 40, 8);
    ARK_TRY(ark_hdf5_object_take(&k->group, &k->made, root, err));
    if (!k->group.group)
        return ark_hdf5_object_unknown(err);
    return ark_hdf5_group_bytes(&k->image, &at, k->made.bytes, addresses + ADDRESSES_SIZE, err);
}

static void set_root(ark_buffer *image, size_t header, const ark_hdf5_group *group)
{
    const ark_hdf5_view file = {image->data, image->size};
    uint8_t *link = image->data + superblock_addresses(&file) + 32;
    const uint64_t address = header;
    memcpy(link + 8, &address, sizeof address);
    memcpy(link + 24, &group->index, sizeof group->index); /* what is known of a group without */
    memcpy(link + 32, &group->names, sizeof group->names); /* looking at its header */
}

/* ------------------------------------------------------------------ the image */

static arrakis_status add_object(ark_buffer *image, size_t *at, const ark_hdf5_object *object,
                                 arrakis_error *err)
{
    return ark_hdf5_group_bytes(image, at, object->header.data, object->header.size, err);
}

static arrakis_status add_channel(maker *k, ark_hdf5_texts *texts, size_t i, arrakis_error *err)
{
    const kind *own = k->kind_of[i];
    const char *name = k->channels[i].name;
    size_t samples, mask, index = 0;
    ARK_TRY(add_object(&k->image, &samples, &own->samples, err));
    ARK_TRY(add_object(&k->image, &mask, &own->mask, err));
    if (own->index) {
        ARK_TRY(ark_hdf5_group_bytes(&k->image, &index, own->index, own->index_size, err));
        const uint64_t address = index;
        memcpy(k->image.data + samples + own->samples.chunks, &address, sizeof address);
    }
    ARK_TRY(ark_hdf5_texts_add(texts, samples + own->samples.name, name, err));
    ARK_TRY(ark_hdf5_texts_add(texts, samples + own->samples.channel, name, err));
    ARK_TRY(ark_hdf5_texts_add(texts, samples + own->samples.unit, "", err));
    ARK_TRY(ark_hdf5_texts_add(texts, samples + own->samples.xunit, "s", err));
    k->places[i] = (ark_hdf5_places){own->index ? 0 : samples + own->samples.samples,
                                     mask + own->mask.samples,
                                     {mask + own->mask.fill, mask + own->mask.old_fill},
                                     samples + own->samples.x0,
                                     own->index ? index + NODE_HEAD : 0};
    k->links[i] = (ark_hdf5_link){.name = k->channels[i].link, .header = samples};
    k->masks[i] = (ark_hdf5_link){.name = k->channels[i].link, .header = mask};
    return ARRAKIS_OK;
}

static arrakis_status add_group(maker *k, size_t *header, ark_hdf5_group *group,
                                ark_hdf5_link *links, size_t count, arrakis_error *err)
{
    ARK_TRY(ark_hdf5_group_append(group, &k->image, links, count, &k->sizes, err));
    ARK_TRY(add_object(&k->image, header, &k->group, err));
    memcpy(k->image.data + *header + k->group.group, group, sizeof *group);
    return ARRAKIS_OK;
}

static arrakis_status make_image(maker *k, arrakis_error *err)
{
    ark_hdf5_texts texts = {.image = &k->image};
    ark_hdf5_group group;
    size_t header;
    ARK_TRY(take_superblock(k, err));
    for (size_t i = 0; i < k->count; i++)
        ARK_TRY(add_channel(k, &texts, i, err));
    ark_hdf5_texts_end(&texts);
    ARK_TRY(add_group(k, &header, &group, k->masks, k->count, err));
    k->links[k->count] = (ark_hdf5_link){.name = MASKS, .header = header};
    ARK_TRY(add_group(k, &header, &group, k->links, k->count + 1, err));
    set_root(&k->image, header, &group);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ making */

static arrakis_status describe_channels(maker *k, const arrakis_channels *channels,
                                        int64_t length_ns, int64_t chunk_ns, arrakis_error *err)
{
    for (size_t i = 0; i < k->count; i++)
        ARK_TRY(describe_channel(&k->channels[i], arrakis_channels_get(channels, i), length_ns,
                                 chunk_ns, err));
    size_t *order = calloc(k->count, sizeof *order);
    if (!order)
        return ark_no_memory(err, "%zu channels in HDF5", k->count);
    find_kinds(k, order);
    free(order);
    return ARRAKIS_OK;
}

static arrakis_status make_room(maker *k, arrakis_error *err)
{
    k->places = calloc(k->count, sizeof *k->places);
    k->channels = calloc(k->count, sizeof *k->channels);
    k->kind_of = calloc(k->count, sizeof *k->kind_of);
    k->kinds = calloc(k->count, sizeof *k->kinds);
    k->examples = calloc(k->count, sizeof *k->examples);
    k->headers = calloc(k->count, sizeof *k->headers);
    k->links = calloc(k->count + 1, sizeof *k->links);
    k->masks = calloc(k->count, sizeof *k->masks);
    bool made = k->places && k->channels && k->kind_of && k->kinds && k->examples && k->headers &&
                k->links && k->masks;
    return made ? ARRAKIS_OK : ark_no_memory(err, "%zu channels in HDF5", k->count);
}

static arrakis_status make_places(maker *k, const arrakis_channels *channels, int64_t length_ns,
                                  int64_t chunk_ns, int compression, arrakis_error *err)
{
    const ark_hdf5_module *module;
    ARK_TRY(make_room(k, err));
    ARK_TRY(ark_hdf5_load(&module, err));
    ARK_TRY(describe_channels(k, channels, length_ns, chunk_ns, err));
    ARK_TRY(module->make_image(&k->bytes, &k->made.size, k->headers, k->examples, k->kind_count,
                               k->chunks, compression, err));
    k->made.bytes = k->bytes;
    ARK_TRY(take_kinds(k, err));
    return make_image(k, err);
}

static void end_maker(maker *k)
{
    for (size_t i = 0; k->channels && i < k->count; i++)
        free(ark_mutable(k->channels[i].link));
    for (size_t i = 0; i < k->kind_count; i++) {
        ark_hdf5_object_clear(&k->kinds[i].samples);
        ark_hdf5_object_clear(&k->kinds[i].mask);
    }
    ark_hdf5_object_clear(&k->group);
    free(k->channels);
    free(k->kind_of);
    free(k->kinds);
    free(k->examples);
    free(k->headers);
    free(k->bytes);
    free(k->links);
    free(k->masks);
}

arrakis_status ark_hdf5_image_make(ark_hdf5_image *m, const arrakis_channels *channels,
                                   int64_t length_ns, int64_t chunk_ns, int compression,
                                   arrakis_error *err)
{
    maker k = {.count = arrakis_channels_count(channels),
               .chunks = chunk_ns ? (size_t)((length_ns + chunk_ns - 1) / chunk_ns) : 0};
    arrakis_status rc = make_places(&k, channels, length_ns, chunk_ns, compression, err);
    *m = (ark_hdf5_image){k.image.data, k.image.size, k.places, k.chunks};
    end_maker(&k);
    if (rc < 0)
        ark_hdf5_image_clear(m);
    return rc;
}

void ark_hdf5_image_clear(ark_hdf5_image *m)
{
    free(m->bytes);
    free(m->places);
    *m = (ark_hdf5_image){NULL, 0, NULL, 0};
}

/* ------------------------------------------------------------------ changing */

static void set_address(ark_hdf5_image *m, size_t place, uint64_t address)
{
    memcpy(m->bytes + place, &address, sizeof address);
}

void ark_hdf5_image_set_samples(ark_hdf5_image *m, size_t channel, uint64_t address)
{
    set_address(m, m->places[channel].address, address);
}

void ark_hdf5_image_set_mask(ark_hdf5_image *m, size_t channel, uint64_t address, bool missing)
{
    const ark_hdf5_places *places = &m->places[channel];
    set_address(m, places->mask, address);
    for (size_t i = 0; i < 2; i++)
        m->bytes[places->fill[i]] = missing;
}

void ark_hdf5_image_set_chunk(ark_hdf5_image *m, size_t channel, size_t chunk, uint64_t address,
                              uint32_t size)
{
    size_t entry = m->places[channel].first_chunk + chunk * CHUNK_ENTRY;
    memcpy(m->bytes + entry, &size, sizeof size);
    memcpy(m->bytes + entry + 24, &address, sizeof address);
}

void ark_hdf5_image_copy_chunks(ark_hdf5_image *m, const ark_hdf5_image *from, size_t channels)
{
    const ark_hdf5_view file = {from->bytes, from->size};
    size_t chunks = m->chunks < from->chunks ? m->chunks : from->chunks;
    for (size_t i = 0; i < channels; i++)
        for (size_t chunk = 0; chunk < chunks; chunk++) {
            size_t entry = from->places[i].first_chunk + chunk * CHUNK_ENTRY;
            ark_hdf5_image_set_chunk(m, i, chunk, ark_hdf5_object_number(&file, entry + 24, 8),
                                     (uint32_t)ark_hdf5_object_number(&file, entry, 4));
        }
}

void ark_hdf5_image_set_file(ark_hdf5_image *m, uint64_t size, size_t channels, double start)
{
    enum { END = 16 }; /* behind the addresses of the beginning and of free space */
    const ark_hdf5_view file = {m->bytes, m->size};
    set_address(m, superblock_addresses(&file) + END, size);
    for (size_t i = 0; i < channels; i++)
        memcpy(m->bytes + m->places[i].x0, &start, sizeof start);
}
