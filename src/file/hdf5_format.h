/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of the HDF5 File Format Specification 3.0, for the oldest version that libhdf5 writes:
 * superblocks of versions 0 and 1, object headers of version 1, and messages in them. Numbers are
 * little-endian, addresses and lengths have 8 bytes. */
#ifndef ARK_FILE_HDF5_FORMAT_H
#define ARK_FILE_HDF5_FORMAT_H

enum {
    HEADER_SIZE = 16, /* before the first message of an object header */
    MESSAGE_HEAD = 8,
    MESSAGE_NONE = 0x00,
    MESSAGE_SPACE = 0x01,
    MESSAGE_TYPE = 0x03,
    MESSAGE_OLD_FILL = 0x04,
    MESSAGE_FILL = 0x05,
    MESSAGE_EXTERNAL = 0x07,
    MESSAGE_LAYOUT = 0x08,
    MESSAGE_FILTERS = 0x0b,
    MESSAGE_ATTRIBUTE = 0x0c,
    MESSAGE_CONTINUED = 0x10,
    MESSAGE_GROUP = 0x11,
    MESSAGE_SHARED = 0x02, /* a flag: the message is somewhere else */
    LAYOUT_CONTIGUOUS = 1,
    LAYOUT_CHUNKED = 2,
    NODE_HEAD = 24,
    CHUNK_ENTRY = 32, /* of the index of chunks */
    LINK_SIZE = 40,   /* in a node of links */
};

#endif
