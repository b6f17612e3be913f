/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a stream, and of a recorder, on disks that fail. What it is otherwise, tests/cli/stream.test.sh looks at. */
#include "../../cli/state.c"

#include "support.h"

#include <sys/syscall.h>

static int directory_error, output_error; /* errno of synchronizing it; 0: it works */
static int errors;                        /* reported */
static char last[600];

int64_t monotonic_ns(void)
{
    return 0;
}

#undef fail /* of cmocka */
int fail(const char *format, ...)
{
    (void)format;
    return 1;
}

int fail_usage(const char *command, const char *format, ...)
{
    (void)command, (void)format;
    return 2;
}

void report_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last, sizeof last, format, arguments);
    va_end(arguments);
    errors++;
}

#pragma GCC visibility push(default)

int fsync(int fd)
{
    struct stat about;
    errno = fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) ? directory_error : 0;
    return errno ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    assert_int_equal(fd, STDOUT_FILENO);
    errno = output_error;
    return errno ? -1 : 0;
}

#pragma GCC visibility pop

static char path[] = "state_test_XXXXXX";

static int64_t saved(void)
{
    struct state state;
    int64_t position_ns;
    assert_int_equal(state_open(&state, path, &position_ns), 0);
    assert_int_equal(state_close(&state, 0), 0);
    return position_ns;
}

static void begin(struct state *state)
{
    int64_t position_ns;
    directory_error = output_error = errors = 0;
    unlink(path);
    assert_int_equal(state_open(state, path, &position_ns), 0);
    assert_true(state_save_printed(state, 1));
    assert_int_equal(saved(), 1);
}

/* Nobody prints it again once a later position is saved; that a second try works means nothing. */
static void no_position_is_saved_beyond_what_may_be_lost(void **unused)
{
    (void)unused;
    static const int whys[] = {ENOSPC, EDQUOT, EIO};
    for (size_t i = 0; i < COUNT(whys); i++) {
        struct state state;
        begin(&state);
        output_error = whys[i];
        assert_false(state_save_printed(&state, 2));
        output_error = 0;
        assert_false(state_save_printed(&state, 3));
        assert_int_equal(saved(), 1);
        assert_int_equal(errors, 1);
        assert_non_null(strstr(last, strerror(whys[i])));
        assert_int_equal(state_close(&state, 0), 1);
    }
}

static void output_that_cannot_be_synchronized_at_all_will_do(void **unused)
{
    (void)unused;
    static const int whys[] = {EINVAL, EROFS, ENOTSUP};
    for (size_t i = 0; i < COUNT(whys); i++) {
        struct state state;
        begin(&state);
        output_error = whys[i];
        assert_true(state_save_printed(&state, 2));
        assert_int_equal(saved(), 2);
        assert_int_equal(state_close(&state, 0), 0);
    }
}

/* As the directories of some network file systems. */
static void so_will_a_directory(void **unused)
{
    (void)unused;
    static const int whys[] = {EINVAL, EOPNOTSUPP, EIO};
    for (size_t i = 0; i < COUNT(whys); i++) {
        const bool refused = whys[i] != EIO;
        struct state state;
        begin(&state);
        directory_error = whys[i];
        assert_true(state_save_printed(&state, 2));
        assert_int_equal(errors, refused ? 0 : 1);
        assert_int_equal(state_close(&state, 0), refused ? 0 : 1);
    }
}

/* A recorder prints nothing. */
static void a_position_of_what_is_not_printed_needs_no_output(void **unused)
{
    (void)unused;
    struct state state;
    begin(&state);
    output_error = EIO;
    state_save(&state, 2);
    assert_int_equal(saved(), 2);
    assert_int_equal(errors, 0);
    assert_int_equal(state_close(&state, 0), 0);
}

static int make_path(void **unused)
{
    (void)unused;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **unused)
{
    (void)unused;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_position_is_saved_beyond_what_may_be_lost),
        cmocka_unit_test(output_that_cannot_be_synchronized_at_all_will_do),
        cmocka_unit_test(so_will_a_directory),
        cmocka_unit_test(a_position_of_what_is_not_printed_needs_no_output),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
