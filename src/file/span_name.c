/* SPDX-License-Identifier: Apache-2.0 */
#include "file/span_name.h"

#include "base/error.h"
#include "file/formats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define DESCRIPTION CAPITALS DIGITS "abcdefghijklmnopqrstuvwxyz_+#"

enum {
    DOMAINS_SIZE = 33,  /* the domains in a description, and their end */
    PARTITION_MAX = 70, /* characters of a partition's id; a site has up to 26 */
};

/* ------------------------------------------------------------------ the prefix */

/* Append a text, with '_' for the characters that no description has. */
static void append_plain(char *to, size_t room, const char *text, size_t size)
{
    size_t at = strlen(to);
    for (size_t i = 0; i < size && at + 1 < room; i++)
        to[at++] = text[i] && strchr(DESCRIPTION, text[i]) ? text[i] : '_';
    to[at] = '\0';
}

/* What the channels have in common. */
typedef struct summary {
    bool sites['Z' + 1];
    char domains[DOMAINS_SIZE]; /* each of them once */
    const char *last;           /* the domain that was met last */
    size_t last_size;
    const char *publisher; /* NULL: none, or several */
} summary;

static void add_domain(summary *s, const char *domain, size_t size)
{
    if (s->last && s->last_size == size && !memcmp(s->last, domain, size))
        return;
    s->last = domain;
    s->last_size = size;
    char plain[DOMAINS_SIZE] = "";
    append_plain(plain, sizeof plain, domain, size);
    if (plain[0] >= 'A' && plain[0] <= 'Z')
        s->sites[(unsigned char)plain[0]] = true;
    if (!strstr(s->domains, plain))
        append_plain(s->domains, sizeof s->domains, plain, strlen(plain));
}

static void add_channel(summary *s, arrakis_channel *channel, bool first)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    arrakis_name_parts parts;
    if (arrakis_name_parse(&parts, info.name, NULL) == ARRAKIS_OK)
        add_domain(s, parts.domain, parts.domain_length);
    if (first)
        s->publisher = info.publisher;
    else if (s->publisher && (!info.publisher || strcmp(s->publisher, info.publisher) != 0))
        s->publisher = NULL;
}

static void summarize(summary *s, const arrakis_channels *channels)
{
    *s = (summary){{false}, "", NULL, 0, NULL};
    for (size_t i = 0; i < arrakis_channels_count(channels); i++)
        add_channel(s, arrakis_channels_get(channels, i), i == 0);
}

static void print_site(char *prefix, const summary *s)
{
    size_t at = 0;
    for (unsigned char c = 'A'; c <= 'Z'; c++)
        if (s->sites[c])
            prefix[at++] = (char)c;
    if (at == 0)
        prefix[at++] = 'X'; /* the site of no detector */
    prefix[at++] = '-';
    prefix[at] = '\0';
}

void ark_span_name_prefix(char prefix[ARK_SPAN_NAME_PREFIX_SIZE], const arrakis_channels *channels)
{
    summary s;
    summarize(&s, channels);
    print_site(prefix, &s);
    char publisher[64] = "";
    const char *what = s.publisher && *s.publisher ? s.publisher : "ARRAKIS";
    append_plain(publisher, sizeof publisher, what, strlen(what));
    bool named = *s.domains && strncmp(publisher, s.domains, strlen(s.domains)) == 0;
    if (*s.domains && !named) {
        append_plain(prefix, ARK_SPAN_NAME_PREFIX_SIZE, s.domains, strlen(s.domains));
        append_plain(prefix, ARK_SPAN_NAME_PREFIX_SIZE, "_", 1);
    }
    append_plain(prefix, ARK_SPAN_NAME_PREFIX_SIZE, publisher, strlen(publisher));
}

static arrakis_status partition_of(const char **id, const arrakis_channels *channels,
                                   arrakis_error *err)
{
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        if (!info.partition_id || !*info.partition_id)
            return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no partition_id", info.name);
        if (i > 0 && strcmp(info.partition_id, *id) != 0)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "channels of the partitions %s and %s, expected those of one", *id,
                            info.partition_id);
        *id = info.partition_id;
    }
    return ARRAKIS_OK;
}

