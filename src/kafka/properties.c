/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/properties.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

arrakis_status ark_kafka_properties_check(const ark_properties *properties, arrakis_error *err)
{
    if (properties->count && !properties->list)
        return ark_fail(err, ARRAKIS_EINVAL, "property_count is %zu, and properties is NULL",
                        properties->count);
    for (size_t i = 0; i < properties->count; i++)
        if (!properties->list[i].name || !properties->list[i].value)
            return ark_fail(err, ARRAKIS_EINVAL, "property %zu has no %s", i,
                            properties->list[i].name ? "value" : "name");
    return ARRAKIS_OK;
}

bool ark_kafka_properties_has(const ark_properties *properties, const char *name)
{
    for (size_t i = 0; properties->list && i < properties->count; i++)
        if (properties->list[i].name && strcmp(properties->list[i].name, name) == 0)
            return true;
    return false;
}

arrakis_status ark_kafka_properties_add(ark_property_copies *to, const char *name,
                                        const char *value, arrakis_error *err)
{
    arrakis_property *list = realloc(to->list, (to->count + 1) * sizeof *list);
    if (list)
        to->list = list;
    char **texts = realloc(to->texts, (to->count + 1) * sizeof *texts);
    if (texts)
        to->texts = texts;
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    char *text = list && texts ? malloc(name_size + value_size) : NULL;
    if (!text)
        return ark_no_memory(err, "%zu properties", to->count + 1);
    memcpy(text, name, name_size);
    memcpy(text + name_size, value, value_size);
    texts[to->count] = text;
    list[to->count++] = (arrakis_property){text, text + name_size};
    return ARRAKIS_OK;
}

arrakis_status ark_kafka_properties_add_all(ark_property_copies *to, const ark_properties *from,
                                            arrakis_error *err)
{
    for (size_t i = 0; i < from->count; i++)
        ARK_TRY(ark_kafka_properties_add(to, from->list[i].name, from->list[i].value, err));
    return ARRAKIS_OK;
}

void ark_kafka_properties_clear(ark_property_copies *copies)
{
    for (size_t i = 0; i < copies->count; i++)
        free(copies->texts[i]);
    free(copies->texts);
    free(copies->list);
    *copies = (ark_property_copies){0};
}
