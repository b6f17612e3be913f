/* SPDX-License-Identifier: Apache-2.0 */
/* What is logged about messages that cannot be used: one line per run of them, and no more. */
#include "read/ingest.h"
#include "support.h"

static const channel_spec specs[] = {{"X:A", ARRAKIS_INT32, 2, "p", 0, SECOND, UNSET},
                                     {"X:B", ARRAKIS_INT32, 2, "p", 1, SECOND, UNSET}};

static struct {
    size_t warnings;
    char last[600];
} heard;

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    heard.warnings += level == ARRAKIS_LOG_WARNING;
    snprintf(heard.last, sizeof heard.last, "%s", message);
}

static void begin(ark_ingest *ingest, arrakis_channels *channels)
{
    const ark_reader_input stream = {
        .id = (char[]){"p"}, .channels = channels, .stride_ns = SECOND};
    PASS(ark_ingest_init(ingest, &stream, 1, err));
    heard.warnings = 0;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
}

/* @return how many arrivals a message gives */
static size_t take(ark_ingest *ingest, const ark_buffer *message)
{
    ark_arrival arrival;
    size_t count = 0;
    ark_ingest_begin(ingest, 0, "topic", 7, message->data, message->size);
    arrakis_status rc;
    while ((rc = ark_ingest_next(ingest, &arrival, NULL)) == ARRAKIS_OK)
        count++;
    assert_int_equal(rc, ARRAKIS_DONE);
    return count;
}

static ark_buffer message_of(uint32_t index)
{
    return int32_message(5 * SECOND, 1, &index, (const int32_t[]){10}, 2);
}

static void messages_of_no_channel_asked_for_are_said_once_an_episode(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, 2);
    ark_ingest ingest;
    begin(&ingest, channels);
    ark_buffer stranger = message_of(9), wanted = message_of(1);
    for (size_t episode = 1; episode <= 2; episode++) {
        for (int i = 0; i < 5; i++)
            assert_int_equal(take(&ingest, &stranger), 0);
        assert_int_equal(heard.warnings, episode);
        assert_non_null(
            strstr(heard.last, "topic topic, offset 7: no row of a channel asked for"));
        assert_int_equal(take(&ingest, &wanted), 1); /* ends the episode */
    }
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    ark_ingest_stats(&ingest, &stats);
    assert_int_equal(stats.unwanted, 10);
    assert_int_equal(stats.undecodable, 0);
    ark_buffer_clear(&stranger);
    ark_buffer_clear(&wanted);
    ark_ingest_clear(&ingest);
    arrakis_channels_unref(channels);
}

/* The good ones between them do not begin a new episode: only 30 s do. */
static void messages_that_cannot_be_read_are_said_once_and_counted(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, 2);
    ark_ingest ingest;
    begin(&ingest, channels);
    ark_buffer wanted = message_of(1), torn = wanted;
    torn.size -= 9;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(&ingest, &torn), 0);
        assert_int_equal(take(&ingest, &wanted), 1);
    }
    assert_int_equal(heard.warnings, 1);
    assert_non_null(strstr(heard.last, "message skipped, it cannot be decoded"));
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    ark_ingest_stats(&ingest, &stats);
    assert_int_equal(stats.undecodable, 5);
    assert_int_equal(stats.messages, 10);
    ark_buffer_clear(&wanted);
    ark_ingest_clear(&ingest);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_no_channel_asked_for_are_said_once_an_episode),
        cmocka_unit_test(messages_that_cannot_be_read_are_said_once_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
