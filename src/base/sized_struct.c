/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sized_struct.h"

#include "base/error.h"

#include <arrakis/file.h>
#include <arrakis/reader.h>

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* "ARRAKIS_QUERY_INIT" of "query". */
static const char *init_macro(char text[64], const char *what)
{
    char *p = text;
    memcpy(p, "ARRAKIS_", 8);
    for (p += 8; *what && p < text + 48; what++)
        *p++ = (char)toupper((unsigned char)*what);
    memcpy(p, "_INIT", 6);
    return text;
}

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

arrakis_status ark_sized_struct_take(void *to, size_t to_size, const void *from, const char *what,
                                     arrakis_error *err)
{
    assert(to_size > sizeof(size_t) && to_size <= ARK_STRUCT_SIZE_MAX);
    if (!from)
        return ARRAKIS_OK;
    char macro[64];
    size_t size;
    memcpy(&size, from, sizeof size);
    if (size <= sizeof size || size > ARK_STRUCT_SIZE_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_%s: struct_size is %zu: set it up with %s",
                        what, size, init_macro(macro, what));
    if (size > to_size && !all_zero((const unsigned char *)from + to_size, size - to_size))
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_%s: %zu bytes, of which libarrakis " ARRAKIS_VERSION
                        " has %zu, and what it does not have is set: the program needs a newer "
                        "library",
                        what, size, to_size);
    memcpy(to, from, size < to_size ? size : to_size);
    memcpy(to, &to_size, sizeof to_size);
    return ARRAKIS_OK;
}

void ark_sized_struct_give(void *to, const void *from, size_t from_size)
{
    assert(from_size > sizeof(size_t));
    size_t size;
    memcpy(&size, to, sizeof size);
    if (size <= sizeof size || size > ARK_STRUCT_SIZE_MAX)
        return;
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size,
           (size < from_size ? size : from_size) - sizeof size);
}

/* ------------------------------------------------------------------ what the ..._INIT macros are */

#define INIT(name, NAME)                                                                          \
    void name##_init(name *out, size_t struct_size)                                               \
    {                                                                                             \
        static const name defaults = NAME##_INIT;                                                 \
        fill_defaults(out, struct_size, &defaults, sizeof defaults);                              \
    }

/* Fill as many bytes as the struct of the caller has. Members of a newer header become 0. */
static void fill_defaults(void *out, size_t size, const void *defaults, size_t defaults_size)
{
    if (!out || size < sizeof(size_t))
        return;
    if (size > ARK_STRUCT_SIZE_MAX) {
        memset(out, 0, sizeof(size_t)); /* the size 0: every call refuses the struct */
        return;
    }
    memset(out, 0, size);
    memcpy(out, defaults, size < defaults_size ? size : defaults_size);
    memcpy(out, &size, sizeof size);
}

INIT(arrakis_connection, ARRAKIS_CONNECTION)
INIT(arrakis_client_options, ARRAKIS_CLIENT_OPTIONS)
INIT(arrakis_query, ARRAKIS_QUERY)
INIT(arrakis_request, ARRAKIS_REQUEST)
INIT(arrakis_stats, ARRAKIS_STATS)
INIT(arrakis_channel_info, ARRAKIS_CHANNEL_INFO)
INIT(arrakis_publisher_options, ARRAKIS_PUBLISHER_OPTIONS)
INIT(arrakis_publisher_stats, ARRAKIS_PUBLISHER_STATS)
INIT(arrakis_kafka_options, ARRAKIS_KAFKA_OPTIONS)
INIT(arrakis_stream_options, ARRAKIS_STREAM_OPTIONS)
INIT(arrakis_recorder_options, ARRAKIS_RECORDER_OPTIONS)
INIT(arrakis_recorder_stats, ARRAKIS_RECORDER_STATS)
INIT(arrakis_group_options, ARRAKIS_GROUP_OPTIONS)
INIT(arrakis_group_event, ARRAKIS_GROUP_EVENT)
