/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files in memory. */
#ifndef ARK_TEST_GWF_SUPPORT_H
#define ARK_TEST_GWF_SUPPORT_H

#include "gwf/reader.h"
#include "gwf/writer.h"
#include "support.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define START (INT64_C(1400000000) * SECOND)
#define SAMPLES_MAX ((size_t)1 << 26)

static inline int memory_file(void)
{
    int fd = memfd_create("gwf", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline size_t file_size(int fd)
{
    struct stat what;
    assert_int_equal(fstat(fd, &what), 0);
    return (size_t)what.st_size;
}

static inline uint8_t *file_bytes(int fd, size_t *size)
{
    *size = file_size(fd);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, *size, 0), (ssize_t)*size);
    return bytes;
}

#endif
