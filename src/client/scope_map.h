/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a scope map: which servers serve which domains. No I/O. */
#ifndef ARK_CLIENT_SCOPE_MAP_H
#define ARK_CLIENT_SCOPE_MAP_H

#include <arrakis/arrakis.h>

/* The URLs of the servers in the text of a scope map, with `own` for the server that answers; or,
 * with `own` NULL, the domains. A sorted JSON array, as text; free() it. EFORMAT, ENOMEM. */
arrakis_status ark_scope_map_list(char **json, const char *text, const char *own,
                                  arrakis_error *err);

#endif
