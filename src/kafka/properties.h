/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of librdkafka's properties. No I/O. */
#ifndef ARK_KAFKA_PROPERTIES_H
#define ARK_KAFKA_PROPERTIES_H

#include <arrakis/arrakis.h>

/* Borrowed properties. */
typedef struct ark_properties {
    const arrakis_property *list;
    size_t count;
} ark_properties;

/* Copies. Can be cleared when all bytes are 0. */
typedef struct ark_property_copies {
    arrakis_property *list; /* they point into the texts */
    char **texts;           /* a name, followed by its value */
    size_t count;
} ark_property_copies;

bool ark_kafka_properties_has(const ark_properties *properties, const char *name);
/* EINVAL: a count without a list, or a property without a name or a value. */
arrakis_status ark_kafka_properties_check(const ark_properties *properties, arrakis_error *err);
arrakis_status ark_kafka_properties_add(ark_property_copies *to, const char *name,
                                        const char *value, arrakis_error *err);
arrakis_status ark_kafka_properties_add_all(ark_property_copies *to, const ark_properties *from,
                                            arrakis_error *err);
void ark_kafka_properties_clear(ark_property_copies *copies);

#endif
