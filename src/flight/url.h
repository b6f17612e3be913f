/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of servers. No I/O. */
#ifndef ARK_FLIGHT_URL_H
#define ARK_FLIGHT_URL_H

#include <arrakis/arrakis.h>

#define ARK_DEFAULT_PORT 31206

typedef struct ark_url {
    bool tls;
    char host[256]; /* without brackets */
    uint16_t port;
    char target[272]; /* host:port, an IPv6 address in brackets */
} ark_url;

/* Parse `[grpc://|grpc+tcp://|grpc+tls://]host[:port]`; an empty host is localhost. EINVAL names
 * the text and what is wrong with it. */
arrakis_status ark_url_parse(ark_url *out, const char *text, arrakis_error *err);
/* Whether the host is this machine. */
bool ark_url_is_loopback(const ark_url *url);
/* The complete URL, however it was written: scheme://host:port. */
#define ARK_URL_SIZE 300
void ark_url_text(char *out, size_t size, const ark_url *url);
/* Whether both have the same host; all names of loopback are the same. */
bool ark_url_same_host(const ark_url *a, const ark_url *b);

/* Whether a text can be the name of a host or, in brackets, an IPv6 address. */
bool ark_url_is_host(const char *host, bool bracketed);

#endif
