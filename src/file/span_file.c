/* SPDX-License-Identifier: Apache-2.0 */
#include "file/span_file.h"

#include "base/error.h"
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, PAUSE_MS = 1 };

/* Whether it is a file. A pipe that somebody has put there would be written to without an end. */
static bool is_file(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/* A file that is being written, locked. Between its being made and locked, another recorder of a shared
 * folder may take it for a file that a crash left behind. -1: errno tells why there is none. */
static int make_part(const ark_folder *folder, const char *part)
{
    for (int i = 0; i < TRIES; i++) {
        int fd =
            openat(folder->fd, part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
        bool file = fd >= 0 && is_file(fd);
        if (fd < 0 || (file && ark_folder_lock_part(folder, fd)))
            return fd;
        close(fd);
        errno = EEXIST;
        if (!file)
            return -1;
        ark_wait_fd(-1, ark_wait_deadline(PAUSE_MS));
    }
    errno = EBUSY;
    return -1;
}

arrakis_status ark_span_file_begin(ark_span_file *file, ark_folder *folder,
                                   const ark_span_name *name, int64_t start_ns,
                                   ark_file_writer *writer, const ark_file_format *format,
                                   arrakis_error *err)
{
    char text[ARK_SPAN_NAME_SIZE];
    ARK_TRY(ark_folder_enter(folder, err));
    ark_span_name_print(text, folder->prefix, name);
    ark_folder_part_name(folder, file->part, text);
    file->fd = make_part(folder, file->part);
    if (file->fd < 0)
        return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    ark_folder_part_begun(folder);
    return format->begin(writer, file->fd, start_ns, err);
}

arrakis_status ark_span_file_write(ark_span_file *file, int64_t end_ns, ark_file_writer *writer,
                                   const ark_file_format *format, uint64_t *size,
                                   arrakis_error *err)
{
    ARK_TRY(format->end(writer, end_ns, size, err));
    return fsync(file->fd) < 0 ? ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno)) : ARRAKIS_OK;
}

arrakis_status ark_span_file_name(ark_span_file *file, ark_folder *folder,
                                  const ark_span_name *name, uint64_t size, arrakis_error *err)
{
    int fd = file->fd;
    file->fd = -1;
    int held = dup(fd); /* the lock of a shared folder's file, until the file has its name */
    arrakis_status rc = close(fd) < 0 ? ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno))
                                      : ark_folder_add(folder, file->part, name, size, err);
    if (rc < 0)
        ark_folder_remove_part(folder, file->part);
    if (held >= 0)
        close(held);
    return rc;
}

void ark_span_file_drop(ark_span_file *file, const ark_folder *folder)
{
    if (file->fd < 0)
        return;
    close(file->fd);
    ark_folder_remove_part(folder, file->part);
    file->fd = -1;
}