/* A topic's name has letters, digits, '_', '-' and '.'. A description has the first three, '+' and
 * '#': so each character has one of its own. */
arrakis_status ark_span_name_partition(char prefix[ARK_SPAN_NAME_PREFIX_SIZE],
                                       const arrakis_channels *channels, arrakis_error *err)
{
    const char *id = "";
    ARK_TRY(partition_of(&id, channels, err));
    size_t size = strspn(id, CAPITALS DIGITS "abcdefghijklmnopqrstuvwxyz_-.");
    if (id[size] || size > PARTITION_MAX)
        return ark_fail(
            err, ARRAKIS_EINVAL,
            "no file can be named by the partition '%.100s': expected up to %d letters, "
            "digits, '_', '-' and '.'",
            id, PARTITION_MAX);
    summary s;
    summarize(&s, channels);
    print_site(prefix, &s);
    size_t at = strlen(prefix);
    for (size_t i = 0; i < size; i++)
        prefix[at++] = (char)(id[i] == '-' ? '+' : id[i] == '.' ? '#' : id[i]);
    prefix[at] = '\0';
    return ARRAKIS_OK;
}

arrakis_status ark_span_name_check(const char *prefix, arrakis_error *err)
{
    size_t site = strspn(prefix, CAPITALS);
    size_t description = prefix[site] == '-' ? strspn(prefix + site + 1, DESCRIPTION) : 0;
    size_t size = site + 1 + description;
    if (!site || !description || prefix[size] || size >= ARK_SPAN_NAME_PREFIX_SIZE)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "files cannot be named '%.120s': expected SITE-DESCRIPTION such as "
                        "H-H1_RAW, capital letters, then letters, digits, '_', '+' and '#', up "
                        "to %d characters",
                        prefix, ARK_SPAN_NAME_PREFIX_SIZE - 1);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ names of files */

void ark_span_name_print(char text[ARK_SPAN_NAME_SIZE], const char *prefix,
                         const ark_span_name *name)
{
    snprintf(text, ARK_SPAN_NAME_SIZE, "%.100s-%" PRId64 "-%" PRId64 ".%s", prefix, name->gps,
             name->length, name->extension);
}

/* A number without a sign, as ark_span_name_print() writes it, before `end`. */
static bool read_number(const char **text, char end, int64_t *number)
{
    size_t digits = strspn(*text, DIGITS);
    if (!digits || digits > 18 || (*text)[digits] != end || (**text == '0' && digits > 1))
        return false;
    *number = strtoll(*text, NULL, 10);
    *text += digits + 1;
    return true;
}

/* Whether files last that long, and there is a GPS time at which they end. */
static bool is_span(const ark_span_name *name)
{
    return name->length >= 1 && name->length <= ARK_SPAN_NAME_LENGTH_MAX &&
           name->gps <= ARRAKIS_TIME_MAX_NS / ARRAKIS_SECOND_NS - name->length;
}

/* GPS-LENGTH.EXTENSION, to the end of the text. */
static bool read_span(ark_span_name *out, const char *text)
{
    if (!read_number(&text, '-', &out->gps) || !read_number(&text, '.', &out->length) ||
        !is_span(out) || !ark_formats_has_extension(text))
        return false;
    strcpy(out->extension, text);
    return true;
}

static bool is_within(const ark_span_name *name, int64_t span)
{
    return span && name->gps / span == (name->gps + name->length - 1) / span;
}

bool ark_span_name_parse(ark_span_name *out, const char *text, const char *prefix, int64_t span)
{
    size_t size = strlen(prefix);
    if (strncmp(text, prefix, size) != 0 || text[size] != '-')
        return false;
    return read_span(out, text + size + 1) &&
           (out->gps % out->length == 0 || is_within(out, span));
}

bool ark_span_name_read(ark_span_name *out, const char *text)
{
    size_t site = strspn(text, CAPITALS);
    size_t description = text[site] == '-' ? strspn(text + site + 1, DESCRIPTION) : 0;
    size_t size = site + 1 + description;
    return site && description && text[size] == '-' && read_span(out, text + size + 1);
}
