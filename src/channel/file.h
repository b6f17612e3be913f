/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of channels from files. */
#ifndef ARK_CHANNEL_FILE_H
#define ARK_CHANNEL_FILE_H

#include <arrakis/arrakis.h>

/* The most that a file of channels may have. */
typedef struct ark_channel_file_limits {
    uint64_t file_size;
    size_t channels;
} ark_channel_file_limits;

/* arrakis_channels_load() with other limits. */
arrakis_status ark_channel_file_load(arrakis_channels **out, const char *path,
                                     const ark_channel_file_limits *limits, arrakis_error *err);

#endif
