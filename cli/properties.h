/* SPDX-License-Identifier: Apache-2.0 */
/* The librdkafka properties that the user gives: those of the file that ARRAKIS_PROPERTIES names,
 * then those of -X, in this order. */
#ifndef CLI_PROPERTIES_H
#define CLI_PROPERTIES_H

#include "options.h"

/** To be freed on failure too. */
struct properties {
    arrakis_property *items;
    char **texts; /**< an item's name, and its value behind it */
    size_t count;
};

/** @return 0, or the exit code after a message. */
int properties_load(struct properties *properties, const struct options *options);
void properties_free(struct properties *properties);

#endif
