/* SPDX-License-Identifier: Apache-2.0 */
/* The shape in which programs write the JSON of channels, read without a tree. */
#ifndef ARK_CHANNEL_JSON_FAST_H
#define ARK_CHANNEL_JSON_FAST_H

#include <arrakis/arrakis.h>

#define ARK_JSON_FAST_SIZE_MAX 1024

/* Read one object in its plain shape: scalars, texts in ASCII without escapes, numbers that are
 * exact, no known key twice. Texts point into `scratch`. False only means that the text is not in this
 * subset, valid or not: then parse it with jansson, which takes five times as long, reads all shapes and
 * reports errors. */
bool ark_channel_json_fast_read(arrakis_channel_info *info,
                                char scratch[ARK_JSON_FAST_SIZE_MAX + 1], const char *text,
                                size_t size);

#endif
