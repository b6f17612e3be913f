/* SPDX-License-Identifier: Apache-2.0 */
/* ssh://[user@]host[:port][::rhost[:rport]], taken apart. Nothing of it reaches a shell, and no
 * part can be taken for an option. */
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
    char port[6];          /* "": ssh's own choice */
    bool has_remote;
    struct place remote;
};

bool ssh_url_is(const char *text);
/** @return NULL, or what is wrong with it. */
const char *ssh_url_parse(struct ssh_url *out, const char *text);
/** [grpc://|grpc+tcp://|grpc+tls://][host][:port]; localhost and 31206 where they are not given.
 *  Port 0 is let through. @return NULL, or what is wrong with it. */
const char *place_parse(struct place *out, const char *text);

#endif
