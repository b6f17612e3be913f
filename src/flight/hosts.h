/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of hosts. No I/O. */
#ifndef ARK_FLIGHT_HOSTS_H
#define ARK_FLIGHT_HOSTS_H

#include <arrakis/arrakis.h>

/* Join names and addresses of hosts (IPv6 without brackets) to one text, separated by commas;
 * free() it. NULL: there are none. EINVAL names an entry that is not a host; ENOMEM. */
arrakis_status ark_hosts_join(char **out, const char *const *hosts, size_t count,
                              arrakis_error *err);
/* Whether such a text contains a host. */
bool ark_hosts_have(const char *hosts, const char *host);

#endif
