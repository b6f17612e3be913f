/* SPDX-License-Identifier: Apache-2.0 */
#include "file/disk.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
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

uint64_t ark_disk_held(int fd, uint64_t size)
{
    struct stat about;
    uint64_t held = 0;
    if (fstat(fd, &about) == 0 && (uint64_t)about.st_blocks * 512 >= size)
        return size;
    for (off_t at = 0; (uint64_t)at < size;) {
        off_t begin = lseek(fd, at, SEEK_DATA);
        if (begin < 0 && errno == ENXIO)
            break;
        off_t end = begin < 0 ? begin : lseek(fd, begin, SEEK_HOLE);
        if (end <= begin)
            return size;
        if ((uint64_t)begin < size)
            held += ((uint64_t)end < size ? (uint64_t)end : size) - (uint64_t)begin;
        at = end;
    }
    return held;
}
