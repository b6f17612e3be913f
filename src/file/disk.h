/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading all of some bytes. */
#ifndef ARK_FILE_DISK_H
#define ARK_FILE_DISK_H

#include <arrakis/arrakis.h>

/* Write `size` bytes at `offset`. EIO has the reason. */
arrakis_status ark_disk_write(int fd, const void *data, size_t size, uint64_t offset,
                              arrakis_error *err);
/* Read `size` bytes at `offset`. EIO has the reason; EFORMAT: the file ends before. */
arrakis_status ark_disk_read(int fd, void *data, size_t size, uint64_t offset, arrakis_error *err);

#endif
