/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/brokers.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The size of the protocol that librdkafka accepts before a host, with its "://"; 0: the entry has
 * none. */
static size_t protocol_size(const char *entry, size_t size)
{
    static const char *const names[] = {"plaintext://", "ssl://", "sasl_plaintext://",
                                        "sasl_ssl://"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i]);
        if (length <= size && strncasecmp(names[i], entry, length) == 0)
            return length;
    }
    return 0;
}

static const char *port_fault(const char *text, size_t size)
{
    unsigned port = 0;
    for (size_t i = 0; i < size && port <= 65535; i++) {
        if (text[i] < '0' || text[i] > '9')
            return "its port is not a number";
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535 ? NULL : "its port is not in 1 to 65535";
}

/* librdkafka itself reports what it cannot use only in its log, and later. The default port is
 * 9092, as with librdkafka. */
const char *ark_kafka_brokers_fault(const char *entry, size_t size)
{
    if (!size)
        return "an entry is empty";
    if (memmem(entry, size, "://", 3)) {
        size_t skip = protocol_size(entry, size);
        if (!skip)
            return "its protocol is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL";
        entry += skip;
        size -= skip;
    }
    size_t host;
    if (size && *entry == '[') {
        host = 1 + strspn(entry + 1, ALNUM ":.%-_");
        if (host < 2 || host >= size || entry[host] != ']')
            return "its brackets do not hold an IPv6 address";
        host++;
    } else {
        if (memchr(entry, ':', size) != memrchr(entry, ':', size))
            return "it has several colons (an IPv6 address stands in brackets)";
        host = size ? strspn(entry, ALNUM ".-_") : 0;
        if (!host || (host < size && entry[host] != ':'))
            return "a host has letters, digits, '.', '-' and '_' only";
    }
    if (host == size)
        return NULL;
    if (entry[host] != ':')
        return "its brackets are not followed by a port";
    return port_fault(entry + host + 1, size - host - 1);
}

/* The size of "kafka://", which distinguishes brokers from other URLs; librdkafka does not accept
 * it. */
static size_t scheme_size(const char *entry)
{
    static const char scheme[] = "kafka://";
    return strncasecmp(entry, scheme, strlen(scheme)) == 0 ? strlen(scheme) : 0;
}

arrakis_status ark_kafka_brokers_check(const char *url, arrakis_error *err)
{
    if (!url || !*url)
        return ark_fail(err, ARRAKIS_EINVAL, "no broker given; expected \"host:port\"");
    for (const char *entry = url;; entry++) {
        entry += scheme_size(entry);
        size_t size = strcspn(entry, ",");
        const char *fault = ark_kafka_brokers_fault(entry, size);
        if (fault)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "broker \"%.*s\": %s; expected \"host:port\", several separated by "
                            "commas without spaces",
                            size < 100 ? (int)size : 100, entry, fault);
        entry += size;
        if (!*entry)
            return ARRAKIS_OK;
    }
}

char *ark_kafka_brokers_list(const char *url)
{
    char *list = malloc(strlen(url) + 1), *to = list;
    while (to && *url) {
        url += scheme_size(url);
        size_t size = strcspn(url, ",");
        size += url[size] == ',';
        memcpy(to, url, size);
        to += size;
        url += size;
    }
    if (to)
        *to = '\0';
    return list;
}
