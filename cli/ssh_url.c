/* SPDX-License-Identifier: Apache-2.0 */
#include "ssh_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
static const char scheme[] = "ssh://";

bool ssh_url_is(const char *text)
{
    return text && strncasecmp(text, scheme, strlen(scheme)) == 0;
}

/* A name must not begin with a dash: ssh would take it for an option. */
static bool copy_word(char *out, size_t size, const char *text, size_t length)
{
    if (!length || length >= size || text[0] == '-' || strspn(text, WORD) < length)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool copy_bracketed(char *out, size_t size, const char *text, size_t length)
{
    if (length < 4 || length >= size || text[length - 1] != ']' ||
        strspn(text + 1, "0123456789abcdefABCDEF:.") != length - 2)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool copy_host(char *out, size_t size, const char *text, size_t length)
{
    return length && text[0] == '[' ? copy_bracketed(out, size, text, length)
                                    : copy_word(out, size, text, length);
}

static bool copy_port(char out[6], const char *text, size_t length)
{
    if (!length || length > 5 || strspn(text, "0123456789") < length)
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    snprintf(out, 6, "%lu", value % 100000);
    return value <= 65535;
}

/* The length of the name of the host. */
static size_t host_length(const char *text)
{
    const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
    return close ? (size_t)(close + 1 - text) : strcspn(text, ":/");
}

const char *place_parse(struct place *out, const char *text)
{
    static const char *const schemes[] = {"grpc://", "grpc+tcp://", "grpc+tls://"};
    *out = (struct place){false, "localhost", "31206"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) {
            out->tls = i == 2;
            text += strlen(schemes[i]);
            break;
        }
    size_t length = strlen(text), host = host_length(text);
    if (length && text[length - 1] == '/')
        length--;
    if (host > length)
        host = length;
    if (host && !copy_host(out->host, sizeof out->host, text, host))
        return "its host is not a name or an address";
    if (host < length &&
        (text[host] != ':' || !copy_port(out->port, text + host + 1, length - host - 1)))
        return "its port is not a number up to 65535";
    return NULL;
}

/* ssh expects an address without brackets. */
static bool put_destination(struct ssh_url *out, const char *user, size_t user_length,
                            const char *host, size_t length)
{
    char name[256] = "", at[256];
    if (user_length && !copy_word(name, sizeof name, user, user_length))
        return false;
    if (!copy_host(at, sizeof at, host, length))
        return false;
    bool bracketed = at[0] == '[';
    if (bracketed)
        at[strlen(at) - 1] = '\0';
    snprintf(out->destination, sizeof out->destination, "%s%s%s", name, user_length ? "@" : "",
             at + bracketed);
    return true;
}

const char *ssh_url_parse(struct ssh_url *out, const char *text)
{
    *out = (struct ssh_url){0};
    text += strlen(scheme);
    const char *at = strchr(text, '@'), *host = at ? at + 1 : text;
    if (at == text)
        return "its user is empty";
    size_t length = host_length(host);
    if (!put_destination(out, text, at ? (size_t)(at - text) : 0, host, length))
        return "its user or host is not a name or an address";
    const char *rest = host + length;
    if (rest[0] == ':' && rest[1] && rest[1] != ':' && rest[1] != '/') {
        size_t digits = strcspn(++rest, ":/");
        if (!copy_port(out->port, rest, digits) || strcmp(out->port, "0") == 0)
            return "its port is not a number from 1 to 65535";
        rest += digits;
    }
    if (strncmp(rest, "::", 2) == 0) {
        out->has_remote = true;
        return place_parse(&out->remote, rest + 2);
    }
    return !*rest || !strcmp(rest, "/") || !strcmp(rest, ":") ? NULL
                                                              : "it goes on behind the host";
}
