/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of a server's endpoints, with a server made of functions. */
#include <arrakis/reader.h>
#include <arrakis/arrow.h>

#include "base/event.h"
#include "base/monotonic.h"
#include "base/wait.h"
#include "flight/loss.h"
#include "flight/proto.h"
#include "flight/reader.h"
#include "flight/state.h"
#include "support.h"

#include <unistd.h>

#define STRIDE INT64_C(62500000)
#define START (INT64_C(1400000000) * SECOND)
#define LATENCY INT64_C(100000000)

enum { MESSAGES = 12, CALLS = 4 };

/* What follows a call's messages. */
typedef enum ending { SILENCE, END_OK, END_UNAVAILABLE, END_NOT_FOUND, END_DENIED, FLOOD } ending;

/* What one call is answered with. */
typedef struct script {
    ark_buffer messages[MESSAGES];
    size_t count;
    ending ending;
} script;

struct ark_transport_call {
    const script *script;
    size_t next;
    int fd;
};

static script scripts[CALLS];
static size_t started;
static ark_buffer empty_message;
static char logged[2000];
static char sent[CALLS][300]; /* the request of each call */
static bool waits[CALLS];     /* for the server: it was lost */

/* ------------------------------------------------------------------ the server */

static arrakis_status fake_start(ark_transport_call **out, ark_transport_channel *channel,
                                 const char *method, const ark_header *headers,
                                 size_t header_count, int64_t timeout_ns, bool again,
                                 arrakis_error *err)
{
    (void)channel, (void)method, (void)headers, (void)header_count, (void)timeout_ns, (void)err;
    assert_true(started < CALLS);
    waits[started] = again;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->script = &scripts[started++];
    (*out)->fd = ark_event_open();
    ark_event_set((*out)->fd);
    return ARRAKIS_OK;
}

static int fake_fd(const ark_transport_call *call)
{
    return call->fd;
}

static arrakis_status fake_send(ark_transport_call *call, const void *data, size_t size, bool last,
                                arrakis_error *err)
{
    (void)last, (void)err;
    char *text = sent[call->script - scripts];
    assert_true(size < sizeof *sent);
    for (size_t i = 0; i < size; i++) /* a message of protobuf, in which the ticket is text */
        text[i] = ((const char *)data)[i] ? ((const char *)data)[i] : ' ';
    return ARRAKIS_OK;
}

static arrakis_status fake_recv(ark_transport_call *call, size_t *size)
{
    ark_event_clear(call->fd);
    *size = call->next < call->script->count ? call->script->messages[call->next].size
                                             : empty_message.size;
    if (call->next < call->script->count || call->script->ending == FLOOD)
        return ARRAKIS_OK;
    return call->script->ending == SILENCE ? ARRAKIS_TIMEOUT : ARRAKIS_DONE;
}

static void fake_take(ark_transport_call *call, void *to)
{
    const ark_buffer *from =
        call->next < call->script->count ? &call->script->messages[call->next++] : &empty_message;
    memcpy(to, from->data, from->size);
    ark_event_set(call->fd);
}

static void fake_status(ark_transport_call *call, ark_call_status *status)
{
    static const int codes[] = {[END_UNAVAILABLE] = 14, [END_NOT_FOUND] = 5, [END_DENIED] = 16};
    int code = codes[call->script->ending];
    *status = (ark_call_status){code, code ? "out of order" : "", "", false, false};
}

static void fake_finish(ark_transport_call *call)
{
    close(call->fd);
    free(call);
}

static const ark_transport fake = {
    .start = fake_start,
    .fd = fake_fd,
    .send = fake_send,
    .recv = fake_recv,
    .take = fake_take,
    .status = fake_status,
    .finish = fake_finish,
};

/* ------------------------------------------------------------------ what it sends */

static const channel_spec spec = {"H1:A", ARRAKIS_INT32, 16, NULL, UNSET, STRIDE, LATENCY};

static ark_buffer as_flight_data(const void *bytes, size_t size)
{
    ark_buffer out = {NULL, 0, 0};
    ark_ipc_message cut;
    PASS(ark_ipc_parse(&cut, bytes, size, err));
    PASS(ark_proto_put_bytes(&out, 2, cut.header, cut.header_size, err));
    PASS(ark_proto_put_bytes(&out, 1000, cut.body, cut.body_size, err));
    return out;
}

