/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the JSON of channels in the form in which programs write it, without building a tree. */
#ifndef ARK_CHANNEL_JSON_FAST_H
#define ARK_CHANNEL_JSON_FAST_H

#include <arrakis/arrakis.h>

#define ARK_JSON_FAST_SIZE_MAX 1024

/* Read one object of a subset of JSON: only scalars, ASCII texts without escapes and numbers that
 * are exact, and no known key twice. Texts point into `scratch`. False only means that the text is
 * not in this subset, valid or not: parse it with jansson, which takes five times as long, reads
 * all of JSON and reports errors. */
bool ark_channel_json_fast_read(arrakis_channel_info *info,
                                char scratch[ARK_JSON_FAST_SIZE_MAX + 1], const char *text,
                                size_t size);

#endif
