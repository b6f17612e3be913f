/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"
#include "base/event.h"
#include "base/wait.h"
#include "base/waiter.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static bool readable(int fd)
{
    return ark_wait_fd(fd, 0);
}

static void a_deadline_is_waited_for_and_not_much_longer(void **state)
{
    (void)state;
    int fd = ark_event_open();
    int64_t begin_ns = monotonic_ns();
    assert_false(ark_wait_fd(fd, ark_wait_deadline(30)));
    int64_t took_ns = monotonic_ns() - begin_ns;
    assert_in_range(took_ns, 30 * MS, 60 * SECOND);
    begin_ns = monotonic_ns();
    assert_false(ark_wait_fd(-1, ark_wait_deadline(20)));
    assert_in_range(monotonic_ns() - begin_ns, 20 * MS, 60 * SECOND);
    assert_false(ark_wait_fd(fd, ark_wait_deadline(0)));
    assert_int_equal(ark_wait_deadline(-1), INT64_MAX);
    close(fd);
}

static void an_event_stays_until_it_is_cleared(void **state)
{
    (void)state;
    int fd = ark_event_open();
    assert_false(readable(fd));
    ark_event_set(fd);
    ark_event_set(fd);
    assert_true(readable(fd));
    assert_true(ark_wait_fd(fd, INT64_MAX));
    ark_event_clear(fd);
    assert_false(readable(fd));
    ark_event_clear(fd);
    close(fd);
}

static volatile sig_atomic_t interruptions;

static void on_alarm(int number)
{
    (void)number;
    interruptions++;
}

static void an_interrupted_wait_goes_on(void **state)
{
    (void)state;
    struct sigaction old, action = {0};
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, &old);
    timer_t timer;
    const struct itimerspec often = {{0, 5 * MS}, {0, 5 * MS}}, never = {{0, 0}, {0, 0}};
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    timer_settime(timer, 0, &often, NULL);
    int fd = ark_event_open();
    int64_t begin_ns = monotonic_ns();
    assert_false(ark_wait_fd(fd, ark_wait_deadline(60)));
    assert_true(monotonic_ns() - begin_ns >= 60 * MS);
    assert_true(interruptions > 0);
    timer_settime(timer, 0, &never, NULL);
    timer_delete(timer);
    sigaction(SIGALRM, &old, NULL);
    close(fd);
}

static void a_waiter_wakes_for_any_of_its_descriptors(void **state)
{
    (void)state;
    ark_waiter waiter = ARK_WAITER_NONE;
    int a = ark_event_open(), b = ark_event_open();
    PASS(ark_waiter_open(&waiter, err));
    PASS(ark_waiter_add(&waiter, a, err));
    PASS(ark_waiter_add(&waiter, b, err));
    assert_false(readable(waiter.fd));
    ark_event_set(b);
    assert_true(readable(waiter.fd));
    ark_waiter_remove(&waiter, b);
    assert_false(readable(waiter.fd));
    ark_event_set(a);
    assert_true(readable(waiter.fd));
    ark_event_clear(a);
    assert_false(readable(waiter.fd));
    FAIL(ark_waiter_add(&waiter, -1, err), ARRAKIS_EIO, "cannot wait on a descriptor");
    ark_waiter_close(&waiter);
    assert_int_equal(waiter.fd, -1);
    ark_waiter_close(&waiter);
    close(a);
    close(b);
}

static void a_waiter_wakes_at_its_time(void **state)
{
    (void)state;
    ark_waiter waiter = ARK_WAITER_NONE;
    PASS(ark_waiter_open(&waiter, err));
    int64_t then_ns = arrakis_gps_now_ns() + 400 * MS;
    ark_waiter_arm(&waiter, then_ns);
    assert_false(readable(waiter.fd));
    assert_true(ark_wait_fd(waiter.fd, ark_wait_deadline(5000)));
    assert_true(arrakis_gps_now_ns() >= then_ns);
    ark_waiter_arm(&waiter, ARRAKIS_UNSET);
    assert_false(readable(waiter.fd));
    ark_waiter_close(&waiter);
}

static void times_of_all_kinds_are_waited_for(void **state)
{
    (void)state;
    ark_waiter waiter = ARK_WAITER_NONE;
    PASS(ark_waiter_open(&waiter, err));
    const struct {
        int64_t gps_ns;
        bool due;
    } times[] = {{INT64_C(1000000000) * SECOND, true},
                 {INT64_MAX, false},
                 {0, true},
                 {INT64_MIN + 1, true},
                 {UNSET, false},
                 {-SECOND, true}};
    for (size_t i = 0; i < COUNT(times); i++) {
        ark_waiter_arm(&waiter, times[i].gps_ns);
        assert_int_equal(readable(waiter.fd), times[i].due);
    }
    ark_waiter_close(&waiter);
}

static void a_cancel_is_for_ever(void **state)
{
    (void)state;
    ark_waiter waiter = ARK_WAITER_NONE;
    arrakis_cancel *cancel;
    PASS(arrakis_cancel_new(&cancel, err));
    PASS(ark_waiter_open(&waiter, err));
    PASS(ark_waiter_add(&waiter, arrakis_cancel_fd(cancel), err));
    assert_false(readable(waiter.fd));
    arrakis_cancel_set(cancel);
    for (int i = 0; i < 3; i++) {
        ark_waiter_arm(&waiter, ARRAKIS_UNSET);
        assert_true(readable(waiter.fd));
    }
    ark_waiter_close(&waiter);
    arrakis_cancel_unref(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_waited_for_and_not_much_longer),
        cmocka_unit_test(an_event_stays_until_it_is_cleared),
        cmocka_unit_test(an_interrupted_wait_goes_on),
        cmocka_unit_test(a_waiter_wakes_for_any_of_its_descriptors),
        cmocka_unit_test(a_waiter_wakes_at_its_time),
        cmocka_unit_test(times_of_all_kinds_are_waited_for),
        cmocka_unit_test(a_cancel_is_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
