/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and lists of them: immutable metadata, shared by reference. */
#ifndef ARK_CHANNEL_H
#define ARK_CHANNEL_H

#include <arrakis/arrakis.h>

#include <jansson.h>
#include <stdatomic.h>

struct arrakis_channel {
    atomic_uint refs;
    arrakis_channel_info info; /* its texts lie in `text` */
    char text[];
};

/* From a JSON object that is parsed already; err names the field, found and wanted. */
arrakis_status ark_channel_from_object(arrakis_channel **out, const json_t *object,
                                       arrakis_error *err);

/* Samples a channel has in `duration_ns`: rate x duration, or -1 when that is no whole number
 * (to 1e-6 of a sample), negative, or over INT32_MAX. */
int64_t ark_channel_samples(const arrakis_channel *channel, int64_t duration_ns);

#endif
