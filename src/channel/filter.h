/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a search for channels. */
#ifndef ARK_CHANNEL_FILTER_H
#define ARK_CHANNEL_FILTER_H

#include <arrakis/arrakis.h>

/* A compiled arrakis_query. */
typedef struct ark_filter ark_filter;
arrakis_status ark_filter_new(ark_filter **out, const arrakis_query *query, arrakis_error *err);
bool ark_filter_matches(ark_filter *filter, const arrakis_channel_info *info);
/* EINVAL: matching a name took too many steps; ENOMEM: there was no memory to match it. After
 * either no channel matches. */
arrakis_status ark_filter_status(const ark_filter *filter, arrakis_error *err);
void ark_filter_free(ark_filter *filter);

#endif