/* The schema, and a block each for strides [from, to): its sample is its number. */
static void add_blocks(script *s, int32_t from, int32_t to)
{
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_arrow_writer *writer;
    const void *bytes;
    size_t size;
    PASS(arrakis_arrow_writer_new(&writer, channels, err));
    PASS(arrakis_arrow_writer_schema(writer, &bytes, &size, err));
    s->messages[s->count++] = as_flight_data(bytes, size);
    for (int32_t i = from; i < to; i++) {
        const arrakis_series series = {&i, NULL, 1, ARRAKIS_INT32};
        arrakis_block *block;
        PASS(arrakis_block_new(&block, channels, START + i * STRIDE, STRIDE, &series, err));
        PASS(arrakis_arrow_writer_block(writer, block, &bytes, &size, err));
        assert_true(s->count < MESSAGES);
        s->messages[s->count++] = as_flight_data(bytes, size);
        arrakis_block_unref(block);
    }
    arrakis_arrow_writer_free(writer);
    arrakis_channels_unref(channels);
}

/* The schema, and one block at that time. */
static void add_block_at(script *s, int64_t time_ns)
{
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_arrow_writer *writer;
    const void *bytes;
    size_t size;
    const int32_t value = 7;
    const arrakis_series series = {&value, NULL, 1, ARRAKIS_INT32};
    arrakis_block *block;
    PASS(arrakis_arrow_writer_new(&writer, channels, err));
    PASS(arrakis_arrow_writer_schema(writer, &bytes, &size, err));
    s->messages[s->count++] = as_flight_data(bytes, size);
    PASS(arrakis_block_new(&block, channels, time_ns, STRIDE, &series, err));
    PASS(arrakis_arrow_writer_block(writer, block, &bytes, &size, err));
    s->messages[s->count++] = as_flight_data(bytes, size);
    arrakis_block_unref(block);
    arrakis_arrow_writer_free(writer);
    arrakis_channels_unref(channels);
}

/* ------------------------------------------------------------------ the reader */

static void keep_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level, (void)opaque;
    strncat(logged, message, sizeof logged - strlen(logged) - 1);
}

