/* SPDX-License-Identifier: Apache-2.0 */
/* record --group: a member of a group, and a recorder per partition that it has. */
#ifndef CLI_RECORD_GROUP_H
#define CLI_RECORD_GROUP_H

#include "options.h"

/** Whether the options go together with --group. @return 0, or the exit code after a message */
int record_group_check(const struct options *options);
/** Record until an interrupt or an error. @return the exit code */
int record_group(arrakis_channels *channels, const char *format, const struct options *options);
/** --keep-bytes; what is more than a file system holds keeps all files. */
int64_t record_group_bytes_kept(const struct options *options);

#endif
