/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/hosts.h"

#include "base/error.h"
#include "flight/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

arrakis_status ark_hosts_join(char **out, const char *const *hosts, size_t count,
                              arrakis_error *err)
{
    size_t size = 1;
    *out = NULL;
    if (count && !hosts)
        return ark_fail(err, ARRAKIS_EINVAL, "token_host_count is %zu, and token_hosts is NULL",
                        count);
    for (size_t i = 0; i < count; i++) {
        if (!hosts[i] || !*hosts[i] || !ark_url_is_host(hosts[i], strchr(hosts[i], ':') != NULL))
            return ark_fail(err, ARRAKIS_EINVAL,
                            "token_hosts: '%.200s' is not a host's name or address",
                            hosts[i] ? hosts[i] : "");
        size += strlen(hosts[i]) + 1;
    }
    if (!count)
        return ARRAKIS_OK;
    char *at = *out = malloc(size);
    if (!at)
        return ark_no_memory(err, "token_hosts");
    *at = '\0';
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s%s", i ? "," : "", hosts[i]);
    return ARRAKIS_OK;
}

bool ark_hosts_have(const char *hosts, const char *host)
{
    size_t wanted = strlen(host);
    for (const char *at = hosts; at && *at;) {
        size_t length = strcspn(at, ",");
        if (length == wanted && strncasecmp(at, host, length) == 0)
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}