static int set_up(void **state)
{
    (void)state;
    memset(scripts, 0, sizeof scripts);
    memset(sent, 0, sizeof sent);
    started = 0;
    logged[0] = '\0';
    arrakis_log_set(ARRAKIS_LOG_WARNING, keep_log, NULL);
    PASS(ark_proto_put_bytes(&empty_message, 3, "nothing", 7, err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    for (size_t i = 0; i < CALLS; i++)
        for (size_t k = 0; k < scripts[i].count; k++)
            ark_buffer_clear(&scripts[i].messages[k]);
    ark_buffer_clear(&empty_message);
    return 0;
}

/* One endpoint with so many locations, all of them the server; [begin, until) is asked for, and the
 * ticket has [start, end). */
static arrakis_reader *make_reader_for(int64_t begin_ns, int64_t until_ns, int64_t start_ns,
                                       int64_t end_ns, size_t locations, int64_t stall_ns)
{
    char start[32] = "null", end[32] = "null", text[200];
    if (start_ns != UNSET)
        snprintf(start, sizeof start, "%lld", (long long)start_ns);
    if (end_ns != UNSET)
        snprintf(end, sizeof end, "%lld", (long long)end_ns);
    snprintf(text, sizeof text, "{\"args\": {\"channels\": [\"%s\"], \"start\": %s, \"end\": %s}}",
             spec.name, start, end);
    ark_endpoint endpoint = {(uint8_t *)strdup(text), strlen(text),
                             calloc(locations, sizeof *endpoint.uris), locations};
    for (size_t i = 0; i < locations; i++)
        endpoint.uris[i] = strdup("arrow-flight-reuse-connection://?");
    static ark_session session = {.transport = &fake};
    static ark_connect_options connect;
    session.url = (char *)(uintptr_t) "grpc://fake";
    session.max_message = 1 << 20;
    atomic_store(&session.refs, 1000);
    atomic_store(&connect.refs, 1000);
    const ark_flight_options options = {&session, &connect, 20 * SECOND, stall_ns,
                                        begin_ns, until_ns, false};
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_reader *reader;
    PASS(ark_flight_reader_new(&reader, &endpoint, 1, channels, &options, err));
    arrakis_channels_unref(channels);
    return reader;
}

/* The ticket has what was asked for. */
static arrakis_reader *make_reader(int64_t start_ns, int64_t end_ns, size_t locations,
                                   int64_t stall_ns)
{
    return make_reader_for(start_ns, end_ns, start_ns, end_ns, locations, stall_ns);
}

static arrakis_reader *open_reader(int64_t start_ns, int64_t end_ns, size_t locations,
                                   int64_t stall_ns)
{
    arrakis_reader *reader = make_reader(start_ns, end_ns, locations, stall_ns);
    PASS(arrakis_reader_open(reader, err));
    return reader;
}

static void expect_block(arrakis_reader *reader, int32_t number)
{
    size_t stream;
    arrakis_block *block;
    PASS(arrakis_reader_next(reader, 20000, &stream, &block, err));
    assert_int_equal(arrakis_block_start_ns(block), START + number * STRIDE);
    assert_int_equal(int32_at(arrakis_block_series(block, 0), 0), number);
    arrakis_block_unref(block);
}

static void expect_dead(arrakis_reader *reader)
{
    size_t stream;
    arrakis_block *block;
    FAIL(arrakis_reader_next(reader, 60000, &stream, &block, err), ARRAKIS_EDEADLINE,
         "grpc://fake: no new data for channel 'H1:A'");
    FAIL(arrakis_reader_next(reader, 0, &stream, &block, err), ARRAKIS_EDEADLINE, "giving up");
}

static uint64_t errors_of(const arrakis_reader *reader)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    reader->ops->stats(reader, &stats);
    return stats.errors;
}

/* ------------------------------------------------------------------ silence */

static void a_live_endpoint_that_is_silent_beyond_its_promise_and_the_grace_is_dead(void **state)
{
    (void)state;
    const int64_t grace_ns = SECOND / 10;
    add_blocks(&scripts[0], 0, 2);
    arrakis_reader *reader = open_reader(UNSET, UNSET, 1, grace_ns);
    expect_block(reader, 0);
    expect_block(reader, 1);
    int64_t news_ns = ((ark_flight_reader *)reader)->sources[0].news_ns;
    expect_dead(reader);
    assert_true(ark_monotonic_ns() - news_ns >= LATENCY + STRIDE + grace_ns);
    arrakis_reader_close(reader);
}

static void the_limits_of_silence(void **state)
{
    (void)state;
    const struct {
        int64_t start_ns, stall_ns, wanted_ns;
    } cases[] = {
        {UNSET, UNSET, LATENCY + STRIDE + 30 * SECOND},
        {START, UNSET, 300 * SECOND},
        {UNSET, 5 * SECOND, LATENCY + STRIDE + 5 * SECOND},
        {START, 5 * SECOND, 5 * SECOND},
        {UNSET, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        started = 0;
        arrakis_reader *reader = open_reader(cases[i].start_ns, UNSET, 1, cases[i].stall_ns);
        size_t stream;
        arrakis_block *block;
        assert_int_equal(arrakis_reader_next(reader, 0, &stream, &block, NULL), ARRAKIS_TIMEOUT);
        assert_int_equal(((ark_flight_reader *)reader)->sources[0].silence_ns, cases[i].wanted_ns);
        arrakis_reader_close(reader);
    }
}

static void messages_without_rows_are_no_sign_of_life(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = FLOOD;
    arrakis_reader *reader = open_reader(START, START + 4 * STRIDE, 1, SECOND);
    expect_block(reader, 0);
    size_t stream;
    arrakis_block *block;
    /* it comes back, with more data */
    assert_int_equal(arrakis_reader_next(reader, 0, &stream, &block, NULL), ARRAKIS_TIMEOUT);
    assert_true(ark_wait_fd(arrakis_reader_fd(reader), ark_wait_deadline(0)));
    expect_dead(reader);
    arrakis_reader_close(reader);
}

/* Strides [from, to) come, then a flood of these. */
static arrakis_reader *open_flooded(int32_t from, int32_t to, int64_t flood_ns, int64_t start_ns,
                                    int64_t end_ns)
{
    add_blocks(&scripts[0], from, to);
    ark_buffer_clear(&empty_message);
    script flood = {.count = 0};
    add_block_at(&flood, flood_ns);
    empty_message = flood.messages[1];
    ark_buffer_clear(&flood.messages[0]);
    scripts[0].ending = FLOOD;
    return open_reader(start_ns, end_ns, 1, SECOND / 5);
}

/* The reader gives rows without end, and then ends. */
static void expect_flood_to_die(arrakis_reader *reader)
{
    size_t stream;
    arrakis_block *block;
    arrakis_status rc;
    arrakis_error why;
    int64_t begun_ns = ark_monotonic_ns();
    while ((rc = arrakis_reader_next(reader, 0, &stream, &block, &why)) >= 0 &&
           ark_monotonic_ns() - begun_ns < 60 * SECOND)
        if (rc == ARRAKIS_OK)
            arrakis_block_unref(block);
    assert_int_equal(rc, ARRAKIS_EDEADLINE);
    assert_non_null(strstr(why.message, "grpc://fake: no new data for channel 'H1:A'"));
    arrakis_reader_close(reader);
}

static void rows_that_bring_nothing_new_are_no_sign_of_life(void **state)
{
    (void)state;
    const struct {
        int64_t flood_ns, start_ns, end_ns;
    } cases[] = {
        {START + STRIDE, START, START + 4 * STRIDE},         /* the last one */
        {START, START, START + 4 * STRIDE},                  /* the first one */
        {START - 9 * STRIDE, START, START + 4 * STRIDE},     /* from before the start */
        {START + STRIDE + 1, START, START + 4 * STRIDE},     /* a nanosecond later */
        {START + 2 * STRIDE - 1, START, START + 4 * STRIDE}, /* almost a stride */
        {START + 4 * STRIDE, START, START + 4 * STRIDE},     /* from beyond the end */
        {START + STRIDE, START, UNSET},                      /* without an end */
        {START + STRIDE, UNSET, UNSET},                      /* live */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        expect_flood_to_die(
            open_flooded(0, 2, cases[i].flood_ns, cases[i].start_ns, cases[i].end_ns));
    }
}

/* Good rows after one with a wrong time ahead: they count, live and in a span. */
static void rows_behind_one_that_leapt_ahead_are_a_sign_of_life(void **state)
{
    (void)state;
    for (int live = 0; live < 2; live++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        add_blocks(&scripts[0], 0, 1);
        add_block_at(&scripts[0], START + 50 * STRIDE);
        add_blocks(&scripts[0], 1, 4);
        arrakis_reader *reader =
            open_reader(live ? UNSET : START, live ? UNSET : START + 100 * STRIDE, 1, UNSET);
        const ark_flight_source *s = &((ark_flight_reader *)reader)->sources[0];
        size_t stream;
        arrakis_block *block;
        expect_block(reader, 0);
        PASS(arrakis_reader_next(reader, 0, &stream, &block, err));
        arrakis_block_unref(block);
        for (int32_t i = 1; i < 4; i++) {
            int64_t news_ns = s->news_ns;
            expect_block(reader, i); /* the batch before has ended */
            assert_true(s->news_ns > news_ns);
        }
        arrakis_reader_close(reader);
    }
}

/* A stride after the other, all of them before or beyond what was asked for: whatever span the ticket
 * has, none is a sign of life. */
static void rows_outside_what_was_asked_for_are_no_sign_of_life(void **state)
{
    (void)state;
    const struct {
        int64_t start_ns, end_ns;
    } tickets[] = {
        {0, START + 4 * STRIDE},     /* from the first second on */
        {UNSET, START + 4 * STRIDE}, /* from now on */
        {0, UNSET},
        {START, ARRAKIS_TIME_MAX_NS},
        {UNSET, UNSET},
    };
    const int32_t firsts[] = {-9, 4};
    for (size_t i = 0; i < COUNT(tickets) * COUNT(firsts); i++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        int32_t first = firsts[i % COUNT(firsts)];
        add_blocks(&scripts[0], first, first + 8);
        arrakis_reader *reader =
            make_reader_for(START, START + 4 * STRIDE, tickets[i / COUNT(firsts)].start_ns,
                            tickets[i / COUNT(firsts)].end_ns, 1, SECOND / 5);
        PASS(arrakis_reader_open(reader, err));
        const ark_flight_source *s = &((ark_flight_reader *)reader)->sources[0];
        expect_block(reader, first);
        int64_t news_ns = s->news_ns;
        for (int32_t k = first + 1; k < first + 8; k++)
            expect_block(reader, k);
        assert_int_equal(s->news_ns, news_ns);
        arrakis_reader_close(reader);
    }
}

/* Many schemas, one after the other. */
static void schemas_are_no_sign_of_life(void **state)
{
    (void)state;
    arrakis_reader *reader = open_flooded(0, 2, START, START, START + 4 * STRIDE);
    ark_buffer_clear(&empty_message);
    script schema = {.count = 0};
    add_blocks(&schema, 0, 0);
    empty_message = schema.messages[0];
    expect_flood_to_die(reader);
}

/* ------------------------------------------------------------------ ends */

/* Whatever else the server sends. */
static void a_span_is_over_where_it_ends(void **state)
{
    (void)state;
    for (int64_t at = 0; at <= 9; at += 3) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        arrakis_reader *reader =
            open_flooded(0, 4, START + at * STRIDE, START, START + 4 * STRIDE);
        for (int32_t i = 0; i < 4; i++)
            expect_block(reader, i);
        size_t stream;
        arrakis_block *block;
        assert_int_equal(arrakis_reader_next(reader, 20000, &stream, &block, NULL), ARRAKIS_DONE);
        assert_string_equal(logged, "");
        arrakis_reader_close(reader);
    }
}

/* The ticket begins long before, and has no end or a later one. */
static void what_was_asked_for_ends_a_longer_ticket(void **state)
{
    (void)state;
    const int64_t ends[] = {UNSET, START + 50 * STRIDE};
    for (size_t i = 0; i < COUNT(ends); i++) {
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        add_blocks(&scripts[0], -2, 4);
        arrakis_reader *reader = make_reader_for(START, START + 4 * STRIDE, 0, ends[i], 1, SECOND);
        PASS(arrakis_reader_open(reader, err));
        for (int32_t k = -2; k < 4; k++)
            expect_block(reader, k);
        size_t stream;
        arrakis_block *block;
        assert_int_equal(arrakis_reader_next(reader, 20000, &stream, &block, NULL), ARRAKIS_DONE);
        assert_string_equal(logged, "");
        arrakis_reader_close(reader);
    }
}

static void an_end_at_the_time_asked_for_is_no_news(void **state)
{
    (void)state;
    scripts[0].ending = END_OK;
    add_blocks(&scripts[0], 0, 4);
    arrakis_reader *reader = open_reader(START, START + 4 * STRIDE - 1, 1, UNSET);
    for (int32_t i = 0; i < 4; i++)
        expect_block(reader, i);
    size_t stream;
    arrakis_block *block;
    assert_int_equal(arrakis_reader_next(reader, 20000, &stream, &block, NULL), ARRAKIS_DONE);
    assert_string_equal(logged, "");
    assert_int_equal(errors_of(reader), 0);
    arrakis_reader_close(reader);
}

/* All that is known of a message that was torn off. */
static void an_end_before_the_time_asked_for_is_counted_and_logged(void **state)
{
    (void)state;
    for (int32_t blocks = 0; blocks < 4; blocks += 3) {
        started = 0;
        logged[0] = '\0';
        scripts[0] = (script){.ending = END_OK};
        if (blocks)
            add_blocks(&scripts[0], 0, blocks);
        arrakis_reader *reader = open_reader(START, START + 4 * STRIDE, 1, UNSET);
        for (int32_t i = 0; i < blocks; i++)
            expect_block(reader, i);
        size_t stream;
        arrakis_block *block;
        assert_int_equal(arrakis_reader_next(reader, 20000, &stream, &block, NULL), ARRAKIS_DONE);
        assert_non_null(strstr(logged, "grpc://fake has ended the stream of channel 'H1:A' at "));
        assert_non_null(strstr(logged, blocks ? "1400000000.188 s" : "1400000000.000 s"));
        assert_non_null(strstr(logged, "up to 1400000000.250 s"));
        assert_int_equal(errors_of(reader), 1);
        arrakis_reader_close(reader);
    }
}

static void a_message_over_the_limit_names_both_sizes(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    ark_buffer *large = &scripts[0].messages[scripts[0].count++];
    PASS(ark_buffer_reserve(large, (1 << 20) + 1, err));
    memset(large->data, 0, large->size = (1 << 20) + 1);
    arrakis_reader *reader = open_reader(START, START + 4 * STRIDE, 1, UNSET);
    expect_block(reader, 0);
    size_t stream;
    arrakis_block *block;
    FAIL(arrakis_reader_next(reader, 20000, &stream, &block, err), ARRAKIS_EFORMAT,
         "grpc://fake sends a message of 1048577 bytes, expected up to 1048576 bytes");
    arrakis_reader_close(reader);
}

/* ------------------------------------------------------------------ replicas */

/* Two fail, each a block later, and the third gives all. */
static void add_replicas(void)
{
    for (int32_t i = 0; i < 3; i++) {
        add_blocks(&scripts[i], 0, 2 + i);
        scripts[i].ending = i < 2 ? END_UNAVAILABLE : END_OK;
    }
}

static void a_replica_begins_again_and_repeats_what_came(void **state)
{
    (void)state;
    add_replicas();
    arrakis_reader *reader = open_reader(START, START + 4 * STRIDE, 3, UNSET);
    const int32_t wanted[] = {0, 1, 0, 1, 2, 0, 1, 2, 3};
    for (size_t i = 0; i < COUNT(wanted); i++)
        expect_block(reader, wanted[i]);
    size_t stream;
    arrakis_block *block;
    assert_int_equal(arrakis_reader_next(reader, 20000, &stream, &block, NULL), ARRAKIS_DONE);
    assert_int_equal(errors_of(reader), 2);
    arrakis_reader_close(reader);
}

static void a_stream_hands_out_once_what_replicas_repeat(void **state)
{
    (void)state;
    add_replicas();
    arrakis_reader *reader = make_reader(START, START + 4 * STRIDE, 3, UNSET);
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.start_ns = START;
    options.end_ns = START + 4 * STRIDE;
    arrakis_stream *stream;
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    arrakis_block *block;
    for (int32_t i = 0; i < 4; i++) {
        PASS(arrakis_stream_next(stream, 20000, &block, err));
        assert_int_equal(arrakis_block_start_ns(block), START + i * STRIDE);
        assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), 0);
        assert_int_equal(int32_at(arrakis_block_series(block, 0), 0), i);
        arrakis_block_unref(block);
    }
    assert_int_equal(arrakis_stream_next(stream, 20000, &block, NULL), ARRAKIS_DONE);
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.errors, 2);
    assert_int_equal(stats.duplicate + stats.late, 5);
    arrakis_stream_close(stream);
}

