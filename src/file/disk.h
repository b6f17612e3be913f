/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading all of some bytes, and how many there are. */
#ifndef ARK_FILE_DISK_H
#define ARK_FILE_DISK_H

#include <arrakis/arrakis.h>

/* Write `size` bytes at `offset`. EIO has the reason. */
arrakis_status ark_disk_write(int fd, const void *data, size_t size, uint64_t offset,
                              arrakis_error *err);
/* Read `size` bytes at `offset`. EIO has the reason; EFORMAT: the file ends before. */
arrakis_status ark_disk_read(int fd, void *data, size_t size, uint64_t offset, arrakis_error *err);
/* How many of a file's first `size` bytes are not in holes; all of them where the file system does not
 * tell. */
uint64_t ark_disk_held(int fd, uint64_t size);

#endif
