/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARK_CHANNEL_FILE_H
#define ARK_CHANNEL_FILE_H

#include <arrakis/arrakis.h>

/* What a file of channels may be. */
typedef struct ark_load_limits {
    uint64_t file_size;
    size_t channels;
} ark_load_limits;

/* arrakis_channels_load() with limits of the caller's. */
arrakis_status ark_channels_load(arrakis_channels **out, const char *path,
                                 const ark_load_limits *limits, arrakis_error *err);

#endif