/* ------------------------------------------------------------------ streams that come back */

static arrakis_reader *open_live(int64_t tries)
{
    arrakis_reader *reader = make_reader(UNSET, UNSET, 1, UNSET);
    reader->retry = (ark_retry){true, UNSET, tries};
    PASS(arrakis_reader_open(reader, err));
    return reader;
}

static void expect_start(size_t call, int64_t start_ns)
{
    char text[64];
    snprintf(text, sizeof text, "\"start\":%lld", (long long)start_ns);
    assert_non_null(strstr(sent[call], start_ns == UNSET ? "\"start\": null" : text));
}

/* It was asked for what was missed since then. */
static void expect_missed(size_t call, int64_t since_ns)
{
    assert_int_equal(ARK_FLIGHT_LOSS_RECENT_NS % STRIDE, 0);
    expect_start(call, since_ns - ARK_FLIGHT_LOSS_RECENT_NS);
}

static arrakis_stats stats_of(const arrakis_reader *reader)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    reader->ops->stats(reader, &stats);
    return stats;
}

static void expect_failure(arrakis_reader *reader, arrakis_status status, const char *text)
{
    size_t stream;
    arrakis_block *block;
    FAIL(arrakis_reader_next(reader, 20000, &stream, &block, err), status, text);
}

static void a_live_stream_that_breaks_goes_on_where_it_broke(void **state)
{
    (void)state;
    static const ending endings[] = {END_UNAVAILABLE, END_OK}; /* a live stream has no end */
    for (size_t i = 0; i < COUNT(endings); i++) {
        set_up(state);
        add_blocks(&scripts[0], 0, 2);
        scripts[0].ending = endings[i];
        add_blocks(&scripts[1], 0, 4); /* two of them again */
        arrakis_reader *reader = open_live(UNSET);
        int64_t begun_ns = ark_monotonic_ns();
        for (int32_t k = 0; k < 4; k++)
            expect_block(reader, k);
        int64_t took_ns = ark_monotonic_ns() - begun_ns;
        assert_true(took_ns >= SECOND && took_ns < 10 * SECOND);
        expect_start(0, UNSET);
        expect_missed(1, START + 2 * STRIDE);
        assert_true(!waits[0] && waits[1]);
        assert_non_null(strstr(logged,
                               "the stream of channel 'H1:A' has broken and is taken up again: "
                               "grpc://fake"));
        size_t stream;
        arrakis_block *block;
        assert_int_equal(arrakis_reader_next(reader, 0, &stream, &block, NULL), ARRAKIS_TIMEOUT);
        const arrakis_stats stats = stats_of(reader);
        assert_true(stats.losses == 1 && stats.recoveries == 1 && stats.errors == 1);
        arrakis_reader_close(reader);
        tear_down(state);
    }
    set_up(state);
}

