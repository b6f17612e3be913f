/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include "monotonic.h"
#include "report.h"

#include <arrakis/arrakis.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORM "arrakis-state 1 "
/* The longest such file, with the end of the line. */
enum { SIZE_MOST = sizeof FORM - 1 + 19 + 1 };

int state_check(const struct options *o)
{
    if (o->state && o->duration_ns != ARRAKIS_UNSET)
        return fail_usage(o->command,
                          "--state goes on from run to run, and --duration counts from "
                          "the start of each: expected --end in its place");
    return 0;
}

/* ---------------------------------------------------------------- reading */

static int refuse_file(const char *path, const char *found)
{
    return fail("'%.500s' is no state file of arrakis-cli: it %s, expected one line, "
                "'" FORM "' and a GPS time in nanoseconds",
                path, found);
}

/* The position in a text of that form; -1: it has another form. */
static int64_t parse_position(const char *text)
{
    int64_t position_ns = 0;
    const char *at = text + sizeof FORM - 1;
    if (strncmp(text, FORM, sizeof FORM - 1) != 0 || *at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (position_ns > (ARRAKIS_TIME_MAX_NS - (*at - '0')) / 10)
            return -1;
        position_ns = position_ns * 10 + (*at - '0');
    }
    return strcmp(at, "\n") == 0 ? position_ns : -1;
}

static int read_position(const char *path, int fd, int64_t *position_ns)
{
    char text[SIZE_MOST + 2], found[SIZE_MOST + 32];
    struct stat file;
    if (fstat(fd, &file) < 0 || !S_ISREG(file.st_mode))
        return refuse_file(path, "is no regular file");
    ssize_t size = read(fd, text, SIZE_MOST + 1);
    if (size < 0)
        return fail("cannot read '%.500s': %s", path, strerror(errno));
    if (size > SIZE_MOST)
        return refuse_file(path, "has too many bytes");
    text[size] = '\0';
    *position_ns = strlen(text) == (size_t)size ? parse_position(text) : -1;
    if (*position_ns >= 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    snprintf(found, sizeof found, size ? "begins with '%s'" : "is empty", text);
    return refuse_file(path, found);
}

int state_open(struct state *state, const char *path, int64_t *position_ns)
{
    *state = (struct state){.saved_ns = ARRAKIS_UNSET};
    *position_ns = ARRAKIS_UNSET;
    if (asprintf(&state->temporary, "%s.tmp", path) < 0) {
        state->temporary = NULL;
        return fail("out of memory");
    }
    state->path = path;
    /* not blocking: it may be a pipe that nobody writes to */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT)
        return fail("cannot open '%.500s': %s", path, strerror(errno));
    int code = fd >= 0 ? read_position(path, fd, position_ns) : 0;
    if (fd >= 0)
        close(fd);
    if (code == 0)
        unlink(state->temporary); /* a crash may have left it, and nothing may be saved any more */
    state->saved_ns = *position_ns;
    return code;
}

/* ---------------------------------------------------------------- writing */

static bool write_temporary(const struct state *state, int64_t position_ns)
{
    char text[SIZE_MOST + 1];
    int size = snprintf(text, sizeof text, FORM "%" PRId64 "\n", position_ns);
    /* What a crash has left, or somebody else has put there, is not written to: it may be a link, or a
     * pipe that nobody reads. */
    unlink(state->temporary);
    int fd = open(state->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    errno = EIO; /* of a write that wrote less */
    bool ok = write(fd, text, (size_t)size) == size && fsync(fd) == 0;
    int why = errno;
    if (close(fd) < 0 && ok) {
        ok = false;
        why = errno;
    }
    errno = why;
    return ok;
}

/* A file that has another name is there after a power failure once its directory is. Some file
 * systems have no way to do that and refuse it, as they would each time. */
static bool sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == EOPNOTSUPP);
    int why = copy ? errno : ENOMEM;
    if (fd >= 0)
        close(fd);
    free(copy);
    errno = why;
    return ok;
}

/* Where it is no file, or one that cannot be written, there is nothing to do. */
static bool sync_output(void)
{
    return fdatasync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == EROFS ||
           errno == EOPNOTSUPP;
}

static bool is_another(const struct state *state, int64_t position_ns)
{
    return state->path && position_ns != ARRAKIS_UNSET && position_ns != state->saved_ns;
}

bool state_is_due(const struct state *state, int64_t position_ns)
{
    return is_another(state, position_ns) && monotonic_ns() >= state->next_ns;
}

void state_save(struct state *state, int64_t position_ns)
{
    if (!is_another(state, position_ns))
        return;
    state->next_ns = monotonic_ns() + ARRAKIS_SECOND_NS;
    bool ok = write_temporary(state, position_ns) && rename(state->temporary, state->path) == 0 &&
              sync_directory(state->path);
    if (ok)
        state->saved_ns = position_ns;
    else if (!state->failing)
        report_error("cannot save the state in '%.500s': %s", state->path, strerror(errno));
    state->failing = !ok;
}

bool state_save_printed(struct state *state, int64_t position_ns)
{
    if (state->lost || !is_another(state, position_ns))
        return !state->lost;
    if (!sync_output()) {
        report_error("what was printed since the state in '%.500s' was saved may be lost: %s",
                     state->path, strerror(errno));
        state->failing = state->lost = true;
        return false;
    }
    state_save(state, position_ns);
    return true;
}

int state_close(struct state *state, int code)
{
    free(state->temporary);
    state->temporary = NULL;
    state->path = NULL;
    return code == 0 && state->failing ? EXIT_FAILURE : code;
}
