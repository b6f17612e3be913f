/* SPDX-License-Identifier: Apache-2.0 */
#include "file/folder.h"

#include "base/error.h"
#include "base/log.h"

#include <arrakis/reader.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

arrakis_status ark_folder_init(ark_folder *f, const char *path, const char *prefix,
                               arrakis_error *err)
{
    *f = (ark_folder)ARK_FOLDER_INIT;
    snprintf(f->prefix, sizeof f->prefix, "%s", prefix);
    f->path = strdup(path);
    return f->path ? ARRAKIS_OK : ark_no_memory(err, "the directory '%.200s'", path);
}

arrakis_status ark_folder_init_shared(ark_folder *f, const char *directory, const char *prefix,
                                      arrakis_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, prefix) < 0)
        return ark_no_memory(err, "the directory '%.200s'", directory);
    arrakis_status rc = ark_folder_init(f, path, prefix, err);
    free(path);
    return rc < 0 ? rc : arrakis_random_alphanum(f->token, ARK_FOLDER_TOKEN_SIZE - 1, err);
}

static bool is_shared(const ark_folder *f)
{
    return f->token[0] != '\0';
}

static void leave_directory(ark_folder *f)
{
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    if (f->fd >= 0)
        close(f->fd);
    f->fd = f->lock_fd = -1;
    ark_file_list_clear(&f->files);
}

void ark_folder_clear(ark_folder *f)
{
    leave_directory(f);
    free(f->path);
}

/* ------------------------------------------------------------------ files of former runs */

/* Whether files are removed because there are too many; if so, all of them are known. */
static bool is_limited(const ark_folder *f)
{
    return f->max_files != ARRAKIS_UNSET || f->max_bytes != ARRAKIS_UNSET;
}

/* What need not be known: how far recording has got is told by the files too, where a folder is not
 * shared. */
static bool is_listed(const ark_folder *f)
{
    return is_limited(f) || !is_shared(f);
}

void ark_folder_part_name(const ark_folder *f, char text[ARK_SPAN_NAME_SIZE], const char *name)
{
    snprintf(text, ARK_SPAN_NAME_SIZE, ".%.140s%s%s.part", name, is_shared(f) ? "." : "",
             f->token);
}

/* Whether a recorder of this prefix writes a file under that name. */
static bool is_part(const ark_folder *f, const char *text)
{
    char name[ARK_SPAN_NAME_SIZE];
    ark_span_name span;
    size_t size = strlen(text);
    if (size < 6 || size >= sizeof name || text[0] != '.' || strcmp(text + size - 5, ".part") != 0)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)size - 6, text + 1);
    char *token = strrchr(name, '.');
    if (is_shared(f) && token)
        *token = '\0';
    return ark_span_name_parse(&span, name, f->prefix, INT64_MAX);
}

/* Where a folder is shared, the process that writes a file has it locked. */
bool ark_folder_lock_part(const ark_folder *f, int fd)
{
    struct stat about;
    if (!is_shared(f))
        return true;
    if (flock(fd, LOCK_EX | LOCK_NB) <
        0) /* where files cannot be locked, nobody removes one either */
        return errno != EWOULDBLOCK;
    return fstat(fd, &about) < 0 || about.st_nlink > 0;
}