static void what_a_retry_cannot_mend_ends_at_once(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = END_DENIED;
    arrakis_reader *reader = open_live(UNSET);
    expect_block(reader, 0);
    expect_failure(reader, ARRAKIS_EAUTH, "grpc://fake: out of order");
    assert_int_equal(started, 1);
    arrakis_reader_close(reader);
}

static void what_fails_before_the_first_message_is_an_error(void **state)
{
    (void)state;
    scripts[0].ending = END_UNAVAILABLE;
    arrakis_reader *reader = open_live(UNSET);
    expect_failure(reader, ARRAKIS_ESERVER, "grpc://fake: out of order");
    assert_int_equal(started, 1);
    arrakis_reader_close(reader);
}

/* It has thrown away what was missed, or never keeps any. */
static void a_server_that_refuses_what_was_missed_is_asked_for_the_present(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = END_UNAVAILABLE;
    scripts[1].ending = END_NOT_FOUND;
    add_blocks(&scripts[2], 7, 8);
    scripts[2].ending = END_UNAVAILABLE;
    scripts[3].ending = END_DENIED;
    arrakis_reader *reader = open_live(UNSET);
    expect_block(reader, 0);
    expect_block(reader, 7);
    expect_missed(1, START + STRIDE);
    expect_start(2, UNSET);
    expect_failure(reader, ARRAKIS_EAUTH, "grpc://fake: out of order");
    expect_missed(3, START + 8 * STRIDE);
    arrakis_reader_close(reader);
}

