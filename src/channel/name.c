/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <string.h>

/* The pattern of the reference, in words: the domain has no line end and is as long as it can be,
 * the subsystem ends at the first '-' or '_', and the rest has no line end but for one at its end,
 * which does not belong to it. */
arrakis_status arrakis_name_parse(arrakis_name_parts *out, const char *name, arrakis_error *err)
{
    if (!out || !name)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_name_parse: %s is NULL",
                        out ? "name" : "out");
    size_t length = strlen(name);
    const char *end = name + length, *line_end = memchr(name, '\n', length);
    const char *colon = memrchr(name, ':', (size_t)((line_end ? line_end : end) - name));
    if (!colon)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel name '%.200s' has no domain: expected <domain>:<subsystem>...",
                        name);
    *out = (arrakis_name_parts){.domain = name, .subsystem = colon + 1};
    out->domain_length = (size_t)(colon - name);
    out->subsystem_length = strcspn(out->subsystem, "-_");
    out->rest = out->subsystem + out->subsystem_length;
    if (out->rest == end)
        return ARRAKIS_OK;
    out->delimiter = *out->rest++;
    out->rest_length = (size_t)(end - out->rest);
    line_end = memchr(out->rest, '\n', out->rest_length);
    if (line_end && line_end + 1 != end)
        return ark_fail(err, ARRAKIS_EINVAL, "channel name '%.200s' has a line end in it", name);
    out->rest_length -= line_end != NULL;
    return ARRAKIS_OK;
}
