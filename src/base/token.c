/* SPDX-License-Identifier: Apache-2.0 */
#include "base/token.h"

#include "base/json_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char blanks[] = " \t\r\n";

/* ------------------------------------------------------------------ texts and files */

char *ark_token_strip(const char *text)
{
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length && strchr(blanks, text[length - 1]))
        length--;
    return length ? strndup(text, length) : NULL;
}

bool ark_token_is_clean(const char *token)
{
    for (; *token; token++)
        if (*token <= ' ' || *token > '~')
            return false;
    return true;
}

char *ark_token_load(const char *path, bool own)
{
    errno = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (own ? O_NOFOLLOW : 0));
    struct stat info;
    char *token = NULL;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (!own || info.st_uid == geteuid()) && info.st_size < ARK_TOKEN_SIZE_MAX) {
        char *text = calloc(1, ARK_TOKEN_SIZE_MAX);
        if (text && read(fd, text, ARK_TOKEN_SIZE_MAX - 1) > 0)
            token = ark_token_strip(text);
        free(text);
    }
    int why = token ? 0 : errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return token;
}

/* ------------------------------------------------------------------ claims */

static int base64_digit(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Decode base64url without padding in place; returns the size, or -1: the text is not
 * base64url. */
static long decode_base64(char *text, size_t length)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        int value = base64_digit(text[i]);
        if (value < 0)
            return -1;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            text[size++] = (char)(bits >> held & 0xff);
        }
    }
    return (long)size;
}

/* The claims of a token of three parts; NULL: it does not have that form. */
static json_t *claims_of(const char *token)
{
    const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.'))
        return NULL;
    char *payload = strndup(first + 1, (size_t)(second - first - 1));
    long size = payload ? decode_base64(payload, (size_t)(second - first - 1)) : -1;
    json_t *claims =
        size > 0 ? ark_json_load(payload, (size_t)size, (size_t)size, 0, "a token", NULL) : NULL;
    free(payload);
    if (json_is_object(claims))
        return claims;
    json_decref(claims);
    return NULL;
}

static bool is_host(const json_t *value, const char *host)
{
    const char *text = json_string_value(value);
    char expected[300];
    snprintf(expected, sizeof expected, "https://%s", host);
    return text && strcmp(text, expected) == 0;
}

static bool is_audience(const json_t *value, const char *host)
{
    const char *text = json_string_value(value);
    return is_host(value, host) ||
           (text &&
            (strcmp(text, "ANY") == 0 || strcmp(text, "https://wlcg.cern.ch/jwt/v1/any") == 0));
}

static bool has_audience(const json_t *claims, const char *host)
{
    const json_t *audience = json_object_get(claims, "aud"), *item;
    size_t i;
    if (!audience)
        return true;
    json_array_foreach(audience, i, item) if (is_audience(item, host)) return true;
    return is_audience(audience, host);
}

bool ark_token_names(const char *token, const char *host)
{
    json_t *claims = claims_of(token);
    json_t *audience = json_object_get(claims, "aud"), *item;
    bool found = is_host(audience, host);
    size_t i;
    json_array_foreach(audience, i, item) found = found || is_host(item, host);
    json_decref(claims);
    return found;
}

/* Whether a scope "name[:path]" of a token allows the expected one: it has the same name, and the
 * same path or one above it. */
static bool scope_allows(const char *scope, size_t length, const char *expected)
{
    size_t name = strcspn(expected, ":");
    if (length < name || memcmp(scope, expected, name) != 0)
        return false;
    const char *path = scope + name;
    size_t path_length = length - name;
    if (path_length && *path != ':')
        return false;
    while (path_length && path[path_length - 1] == '/')
        path_length--;
    if (path_length <= 1) /* no path, or the root */
        return true;
    return strncmp(path, expected + name, path_length) == 0 &&
           strchr("/", expected[name + path_length]) != NULL;
}

static bool has_scope(const json_t *claims, const char *expected)
{
    const char *at = json_string_value(json_object_get(claims, "scope"));
    while (at && *at) {
        size_t length = strcspn(at, " ");
        if (scope_allows(at, length, expected))
            return true;
        at += length + (at[length] == ' ');
    }
    return false;
}

ark_token_fit ark_token_check(const char *token, const char *host, const char *scope,
                              int64_t unix_s)
{
    json_t *claims = claims_of(token);
    if (!claims)
        return ARK_TOKEN_OPAQUE;
    const json_t *expiry = json_object_get(claims, "exp");
    ark_token_fit fit = ARK_TOKEN_FITS;
    if (json_is_number(expiry) && json_number_value(expiry) <= (double)unix_s)
        fit = ARK_TOKEN_EXPIRED;
    else if (!has_audience(claims, host))
        fit = ARK_TOKEN_ELSEWHERE;
    else if (!has_scope(claims, scope))
        fit = ARK_TOKEN_NARROW;
    json_decref(claims);
    return fit;
}

int64_t ark_token_expiry(const char *token)
{
    json_t *claims = claims_of(token);
    const json_t *expiry = json_object_get(claims, "exp");
    double unix_s = json_is_number(expiry) ? json_number_value(expiry) : 0;
    json_decref(claims);
    if (!(unix_s > 0))
        return ARRAKIS_UNSET;
    return unix_s >= 1e9 * 4 ? ARRAKIS_TIME_MAX_NS
                             : arrakis_unix_to_gps_ns((int64_t)(unix_s * 1e9));
}