/* It does not heed the start, and breaks before it comes to anything new. */
static void a_server_that_sends_what_was_not_asked_for_is_asked_for_the_present(void **state)
{
    (void)state;
    const int32_t last = ARK_FLIGHT_LOSS_RECENT_NS / STRIDE + 1, asked = 2;
    add_blocks(&scripts[0], last, last + 1);
    add_blocks(&scripts[1], asked, asked + 1);
    add_blocks(&scripts[1], last, last + 1);
    add_blocks(&scripts[2], asked - 1, asked);
    scripts[0].ending = scripts[1].ending = scripts[2].ending = END_UNAVAILABLE;
    add_blocks(&scripts[3], last + 1, last + 2);
    scripts[3].ending = END_DENIED;
    arrakis_reader *reader = open_live(UNSET);
    expect_block(reader, last);
    expect_block(reader, last + 1);
    expect_failure(reader, ARRAKIS_EAUTH, "grpc://fake: out of order");
    expect_start(1, START + asked * STRIDE);
    expect_start(2, START + asked * STRIDE);
    expect_start(3, UNSET);
    arrakis_reader_close(reader);
}

static void tries_are_limited(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = scripts[1].ending = scripts[2].ending = END_UNAVAILABLE;
    arrakis_reader *reader = open_live(2);
    expect_block(reader, 0);
    expect_failure(reader, ARRAKIS_ESERVER,
                   "grpc://fake: out of order; given up after 2 tries in");
    assert_int_equal(started, 3);
    arrakis_reader_close(reader);
}

