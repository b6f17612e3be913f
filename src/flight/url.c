/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/url.h"

#include "base/error.h"

#include <assert.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static arrakis_status fail_url(arrakis_error *err, const char *text, const char *why)
{
    return ark_fail(err, ARRAKIS_EINVAL, "server '%.200s': %s; expected [grpc://]host[:port]",
                    text, why);
}

/* Read the scheme of a text, with its colon and slashes, if it has one. */
static bool read_scheme(ark_url *out, const char *text, const char **rest)
{
    static const struct {
        const char *prefix;
        bool tls;
    } schemes[] = {{"grpc://", false}, {"grpc+tcp://", false}, {"grpc+tls://", true}};
    *rest = text;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].prefix);
        if (strncasecmp(text, schemes[i].prefix, length) == 0) {
            out->tls = schemes[i].tls;
            *rest = text + length;
            return true;
        }
    }
    return !strstr(text, "://");
}

static bool read_port(uint16_t *port, const char *text, size_t length)
{
    uint32_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || i > 4)
            return false;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

bool ark_url_is_host(const char *host, bool bracketed)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (bracketed)
        return inet_pton(AF_INET6, host, address) == 1;
    return !host[strspn(host,
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")];
}

arrakis_status ark_url_parse(ark_url *out, const char *text, arrakis_error *err)
{
    const char *at;
    *out = (ark_url){.port = ARK_DEFAULT_PORT};
    if (!read_scheme(out, text, &at))
        return fail_url(err, text, "its scheme is not grpc, grpc+tcp or grpc+tls");
    size_t length = strlen(at);
    if (length && at[length - 1] == '/')
        length--;
    bool bracketed = length && at[0] == '[';
    const char *close = bracketed ? memchr(at, ']', length) : NULL;
    if (bracketed && !close)
        return fail_url(err, text, "a bracket is open");
    const char *host = bracketed ? at + 1 : at;
    const char *colon =
        memchr(close ? close : at, ':', length - (size_t)((close ? close : at) - at));
    size_t host_length = (size_t)((close ? close : colon ? colon : at + length) - host);
    if (close && close + 1 != at + length && close[1] != ':')
        return fail_url(err, text, "there is more behind the bracket than a port");
    if (host_length >= sizeof out->host)
        return fail_url(err, text, "its host is too long");
    memcpy(out->host, host, host_length);
    if (!host_length)
        strcpy(out->host, "localhost");
    if (!ark_url_is_host(out->host, bracketed))
        return fail_url(err, text, "its host is not a name or an address");
    if (colon && !read_port(&out->port, colon + 1, (size_t)(at + length - colon - 1)))
        return fail_url(err, text, "its port is not a number from 1 to 65535");
    snprintf(out->target, sizeof out->target, bracketed ? "[%s]:%u" : "%s:%u", out->host,
             (unsigned)out->port);
    return ARRAKIS_OK;
}

bool ark_url_is_loopback(const ark_url *url)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(url->host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, url->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, url->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void ark_url_text(char *out, size_t size, const ark_url *url)
{
    assert(size >= ARK_URL_SIZE);
    snprintf(out, size, "%s://%s", url->tls ? "grpc+tls" : "grpc", url->target);
}

bool ark_url_same_host(const ark_url *a, const ark_url *b)
{
    return strcasecmp(a->host, b->host) == 0 || (ark_url_is_loopback(a) && ark_url_is_loopback(b));
}
