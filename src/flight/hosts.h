/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of hosts. No I/O. */
#ifndef ARK_FLIGHT_HOSTS_H
#define ARK_FLIGHT_HOSTS_H

#include <arrakis/arrakis.h>

/* Hosts' names and addresses (IPv6 without brackets) as one text, separated by commas, to be freed; NULL
 * where there are none. EINVAL names an entry that is not a host; ENOMEM. */
arrakis_status ark_hosts_join(char **out, const char *const *hosts, size_t count,
                              arrakis_error *err);
/* Whether such a list contains that host. */
bool ark_hosts_have(const char *hosts, const char *host);

#endif
