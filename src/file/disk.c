/* SPDX-License-Identifier: Apache-2.0 */
#include "file/disk.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

arrakis_status ark_disk_write(int fd, const void *data, size_t size, uint64_t offset,
                              arrakis_error *err)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ark_fail(err, ARRAKIS_EIO, "%s", strerror(n < 0 ? errno : ENOSPC));
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_disk_read(int fd, void *data, size_t size, uint64_t offset, arrakis_error *err)
{
    char *to = data;
    while (size > 0) {
        ssize_t n = pread(fd, to, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
        if (n == 0)
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "the file ends at byte %" PRIu64 ", expected %zu more bytes", offset,
                            size);
        to += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return ARRAKIS_OK;
}
