/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_group.h"

#include "base/error.h"
#include "file/hdf5_format.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT64_MAX
enum { NO_FREE_NAMES = 1 };

/* A node, and the name after which it has none. */
typedef struct child {
    uint64_t address, last;
} child;

arrakis_status ark_hdf5_group_bytes(ark_buffer *image, size_t *at, const void *bytes, size_t size,
                                    arrakis_error *err)
{
    size_t whole = (size + 7) & ~(size_t)7;
    ARK_TRY(ark_buffer_reserve(image, whole, err));
    *at = image->size;
    uint8_t *to = image->data + image->size;
    if (bytes)
        memcpy(to, bytes, size);
    memset(to + (bytes ? size : 0), 0, whole - (bytes ? size : 0));
    image->size += whole;
    return ARRAKIS_OK;
}

static void put_bytes(ark_buffer *image, size_t at, const void *bytes, size_t size)
{
    memcpy(image->data + at, bytes, size);
}

static void put_address(ark_buffer *image, size_t at, uint64_t address)
{
    put_bytes(image, at, &address, sizeof address);
}

/* ------------------------------------------------------------------ names */

static int by_name(const void *a, const void *b)
{
    const ark_hdf5_link *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void sort_links(ark_hdf5_link *links, size_t count)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < count; i++)
        sorted = by_name(&links[i - 1], &links[i]) < 0;
    if (!sorted)
        qsort(links, count, sizeof *links, by_name);
}

/* Each name ends in a 0 and begins at a multiple of 8; the first one is empty, and before all
 * others. */
static arrakis_status append_names(ark_hdf5_group *group, ark_buffer *image, ark_hdf5_link *links,
                                   size_t count, arrakis_error *err)
{
    static const char signature[8] = "HEAP"; /* and version 0 */
    size_t head, data, at;
    ARK_TRY(ark_hdf5_group_bytes(image, &head, NULL, 32, err));
    ARK_TRY(ark_hdf5_group_bytes(image, &data, "", 1, err));
    for (size_t i = 0; i < count; i++) {
        ARK_TRY(ark_hdf5_group_bytes(image, &at, links[i].name, strlen(links[i].name) + 1, err));
        links[i].place = at - data;
    }
    put_bytes(image, head, signature, sizeof signature);
    put_address(image, head + 8, image->size - data);
    put_address(image, head + 16, NO_FREE_NAMES);
    put_address(image, head + 24, data);
    group->names = head;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ nodes */

static arrakis_status append_links(child *out, ark_buffer *image, const ark_hdf5_link *links,
                                   size_t count, size_t room, arrakis_error *err)
{
    static const char signature[6] = "SNOD\1";
    const uint16_t used = (uint16_t)count;
    size_t at;
    ARK_TRY(ark_hdf5_group_bytes(image, &at, NULL, 8 + room * LINK_SIZE, err));
    put_bytes(image, at, signature, sizeof signature);
    put_bytes(image, at + 6, &used, sizeof used);
    for (size_t i = 0; i < count; i++) {
        put_address(image, at + 8 + i * LINK_SIZE, links[i].place);
        put_address(image, at + 16 + i * LINK_SIZE, links[i].header);
    }
    *out = (child){at, links[count - 1].place};
    return ARRAKIS_OK;
}

/* A node of the index: between its children lie the names after which the next one begins. */
static arrakis_status append_node(child *out, ark_buffer *image, const child *children,
                                  size_t count, size_t room, uint64_t before, unsigned level,
                                  arrakis_error *err)
{
    const char head[6] = {'T', 'R', 'E', 'E', 0, (char)level};
    const uint16_t used = (uint16_t)count;
    size_t at;
    ARK_TRY(ark_hdf5_group_bytes(image, &at, NULL, NODE_HEAD + 8 + room * 16, err));
    put_bytes(image, at, head, sizeof head);
    put_bytes(image, at + 6, &used, sizeof used);
    put_address(image, at + NODE_HEAD, before);
    for (size_t i = 0; i < count; i++) {
        put_address(image, at + NODE_HEAD + 8 + i * 16, children[i].address);
        put_address(image, at + NODE_HEAD + 16 + i * 16, children[i].last);
    }
    *out = (child){at, children[count - 1].last};
    return ARRAKIS_OK;
}

/* Nodes of one level know those beside them. */
static void join_nodes(ark_buffer *image, const child *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_address(image, (size_t)nodes[i].address + 8, i ? nodes[i - 1].address : NOWHERE);
        put_address(image, (size_t)nodes[i].address + 16,
                    i + 1 < count ? nodes[i + 1].address : NOWHERE);
    }
}

/* Append the nodes over those of one level, which they replace in `nodes`. */
static arrakis_status append_level(child *nodes, size_t *count, ark_buffer *image, size_t room,
                                   unsigned level, arrakis_error *err)
{
    size_t above = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < *count; i += room) {
        size_t n = *count - i < room ? *count - i : room;
        child node;
        ARK_TRY(append_node(&node, image, &nodes[i], n, room, before, level, err));
        before = node.last;
        nodes[above++] = node;
    }
    *count = above;
    join_nodes(image, nodes, above);
    return ARRAKIS_OK;
}

static arrakis_status append_index(ark_hdf5_group *group, ark_buffer *image, child *nodes,
                                   const ark_hdf5_link *links, size_t count,
                                   const ark_hdf5_group_sizes *sizes, arrakis_error *err)
{
    size_t room = 2 * sizes->links, made = 0;
    for (size_t i = 0; i < count; i += room) {
        size_t n = count - i < room ? count - i : room;
        ARK_TRY(append_links(&nodes[made++], image, &links[i], n, room, err));
    }
    unsigned level = 0;
    do
        ARK_TRY(append_level(nodes, &made, image, 2 * sizes->children, level++, err));
    while (made > 1);
    group->index = nodes[0].address;
    return ARRAKIS_OK;
}

arrakis_status ark_hdf5_group_append(ark_hdf5_group *group, ark_buffer *image,
                                     ark_hdf5_link *links, size_t count,
                                     const ark_hdf5_group_sizes *sizes, arrakis_error *err)
{
    sort_links(links, count);
    ARK_TRY(append_names(group, image, links, count, err));
    child *nodes = calloc(count / (2 * sizes->links) + 1, sizeof *nodes);
    arrakis_status rc = nodes ? append_index(group, image, nodes, links, count, sizes, err)
                              : ark_no_memory(err, "an index of %zu channels", count);
    free(nodes);
    return rc;
}
