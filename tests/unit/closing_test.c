/* SPDX-License-Identifier: Apache-2.0 */
#include "base/monitor.h"
#include "base/monotonic.h"
#include "base/thread.h"
#include "base/wait.h"
#include "read/closing.h"
#include "support.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static ark_monitor monitor;
static int released, ended;

static void wait_for_release(void *opaque)
{
    (void)opaque;
    ark_monitor_enter(&monitor);
    while (!released && ark_monitor_wait(&monitor, INT64_MAX))
        ;
    ended++;
    ark_monitor_notify(&monitor);
    ark_monitor_leave(&monitor);
}

static void release(void)
{
    ark_monitor_enter(&monitor);
    released = 1;
    ark_monitor_notify(&monitor);
    ark_monitor_leave(&monitor);
}

static void several_that_do_not_end_are_waited_for_together(void **state)
{
    (void)state;
    ark_closing closing = ARK_CLOSING_NONE, more = ARK_CLOSING_NONE;
    released = ended = 0;
    for (int i = 0; i < 3; i++)
        ark_closing_begin(i ? &more : &closing, "", wait_for_release, NULL);
    ark_closing_move(&closing, &more);
    int64_t begun_ns = ark_monotonic_ns();
    ark_closing_wait(&more); /* it has nothing any more */
    ark_closing_wait(&closing);
    int64_t took_ns = ark_monotonic_ns() - begun_ns;
    assert_true(took_ns >= ARK_CLOSING_NS && took_ns < 3 * ARK_CLOSING_NS); /* each by itself */
    assert_null(closing.first);
    release();
    ark_monitor_enter(&monitor); /* they go on by themselves */
    while (ended < 3)
        assert_true(ark_monitor_wait(&monitor, begun_ns + 60 * SECOND));
    ark_monitor_leave(&monitor);
}

/* Returns how long that takes. */
static int64_t wait_for_what_is_left(void)
{
    ark_closing closing = ARK_CLOSING_NONE;
    released = ended = 0;
    ark_closing_begin(&closing, "", wait_for_release, NULL);
    ark_closing_leave(&closing, true);
    int64_t begun_ns = ark_monotonic_ns();
    ark_closing_wait(&closing);
    int64_t took_ns = ark_monotonic_ns() - begun_ns;
    assert_true(took_ns >= ARK_CLOSING_LEFT_NS);
    release();
    ark_monitor_enter(&monitor);
    while (ended < 1)
        assert_true(ark_monitor_wait(&monitor, begun_ns + 60 * SECOND));
    ark_monitor_leave(&monitor);
    return took_ns;
}

static void what_is_left_is_waited_for_shortly(void **state)
{
    (void)state;
    int64_t took_ns = ARK_CLOSING_NS;
    for (int i = 0; i < 20 && took_ns >= ARK_CLOSING_NS; i++) /* once, on a loaded machine */
        took_ns = wait_for_what_is_left();
    assert_true(took_ns < ARK_CLOSING_NS);
}

static void what_ends_has_ended_after_the_wait(void **state)
{
    (void)state;
    ark_closing closing = ARK_CLOSING_NONE;
    ended = 0;
    released = 1;
    for (int i = 0; i < 3; i++)
        ark_closing_begin(&closing, "", wait_for_release, NULL);
    ark_closing_wait(&closing);
    assert_int_equal(ended, 3);
}

static void what_has_not_ended_is_pending(void **state)
{
    (void)state;
    ark_closing closing = ARK_CLOSING_NONE;
    released = ended = 0;
    assert_false(ark_closing_pending(&closing));
    for (int i = 0; i < 3; i++)
        ark_closing_begin(&closing, "", wait_for_release, NULL);
    assert_true(ark_closing_pending(&closing));
    release();
    while (ark_closing_pending(&closing))
        ark_wait_fd(-1, ark_wait_deadline(1));
    assert_int_equal(ended, 3);
    assert_null(closing.first);
}

static void a_wait_without_a_bound_is_for_all(void **state)
{
    (void)state;
    ark_closing closing = ARK_CLOSING_NONE;
    ended = 0;
    released = 1;
    for (int i = 0; i < 3; i++)
        ark_closing_begin(&closing, "", wait_for_release, NULL);
    ark_closing_join(&closing);
    assert_int_equal(ended, 3);
    assert_null(closing.first);
}

/* ------------------------------------------------------------------ at exit, in a child */

static int told_fd;

/* Begins to end when the process does, which must wait until it is done. */
static void tell_after_a_while(void *opaque)
{
    const struct timespec while_ = {0, 200000000};
    wait_for_release(opaque);
    nanosleep(&while_, NULL);
    assert_int_equal(write(told_fd, "x", 1), 1);
}

/* A process that leaves a closing to itself and exits. `ends`: the closing does once exit() has begun.
 * Returns how many bytes it has written by its end. */
static ssize_t exit_in_a_child(bool ends)
{
    int pipe_fds[2], status;
    char byte;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (!child) {
        ark_closing closing = ARK_CLOSING_NONE;
        close(pipe_fds[0]);
        told_fd = pipe_fds[1];
        released = 0;
        ark_closing_begin(&closing, "", ends ? tell_after_a_while : wait_for_release, NULL);
        ark_closing_wait(&closing);
        if (ends)
            atexit(release); /* the last made is the first that runs */
        exit(0);
    }
    close(pipe_fds[1]);
    ssize_t size = read(pipe_fds[0], &byte, 1);
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return size;
}

static void exit_waits_for_what_still_closes(void **state)
{
    (void)state;
    assert_int_equal(exit_in_a_child(true), 1);
}

static void exit_does_not_wait_for_ever(void **state)
{
    (void)state;
    int64_t begun_ns = ark_monotonic_ns();
    assert_int_equal(exit_in_a_child(false), 0);
    int64_t took_ns = ark_monotonic_ns() - begun_ns;
    assert_true(took_ns >= ARK_CLOSING_NS + ARK_CLOSING_EXIT_NS - SECOND / 10);
    assert_true(took_ns < 60 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_waits_for_what_still_closes), /* while there are no threads yet */
        cmocka_unit_test(exit_does_not_wait_for_ever),
        cmocka_unit_test(several_that_do_not_end_are_waited_for_together),
        cmocka_unit_test(what_is_left_is_waited_for_shortly),
        cmocka_unit_test(what_ends_has_ended_after_the_wait),
        cmocka_unit_test(what_has_not_ended_is_pending),
        cmocka_unit_test(a_wait_without_a_bound_is_for_all),
    };
    ark_monitor_init(&monitor);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