/* The pause before the first try is at least a second, if the time is not over earlier. */
static void the_time_for_tries_is_limited(void **state)
{
    bool in_time = false;
    for (int i = 0; i < 20 && !in_time;
         i++) { /* a loaded machine may take that second by itself */
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
        add_blocks(&scripts[0], 0, 1);
        scripts[0].ending = scripts[1].ending = END_UNAVAILABLE;
        arrakis_reader *reader = make_reader(UNSET, UNSET, 1, UNSET);
        reader->retry = (ark_retry){true, SECOND / 2, UNSET};
        PASS(arrakis_reader_open(reader, err));
        int64_t begun_ns = ark_monotonic_ns();
        expect_block(reader, 0);
        expect_failure(reader, ARRAKIS_ESERVER,
                       "grpc://fake: out of order; given up after 1 try in ");
        in_time = ark_monotonic_ns() - begun_ns < SECOND;
        arrakis_reader_close(reader);
    }
    assert_true(in_time);
}

static void a_wrong_time_far_ahead_is_not_where_a_stream_goes_on(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    add_block_at(&scripts[0], arrakis_gps_now_ns() / STRIDE * STRIDE + 3600 * SECOND);
    scripts[0].ending = END_UNAVAILABLE;
    add_blocks(&scripts[1], 1, 2);
    arrakis_reader *reader = open_live(UNSET);
    expect_block(reader, 0);
    size_t stream;
    arrakis_block *block;
    PASS(arrakis_reader_next(reader, 20000, &stream, &block, err));
    arrakis_block_unref(block);
    expect_block(reader, 1);
    expect_missed(1, START + STRIDE);
    arrakis_reader_close(reader);
}

/* The pause is longer than the latency: but no data could have come in time. */
static void no_deadline_passes_while_all_sources_are_lost(void **state)
{
    (void)state;
    int64_t at_ns = arrakis_gps_now_ns() / STRIDE * STRIDE - 2 * STRIDE;
    add_block_at(&scripts[0], at_ns);
    scripts[0].ending = END_UNAVAILABLE;
    for (int i = 1; i < 5; i++)
        add_block_at(&scripts[1], at_ns + i * STRIDE);
    arrakis_reader *reader = make_reader(UNSET, UNSET, 1, UNSET);
    arrakis_stream *stream;
    PASS(arrakis_stream_open(&stream, reader, NULL, err));
    for (int i = 0; i < 5; i++) {
        arrakis_block *block;
        PASS(arrakis_stream_next(stream, 20000, &block, err));
        assert_int_equal(arrakis_block_start_ns(block), at_ns + i * STRIDE);
        assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), 0);
        arrakis_block_unref(block);
    }
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &stats);
    assert_int_equal(stats.gaps + stats.late + stats.duplicate, 0);
    assert_true(stats.losses == 1 && stats.recoveries == 1);
    /* it is of the present again: deadlines pass */
    arrakis_block *gap;
    PASS(arrakis_stream_next(stream, 20000, &gap, err));
    assert_int_equal(arrakis_block_start_ns(gap), at_ns + 5 * STRIDE);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(gap, 0)), 1);
    arrakis_block_unref(gap);
    arrakis_stream_close(stream);
}