/* Remove a file that nobody writes any more. The lock is held until it is gone. */
static void remove_left_over(const ark_folder *f, const char *name)
{
    int fd = is_shared(f) ? openat(f->fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if ((!is_shared(f) || (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)) &&
        unlinkat(f->fd, name, 0) == 0)
        ark_log(ARRAKIS_LOG_INFO, "%s: what was left of %s is removed", f->path, name);
    if (fd >= 0)
        close(fd);
}

/* Whether an entry is a file, and how large, if that matters. Not all file systems tell its type
 * with its name. */
static bool is_file(const ark_folder *f, const struct dirent *entry, uint64_t *size)
{
    struct stat about;
    *size = 0;
    if (f->max_bytes == ARRAKIS_UNSET && entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_REG;
    if (fstatat(f->fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(about.st_mode))
        return false;
    *size = (uint64_t)about.st_size;
    return true;
}

/* Whether a recorder has given that name. What recording ended in, and what has some of its time,
 * may be of files that were longer than they are now. */
static bool is_recorded(const ark_folder *f, ark_span_name *name, const char *text)
{
    return ark_span_name_parse(name, text, f->prefix, f->span) ||
           (ark_span_name_parse(name, text, f->prefix, INT64_MAX) &&
            ark_noted_time_meets(&f->noted, name));
}

static arrakis_status meet_entry(ark_folder *f, const struct dirent *entry, bool locked,
                                 arrakis_error *err)
{
    ark_span_name name;
    uint64_t size;
    if (is_part(f, entry->d_name)) {
        if (locked)
            remove_left_over(f, entry->d_name);
        return ARRAKIS_OK;
    }
    if (!is_listed(f) || !ark_span_name_parse(&name, entry->d_name, f->prefix, INT64_MAX) ||
        !is_file(f, entry, &size))
        return ARRAKIS_OK;
    f->named++;
    return is_recorded(f, &name, entry->d_name) ? ark_file_list_append(&f->files, &name, size, err)
                                                : ARRAKIS_OK;
}

static arrakis_status fail_here(const ark_folder *f, const char *what, arrakis_error *err)
{
    int error = errno;
    return ark_fail(err, ARRAKIS_EIO, "%s%s: %s", f->path, what, strerror(error));
}

/* `locked`: what a crash left behind is removed, too. */
static arrakis_status find_files(ark_folder *f, bool locked, arrakis_error *err)
{
    ark_file_list_clear(&f->files);
    f->named = 0;
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        arrakis_status rc = fail_here(f, " cannot be read", err);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    arrakis_status rc = ARRAKIS_OK;
    const struct dirent *entry;
    while (rc >= 0 && (errno = 0, entry = readdir(entries)))
        rc = meet_entry(f, entry, locked, err);
    if (rc >= 0 && errno)
        rc = fail_here(f, " cannot be read", err);
    closedir(entries);
    ark_file_list_sort(&f->files);
    return rc;
}

/* ------------------------------------------------------------------ how far recording has got */

/* Have the names of a directory on the disk. Some file systems have no way to do that and refuse
 * it, as they would each time. Returns errno, or 0. */
static int synchronize(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == EOPNOTSUPP ? 0 : errno;
}

/* A file of the prefix that no user looks at: "lock", "next", "next.new" or "others". */
static void hidden_name(char text[ARK_SPAN_NAME_SIZE], const ark_folder *f, const char *what)
{
    snprintf(text, ARK_SPAN_NAME_SIZE, ".%s.%s", f->prefix, what);
}

static bool is_within(const ark_folder *f, int64_t time_ns)
{
    return f->span && time_ns % (f->span * ARRAKIS_SECOND_NS) != 0;
}

static void read_next(ark_folder *f)
{
    char name[ARK_SPAN_NAME_SIZE];
    hidden_name(name, f, "next");
    f->noted = ark_noted_time_read(f->fd, name, f->path);
    strcpy(f->noted_in, name);
}

/* Without a noted time the latest file has it. */
static void find_next(ark_folder *f)
{
    if (f->noted.time_ns != ARRAKIS_UNSET || !f->files.count)
        return;
    const ark_span_name *last = &f->files.items[f->files.count - 1].name;
    ark_span_name_print(f->noted_in, f->prefix, last);
    f->noted.time_ns = (last->gps + last->length) * ARRAKIS_SECOND_NS;
    if (f->others) /* its span is recorded as a whole */
        f->noted.time_ns -= f->noted.time_ns % (f->span * ARRAKIS_SECOND_NS);
    f->noted.within = is_within(f, f->noted.time_ns);
}

static arrakis_status write_next(const ark_folder *f, const ark_noted_time *noted,
                                 arrakis_error *err)
{
    char name[ARK_SPAN_NAME_SIZE], part[ARK_SPAN_NAME_SIZE];
    hidden_name(name, f, "next");
    hidden_name(part, f, "next.new");
    if (!ark_noted_time_write(f->fd, name, part, f->prefix, noted))
        return fail_here(f, ": the time is not noted", err);
    return ARRAKIS_OK;
}

arrakis_status ark_folder_note_next(ark_folder *f, int64_t next_ns, arrakis_error *err)
{
    ark_noted_time noted = f->noted;
    noted.time_ns = next_ns;
    noted.within = is_within(f, next_ns);
    ARK_TRY(write_next(f, &noted, err));
    f->noted = noted;
    return ARRAKIS_OK;
}

arrakis_status ark_folder_note_first(ark_folder *f, int64_t next_ns, arrakis_error *err)
{
    ARK_TRY(ark_folder_note_next(f, next_ns, err));
    return (errno = synchronize(f->fd)) ? fail_here(f, ": the time is not noted", err)
                                        : ARRAKIS_OK;
}

arrakis_status ark_folder_note_again(ark_folder *f, int64_t next_ns, arrakis_error *err)
{
    return f->noted.time_ns == ARRAKIS_UNSET ? ark_folder_note_next(f, next_ns, err)
                                             : write_next(f, &f->noted, err);
}

arrakis_status ark_folder_note_end(ark_folder *f, const ark_span_name *name, uint64_t part,
                                   int64_t next_ns, arrakis_error *err)
{
    ark_noted_time_add(&f->noted, name, part);
    return ark_folder_note_again(f, next_ns, err);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* The longest file from a second on that was written after a moment and that recording did not end
 * in; NULL: there is none. */
static const ark_span_name *written_since(const ark_folder *f, int64_t gps,
                                          const struct timespec *since)
{
    char text[ARK_SPAN_NAME_SIZE];
    struct stat about;
    const ark_span_name *found = NULL;
    for (size_t i = ark_file_list_from(&f->files, gps);
         i < f->files.count && f->files.items[i].name.gps == gps; i++) {
        const ark_span_name *name = &f->files.items[i].name;
        ark_span_name_print(text, f->prefix, name);
        if (!ark_noted_time_ended(&f->noted, name) &&
            fstatat(f->fd, text, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            is_later(&about.st_mtim, since))
            found = name;
    }
    return found;
}

/* What was noted may be of a time before the last files: a recorder ends between a file's getting its
 * name and the time's being noted, or a power failure loses the latter. A note that a user makes to
 * have a span recorded again is later than its file. */
static void pass_written(ark_folder *f)
{
    char text[ARK_SPAN_NAME_SIZE];
    struct stat note;
    const ark_span_name *name;
    hidden_name(text, f, "next");
    if (f->others || f->noted.time_ns == ARRAKIS_UNSET ||
        fstatat(f->fd, text, &note, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    int64_t gps = f->noted.time_ns / ARRAKIS_SECOND_NS;
    while (f->noted.time_ns == gps * ARRAKIS_SECOND_NS &&
           (name = written_since(f, gps, &note.st_mtim)) && synchronize(f->fd) == 0) {
        gps += name->length;
        f->noted.time_ns = gps * ARRAKIS_SECOND_NS;
        f->noted.within = is_within(f, f->noted.time_ns);
    }
}

/* ------------------------------------------------------------------ being in the directory */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the lock is still where others look for it: otherwise they may write here, too. */
static bool has_lock(const ark_folder *f)
{
    char name[ARK_SPAN_NAME_SIZE];
    struct stat held, here;
    if (is_shared(f))
        return f->fd >= 0;
    hidden_name(name, f, "lock");
    return f->lock_fd >= 0 && fstat(f->lock_fd, &held) == 0 &&
           fstatat(f->fd, name, &here, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&held, &here);
}

/* Whether the directory has not been replaced, or emptied. */
static bool is_inside(const ark_folder *f)
{
    struct stat directory, entered;
    return has_lock(f) && fstat(f->fd, &entered) == 0 && stat(f->path, &directory) == 0 &&
           same_file(&directory, &entered);
}

static arrakis_status take_lock(ark_folder *f, arrakis_error *err)
{
    char name[ARK_SPAN_NAME_SIZE];
    hidden_name(name, f, "lock");
    f->lock_fd = openat(f->fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (f->lock_fd < 0)
        return fail_here(f, " cannot be written to", err);
    if (flock(f->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return ARRAKIS_OK;
    if (errno == EWOULDBLOCK)
        return ark_fail(err, ARRAKIS_EIO,
                        "%s: another recorder writes files %s there: give one of them another "
                        "name or directory",
                        f->path, f->prefix);
    return fail_here(f, ": its lock cannot be taken", err);
}

/* The directory of a partition, if it is missing, within one that exists. */
static arrakis_status make_directory(const ark_folder *f, arrakis_error *err)
{
    const bool made = mkdir(f->path, 0777) == 0;
    if (!made && errno != EEXIST)
        return fail_here(f, " cannot be made", err);
    char *above;
    if (asprintf(&above, "%s/..", f->path) < 0)
        return ark_no_memory(err, "the directory '%.200s'", f->path);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(above);
    if (fd < 0 && errno == EACCES && !made) {
        ark_log(ARRAKIS_LOG_WARNING,
                "%s exists; whether a power failure may lose it is not known, as the directory "
                "around it cannot be read",
                f->path);
        return ARRAKIS_OK;
    }
    arrakis_status rc = ARRAKIS_OK;
    if (fd < 0 ||
        (errno = synchronize(fd))) /* also when it exists: the last try may have failed here */
        rc = fail_here(f, ": the directory around it cannot be synchronized", err);
    if (fd >= 0)
        close(fd);
    return rc;
}

static bool has_hidden(const ark_folder *f, const char *what)
{
    char name[ARK_SPAN_NAME_SIZE];
    struct stat about;
    hidden_name(name, f, what);
    return fstatat(f->fd, name, &about, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* Files that were there before any recorder of the name are nobody's to remove. */
static arrakis_status refuse_others(const ark_folder *f, arrakis_error *err)
{
    char lock[ARK_SPAN_NAME_SIZE], others[ARK_SPAN_NAME_SIZE];
    hidden_name(lock, f, "lock");
    hidden_name(others, f, "others");
    const bool noted = has_hidden(f, "others");
    return ark_fail(err, ARRAKIS_EINVAL,
                    "%s has %zu files %s-GPS-LENGTH and %s %s: files were there before any "
                    "recorder of that name, and files of others are not removed because there are "
                    "too many; give another name or directory, or %s %s if they are a recorder's",
                    f->path, f->named, f->prefix, noted ? "the file" : "no", noted ? others : lock,
                    noted ? "remove" : "make the empty file", noted ? others : lock);
}

/* Before there is a lock, which the recorders after this one go by, however this one ends: whether
 * there are files is on the disk. */
static arrakis_status note_others(ark_folder *f, arrakis_error *err)
{
    char name[ARK_SPAN_NAME_SIZE];
    ARK_TRY(find_files(f, false, err));
    if (!f->named || has_hidden(f, "lock")) /* those of a recorder that has just begun */
        return ARRAKIS_OK;
    if (is_limited(f))
        return refuse_others(f, err);
    hidden_name(name, f, "others");
    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
        close(fd);
    if ((fd < 0 && errno != EEXIST) || (errno = synchronize(f->fd)))
        return fail_here(f, " cannot be written to", err);
    return ARRAKIS_OK;
}

/* Once none of them is there, all that comes is a recorder's. */
static arrakis_status meet_others(ark_folder *f, arrakis_error *err)
{
    char name[ARK_SPAN_NAME_SIZE];
    f->others = has_hidden(f, "others");
    if (f->others && f->named)
        return is_limited(f) ? refuse_others(f, err) : ARRAKIS_OK;
    hidden_name(name, f, "others");
    if (f->others && unlinkat(f->fd, name, 0) < 0)
        return fail_here(f, " cannot be written to", err);
    f->others = false;
    return ARRAKIS_OK;
}

static arrakis_status enter_directory(ark_folder *f, arrakis_error *err)
{
    char noting[ARK_SPAN_NAME_SIZE];
    if (is_shared(f))
        ARK_TRY(make_directory(f, err));
    f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd < 0)
        return fail_here(f, "", err);
    if (is_shared(f))
        return find_files(f, true, err);
    if (!has_hidden(f, "lock"))
        ARK_TRY(note_others(f, err));
    ARK_TRY(take_lock(f, err));
    hidden_name(noting, f, "next.new");
    remove_left_over(f, noting);
    read_next(f);
    ARK_TRY(find_files(f, true, err));
    ARK_TRY(meet_others(f, err));
    pass_written(f);
    find_next(f);
    return ARRAKIS_OK;
}

arrakis_status ark_folder_enter(ark_folder *f, arrakis_error *err)
{
    if (is_inside(f))
        return ARRAKIS_OK;
    leave_directory(f);
    arrakis_status rc = enter_directory(f, err);
    if (rc < 0)
        leave_directory(f);
    return rc;
}

/* ------------------------------------------------------------------ files that are whole */

/* Whether two files of a directory have the same bytes; false also where one cannot be read. */
static bool same_bytes(const ark_folder *f, const char *a, const char *b)
{
    enum { PIECE = 1 << 16 };
    int x = openat(f->fd, a, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int y = openat(f->fd, b, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *pieces = malloc(2 * (size_t)PIECE);
    bool same = x >= 0 && y >= 0 && pieces;
    for (off_t at = 0; same; at += PIECE) {
        ssize_t n = pread(x, pieces, PIECE, at);
        same = n >= 0 && pread(y, pieces + PIECE, PIECE, at) == n &&
               !memcmp(pieces, pieces + PIECE, (size_t)n);
        if (n < PIECE)
            break;
    }
    free(pieces);
    if (x >= 0)
        close(x);
    if (y >= 0)
        close(y);
    return same;
}

/* Give a file its name, unless another process has written one of that name: that one stays. What
 * has the name and is no file has nothing recorded. */
static arrakis_status link_file(const ark_folder *f, const char *part, const char *text,
                                arrakis_error *err)
{
    struct stat about;
    bool linked = linkat(f->fd, part, f->fd, text, 0) == 0;
    if (!linked && errno != EEXIST)
        return fail_here(f, ": a file cannot be given its name", err);
    if (!linked && fstatat(f->fd, text, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_here(f, ": a file of the name that was there is gone", err);
    if (!linked && !S_ISREG(about.st_mode))
        return ark_fail(err, ARRAKIS_EIO, "%s/%s exists and is not a file", f->path, text);
    if (!linked && !same_bytes(f, part, text))
        ark_log(ARRAKIS_LOG_WARNING,
                "%s/%s exists and has other bytes than what was recorded now: it stays", f->path,
                text);
    unlinkat(f->fd, part, 0);
    return ARRAKIS_OK;
}

static struct timespec changed_at(const ark_folder *f)
{
    struct stat about;
    return fstat(f->fd, &about) == 0 ? about.st_mtim : (struct timespec){0};
}

void ark_folder_part_begun(ark_folder *f)
{
    if (is_shared(f) && is_listed(f))
        f->changed = changed_at(f);
}

/* A process that was stopped for long finds what others have written, and removed, meanwhile. */
static arrakis_status see_what_others_did(ark_folder *f, arrakis_error *err)
{
    struct timespec now = changed_at(f);
    if (!is_shared(f) || !is_listed(f) ||
        (now.tv_sec == f->changed.tv_sec && now.tv_nsec == f->changed.tv_nsec))
        return ARRAKIS_OK;
    arrakis_status rc = find_files(f, true, err);
    if (rc < 0) /* what is not in the list would never be removed: the next file finds all anew */
        leave_directory(f);
    return rc;
}

arrakis_status ark_folder_add(ark_folder *f, const char *part, const ark_span_name *name,
                              uint64_t size, arrakis_error *err)
{
    char text[ARK_SPAN_NAME_SIZE];
    ark_span_name_print(text, f->prefix, name);
    if (!has_lock(f)) /* another recorder may have begun a file of that name */
        return ark_fail(err, ARRAKIS_EIO, "%s: the lock .%s.lock has been removed", f->path,
                        f->prefix);
    ARK_TRY(see_what_others_did(f, err));
    if (is_listed(f)) /* nothing may fail once the file has its name */
        ARK_TRY(ark_file_list_reserve(&f->files, err));
    if (is_shared(f))
        ARK_TRY(link_file(f, part, text, err));
    else if (renameat(f->fd, part, f->fd, text) < 0)
        return fail_here(f, ": a file cannot be renamed", err);
    if (is_listed(f))
        ark_file_list_put(&f->files, name, size);
    f->unsynchronized = synchronize(f->fd);
    if (f->unsynchronized)
        ark_log(ARRAKIS_LOG_WARNING,
                "%s/%s is whole, but a power failure may lose it: the directory cannot be "
                "synchronized: %s",
                f->path, text, strerror(f->unsynchronized));
    return ARRAKIS_OK;
}

void ark_folder_remove_part(const ark_folder *f, const char *part)
{
    if (has_lock(f))
        unlinkat(f->fd, part, 0);
}

/* What has become another kind of entry since it was listed is not a recorder's. */
static bool remove_file(const ark_folder *f, const ark_span_name *name)
{
    char text[ARK_SPAN_NAME_SIZE];
    struct stat about;
    ark_span_name_print(text, f->prefix, name);
    bool found = fstatat(f->fd, text, &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (found && !S_ISREG(about.st_mode)) {
        ark_log(ARRAKIS_LOG_WARNING, "%s/%s is not a file any more: it stays", f->path, text);
        return false;
    }
    if (found && unlinkat(f->fd, text, 0) == 0)
        return true;
    if (errno != ENOENT)
        ark_log(ARRAKIS_LOG_WARNING, "%s/%s cannot be removed and is not counted any more: %s",
                f->path, text, strerror(errno));
    return false;
}

static bool is_too_much(const ark_folder *f)
{
    return (f->max_files != ARRAKIS_UNSET && f->files.count > (uint64_t)f->max_files) ||
           (f->max_bytes != ARRAKIS_UNSET && f->files.bytes > (uint64_t)f->max_bytes);
}

size_t ark_folder_thin(ark_folder *f, const ark_span_name *kept)
{
    size_t removed = 0;
    while (f->files.count && is_too_much(f) &&
           (is_shared(f) || !ark_file_list_same(&f->files.items[0].name, kept))) {
        removed += remove_file(f, &f->files.items[0].name);
        ark_file_list_drop(&f->files, 0);
    }
    return removed;
}

/* ------------------------------------------------------------------ files of one span */

/* The begin of the span that a second is in. */
static int64_t span_of(const ark_folder *f, int64_t gps)
{
    return gps / f->span * f->span;
}

bool ark_folder_is_there(const ark_folder *f, const ark_span_name *name)
{
    return ark_file_list_find(&f->files, name) != NULL;
}

uint64_t ark_folder_part(const ark_folder *f, const ark_span_name *name)
{
    char text[ARK_SPAN_NAME_SIZE];
    struct stat about;
    const ark_ended_file *ended = ark_noted_time_ended(&f->noted, name);
    ark_span_name_print(text, f->prefix, name);
    return ended && ark_folder_is_there(f, name) &&
                   fstatat(f->fd, text, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode)
               ? ended->part
               : 0;
}

bool ark_folder_has(const ark_folder *f, const ark_span_name *name)
{
    return ark_folder_is_there(f, name) && !ark_noted_time_ended(&f->noted, name);
}

/* The end of the longest file from `gps` on that ends at `to` or before; `gps`: there is none. */
static int64_t end_of_longest(const ark_folder *f, const char *extension, int64_t gps, int64_t to)
{
    int64_t end = gps;
    for (size_t i = ark_file_list_from(&f->files, gps); i < f->files.count; i++) {
        const ark_span_name *name = &f->files.items[i].name;
        if (name->gps > gps || name->length > to - gps)
            break;
        if (strcmp(name->extension, extension) == 0 && !ark_noted_time_ended(&f->noted, name))
            end = gps + name->length;
    }
    return end;
}

int64_t ark_folder_reach(const ark_folder *f, const char *extension, int64_t gps)
{
    if (!f->span || f->others)
        return gps;
    const int64_t to = span_of(f, gps) + f->span - 1;
    for (int64_t end; (end = end_of_longest(f, extension, gps, to)) > gps;)
        gps = end;
    return gps;
}

/* Whether a file is one that may be removed once others have its time. */
static bool is_replaceable(const ark_folder *f, const ark_listed_file *file)
{
    return !f->others && !file->ours &&
           (file->name.gps >= f->kept_gps || ark_noted_time_ended(&f->noted, &file->name));
}

/* Whether others have all the time of a file, where recording has got to a GPS second. */
static bool is_replaced(const ark_folder *f, const ark_listed_file *file, int64_t gps)
{
    if (!is_replaceable(f, file))
        return false;
    if (ark_noted_time_ended(&f->noted, &file->name))
        return file->name.gps + file->name.length <= gps &&
               ark_file_list_covers(&f->files, &file->name, false);
    return ark_file_list_covers(&f->files, &file->name, true);
}

/* Remove what is replaced. What recording ended in and has now passed is a file as any other, if
 * it is there still. */
static void sweep(ark_folder *f, int64_t gps)
{
    size_t i = ark_file_list_after(&f->files, f->unswept_gps);
    while (i < f->files.count && f->files.items[i].name.gps < gps) {
        const ark_span_name old = f->files.items[i].name;
        if (!is_replaced(f, &f->files.items[i], gps)) {
            i++;
            continue;
        }
        if (remove_file(f, &old))
            ark_log(ARRAKIS_LOG_INFO,
                    "%s: %s-%" PRId64 "-%" PRId64 ".%s is removed: its span was written again",
                    f->path, f->prefix, old.gps, old.length, old.extension);
        ark_file_list_drop(&f->files, i);
    }
    ark_noted_time_forget(&f->noted, gps);
    f->unswept_gps = INT64_MAX;
}

static void sweep_from(ark_folder *f, int64_t gps)
{
    if (gps < f->unswept_gps)
        f->unswept_gps = gps;
}

void ark_folder_resume(ark_folder *f, int64_t gps)
{
    for (size_t i = 0; i < f->noted.count; i++)
        sweep_from(f, f->noted.ended[i].name.gps);
    /* that they have their names may not be on the disk */
    if (f->noted.count && !f->others && synchronize(f->fd) == 0)
        sweep(f, gps);
}

void ark_folder_remove_replaced(ark_folder *f, const ark_span_name *name)
{
    ark_listed_file *file = f->span ? ark_file_list_find(&f->files, name) : NULL;
    if (!file)
        return;
    file->ours = true;
    sweep_from(f, name->gps);
    if (!f->unsynchronized)
        sweep(f, name->gps + name->length);
}

bool ark_folder_is_cut(const ark_folder *f, const char *extension, int64_t gps, int64_t end)
{
    for (size_t i = ark_file_list_after(&f->files, gps); i < f->files.count; i++) {
        const ark_span_name *name = &f->files.items[i].name;
        const int64_t name_end = name->gps + name->length;
        if (name->gps >= end)
            break;
        if (name_end > gps && (name->gps < gps || name_end > end) &&
            strcmp(name->extension, extension) == 0 && is_replaceable(f, &f->files.items[i]))
            return true;
    }
    return false;
}
