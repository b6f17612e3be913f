/* SPDX-License-Identifier: Apache-2.0 */
/* What a scope map has. No I/O. */
#ifndef ARK_CLIENT_SCOPE_MAP_H
#define ARK_CLIENT_SCOPE_MAP_H

#include <arrakis/arrakis.h>

/* Out of a scope map's text: its servers' URLs, `own` in the place of the one that answers, or with
 * `own` NULL its domains; a sorted array, to be freed. EFORMAT, ENOMEM. */
arrakis_status ark_scope_map_list(char **json, const char *text, const char *own,
                                  arrakis_error *err);

#endif