/* It was missed, so its deadline is near: that of what follows it on its way is, too. */
static void what_comes_just_in_time_is_not_followed_by_a_gap_at_once(void **state)
{
    (void)state;
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    options.latency_tolerance_ns = 2 * SECOND;
    /* it is taken up again after 1 s to 1.25 s: then 0.1 s to 0.35 s are left */
    int64_t end_ns =
        arrakis_gps_now_ns() - options.latency_tolerance_ns - STRIDE + SECOND * 135 / 100;
    int64_t last_ns = end_ns / STRIDE * STRIDE - STRIDE;
    add_block_at(&scripts[0], last_ns - STRIDE);
    scripts[0].ending = END_UNAVAILABLE;
    add_block_at(&scripts[1], last_ns);
    arrakis_reader *reader = make_reader(UNSET, UNSET, 1, UNSET);
    arrakis_stream *stream;
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    arrakis_block *block;
    for (int64_t at_ns = last_ns - STRIDE; at_ns <= last_ns; at_ns += STRIDE) {
        PASS(arrakis_stream_next(stream, 20000, &block, err));
        assert_int_equal(arrakis_block_start_ns(block), at_ns);
        assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), 0);
        arrakis_block_unref(block);
    }
    assert_int_equal(arrakis_stream_next(stream, 400, &block, NULL), ARRAKIS_TIMEOUT);
    /* it does not come: that is a gap in the end */
    PASS(arrakis_stream_next(stream, 20000, &block, err));
    assert_int_equal(arrakis_block_start_ns(block), last_ns + STRIDE);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), 1);
    arrakis_block_unref(block);
    arrakis_stream_close(stream);
}

/* The server has much of what was missed, and hands it out slowly. */
static void a_live_stream_that_stays_behind_skips_to_the_present(void **state)
{
    (void)state;
    int64_t now_ns = arrakis_gps_now_ns() / STRIDE * STRIDE;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = END_UNAVAILABLE;
    add_blocks(&scripts[1], 1, 2);
    scripts[1].ending = FLOOD;
    add_block_at(&scripts[2], now_ns);
    arrakis_reader *reader = make_reader(UNSET, UNSET, 1, UNSET);
    ((ark_flight_reader *)(void *)reader)->fast_forward = true;
    reader->retry = (ark_retry){true, UNSET, UNSET};
    PASS(arrakis_reader_open(reader, err));
    expect_block(reader, 0);
    expect_block(reader, 1);
    int64_t begun_ns = ark_monotonic_ns();
    size_t stream;
    arrakis_block *block;
    PASS(arrakis_reader_next(reader, 30000, &stream, &block, err));
    assert_int_equal(arrakis_block_start_ns(block), now_ns);
    arrakis_block_unref(block);
    assert_true(ark_monotonic_ns() - begun_ns >= 9 * SECOND);
    expect_start(2, UNSET);
    assert_non_null(strstr(logged, "and skips to the present"));
    assert_int_equal(stats_of(reader).fast_forwards, 1);
    arrakis_reader_close(reader);
}

static void a_cancel_ends_a_pause(void **state)
{
    (void)state;
    add_blocks(&scripts[0], 0, 1);
    scripts[0].ending = END_UNAVAILABLE;
    arrakis_reader *reader = make_reader(START, UNSET, 1, UNSET);
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    arrakis_cancel *cancel;
    PASS(arrakis_cancel_new(&cancel, err));
    options.start_ns = START;
    options.cancel = cancel;
    arrakis_stream *stream;
    arrakis_block *block;
    PASS(arrakis_stream_open(&stream, reader, &options, err));
    PASS(arrakis_stream_next(stream, 20000, &block, err));
    arrakis_block_unref(block);
    assert_int_equal(arrakis_stream_next(stream, 100, &block, NULL), ARRAKIS_TIMEOUT);
    arrakis_cancel_set(cancel);
    assert_int_equal(arrakis_stream_next(stream, -1, &block, NULL), ARRAKIS_ECANCELED);
    arrakis_stream_close(stream);
    arrakis_cancel_unref(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_live_endpoint_that_is_silent_beyond_its_promise_and_the_grace_is_dead, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(the_limits_of_silence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_without_rows_are_no_sign_of_life, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_that_bring_nothing_new_are_no_sign_of_life, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_behind_one_that_leapt_ahead_are_a_sign_of_life,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_outside_what_was_asked_for_are_no_sign_of_life,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(schemas_are_no_sign_of_life, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_asked_for_ends_a_longer_ticket, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_span_is_over_where_it_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_at_the_time_asked_for_is_no_news, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_end_before_the_time_asked_for_is_counted_and_logged,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_over_the_limit_names_both_sizes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_replica_begins_again_and_repeats_what_came, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stream_hands_out_once_what_replicas_repeat, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_live_stream_that_breaks_goes_on_where_it_broke, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_retry_cannot_mend_ends_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_fails_before_the_first_message_is_an_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_server_that_refuses_what_was_missed_is_asked_for_the_present, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_server_that_sends_what_was_not_asked_for_is_asked_for_the_present, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(tries_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_time_for_tries_is_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_time_far_ahead_is_not_where_a_stream_goes_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_just_in_time_is_not_followed_by_a_gap_at_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_deadline_passes_while_all_sources_are_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_live_stream_that_stays_behind_skips_to_the_present,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cancel_ends_a_pause, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
