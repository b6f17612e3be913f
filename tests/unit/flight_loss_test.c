/* SPDX-License-Identifier: Apache-2.0 */
/* When a source that is lost is tried again, and what ends it. No server. */
#include "flight/loss.h"

#include "base/error.h"
#include "base/monotonic.h"
#include "support.h"

#define AT (INT64_C(1400000000) * SECOND)

static char *names[] = {"H1:LOST-X"};

/* A reader in the middle of its data, and its sources. */
static ark_flight_reader reader_of(ark_flight_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sources[i] = (ark_flight_source){.ticket = {.names = names, .name_count = 1},
                                         .phase = ARK_FLIGHT_READING,
                                         .step_ns = SECOND,
                                         .begin_ns = AT,
                                         .end_ns = UNSET,
                                         .come_ns = AT + 60 * SECOND};
    return (ark_flight_reader){.head = {.retry = {true, UNSET, UNSET}},
                               .sources = sources,
                               .count = count,
                               .end = count,
                               .begun = true,
                               .again_ns = INT64_MAX};
}

/* The pause before the next try, after one that has failed. */
static int64_t pause_after(ark_flight_reader *reader, ark_flight_source *source,
                           arrakis_status why)
{
    arrakis_error err;
    ark_fail(&err, why, "no server");
    const int64_t before_ns = ark_monotonic_ns();
    assert_int_equal(ark_flight_loss_note(reader, source, why, &err), ARRAKIS_TIMEOUT);
    const int64_t after_ns = ark_monotonic_ns();
    assert_int_equal(source->phase, ARK_FLIGHT_LOST);
    assert_true(reader->again_ns <= source->loss.again_ns);
    assert_true(source->loss.again_ns > before_ns);
    return source->loss.again_ns - after_ns; /* or less, by what the call took */
}

static void pauses_double_up_to_thirty_seconds(void **state)
{
    (void)state;
    const int64_t seconds[] = {1, 2, 4, 8, 16, 24, 24, 24, 24};
    ark_flight_source source;
    ark_flight_reader reader = reader_of(&source, 1);
    for (size_t i = 0; i < COUNT(seconds); i++) {
        const int64_t least_ns = seconds[i] * SECOND, begun_ns = ark_monotonic_ns();
        const int64_t pause_ns = pause_after(&reader, &source, ARRAKIS_ECONNECT);
        const int64_t took_ns = ark_monotonic_ns() - begun_ns;
        assert_true(pause_ns <= least_ns + least_ns / 4);
        assert_true(pause_ns <= ARK_FLIGHT_LOSS_PAUSE_MOST_NS);
        assert_true(pause_ns >= least_ns - took_ns);
        assert_int_equal(source.loss.tries, i);
    }
    for (uint64_t i = 0; i < 70; i++) /* no shift is too far */
        assert_true(pause_after(&reader, &source, ARRAKIS_ECONNECT) <=
                    ARK_FLIGHT_LOSS_PAUSE_MOST_NS);
    assert_int_equal(reader.losses, 1);
    assert_int_equal(reader.lost_count, 1);
}

static void streams_that_break_together_are_not_taken_up_together(void **state)
{
    (void)state;
    enum { SOURCES = 32 };
    ark_flight_source sources[SOURCES];
    ark_flight_reader reader = reader_of(sources, SOURCES);
    int64_t least_ns = INT64_MAX, most_ns = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        pause_after(&reader, &sources[i], ARRAKIS_EDEADLINE);
        const ark_flight_loss *loss = &sources[i].loss;
        const int64_t pause_ns = loss->again_ns - loss->since_ns;
        assert_in_range(pause_ns, SECOND, SECOND + SECOND / 4);
        least_ns = pause_ns < least_ns ? pause_ns : least_ns;
        most_ns = pause_ns > most_ns ? pause_ns : most_ns;
    }
    assert_true(most_ns - least_ns > SECOND / 16);
    assert_int_equal(reader.lost_count, SOURCES);
    assert_true(ark_flight_loss_of_all(&reader));
}

static void one_that_goes_on_is_not_lost(void **state)
{
    (void)state;
    ark_flight_source sources[2];
    ark_flight_reader reader = reader_of(sources, COUNT(sources));
    pause_after(&reader, &sources[0], ARRAKIS_ECONNECT);
    assert_false(ark_flight_loss_of_all(&reader));
    sources[1].phase = ARK_FLIGHT_OVER;
    assert_true(ark_flight_loss_of_all(&reader));
}

static void what_a_try_cannot_mend_ends_it_at_once(void **state)
{
    (void)state;
    const arrakis_status statuses[] = {ARRAKIS_EUNSUPPORTED, ARRAKIS_EAUTH,     ARRAKIS_EINVAL,
                                       ARRAKIS_EFORMAT,      ARRAKIS_ENOTFOUND, ARRAKIS_EMISMATCH};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        arrakis_error err;
        ark_flight_source source;
        ark_flight_reader reader = reader_of(&source, 1);
        ark_fail(&err, statuses[i], "never");
        assert_int_equal(ark_flight_loss_note(&reader, &source, statuses[i], &err), statuses[i]);
        assert_string_equal(err.message, "never");
        assert_false(source.loss.lost);
        assert_int_equal(reader.losses, 0);
    }
}

/* The server does not take a ticket with another start than its own: the present is asked for. */
static void a_refused_start_is_no_reason_to_wait(void **state)
{
    (void)state;
    ark_flight_source source;
    ark_flight_reader reader = reader_of(&source, 1);
    pause_after(&reader, &source, ARRAKIS_ECONNECT);
    assert_int_equal(source.loss.asked_ns, source.come_ns - ARK_FLIGHT_LOSS_RECENT_NS);
    arrakis_error err;
    ark_fail(&err, ARRAKIS_EUNSUPPORTED, "no past");
    assert_int_equal(ark_flight_loss_note(&reader, &source, ARRAKIS_EUNSUPPORTED, &err),
                     ARRAKIS_TIMEOUT);
    assert_true(source.loss.again_ns <= ark_monotonic_ns());
    assert_true(source.loss.present);
    assert_int_equal(ark_flight_loss_note(&reader, &source, ARRAKIS_EUNSUPPORTED, &err),
                     ARRAKIS_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_up_to_thirty_seconds),
        cmocka_unit_test(streams_that_break_together_are_not_taken_up_together),
        cmocka_unit_test(one_that_goes_on_is_not_lost),
        cmocka_unit_test(what_a_try_cannot_mend_ends_it_at_once),
        cmocka_unit_test(a_refused_start_is_no_reason_to_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
