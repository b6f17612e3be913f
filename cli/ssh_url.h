/* SPDX-License-Identifier: Apache-2.0 */
/* Parses ssh://[user@]host[:port][::rhost[:rport]]. No part of it reaches a shell, and ssh cannot
 * take any part for an option. */
#ifndef CLI_SSH_URL_H
#define CLI_SSH_URL_H

#include <stdbool.h>

/** A host and a port; an IPv6 address has its brackets. */
struct place {
    bool tls;
    char host[256], port[6];
};

struct ssh_url {
    char destination[512]; /* [user@]host */
    char port[6];          /* "": ssh chooses */
    bool has_remote;
    struct place remote;
};

bool ssh_url_is(const char *text);
/** @return NULL, or what is wrong with it. */
const char *ssh_url_parse(struct ssh_url *out, const char *text);
/** [grpc://|grpc+tcp://|grpc+tls://][host][:port]; localhost and 31206 by default. Port 0 is
 *  accepted. @return NULL, or what is wrong with it. */
const char *place_parse(struct place *out, const char *text);

#endif
