/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: what is refused, positions as they are committed, and what a member makes of messages
 * that come at a bad moment. What members do, tests/broker/test_group.py looks at. */
#include <arrakis/mock.h>

#include "base/monotonic.h"
#include "base/wait.h"
#include "kafka/group_begin.h"
#include "kafka/handle.h"
#include "support.h"

#include "mock_cluster.h"

#include <dlfcn.h>

/* Far more messages than what else librdkafka puts into its queue. */
enum { WAIT_MS = 60000, FIRST = 1000, MESSAGES = 100 };

static bool assigns_late;

/* In the place of librdkafka's: with assigns_late, returns when the messages of the partitions that were
 * taken are there, as it may where another thread has the processor. So the call that gives partitions
 * returns a message, too. */
rd_kafka_error_t *rd_kafka_incremental_assign(rd_kafka_t *rk,
                                              const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_error_t *(*assign)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_incremental_assign");
    assert_non_null(found);
    memcpy(&assign, &found, sizeof assign);
    rd_kafka_error_t *refused = assign(rk, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    int64_t end_ns = ark_monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (assigns_late && !refused && list->cnt && rd_kafka_queue_length(queue) < MESSAGES) {
        assert_true(ark_monotonic_ns() < end_ns);
        ark_wait_fd(-1, ark_wait_deadline(1));
    }
    rd_kafka_queue_destroy(queue);
    return refused;
}

static size_t polls;

/* In the place of librdkafka's, to count the calls. */
rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms)
{
    rd_kafka_message_t *(*poll)(rd_kafka_t *, int);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_consumer_poll");
    assert_non_null(found);
    memcpy(&poll, &found, sizeof poll);
    polls++;
    return poll(rk, timeout_ms);
}

static bool commits_fail;

/* In the place of librdkafka's: with commits_fail, the broker takes none. */
rd_kafka_resp_err_t rd_kafka_commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list,
                                    int async)
{
    rd_kafka_resp_err_t (*commit)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *, int);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_commit");
    assert_non_null(found);
    memcpy(&commit, &found, sizeof commit);
    return commits_fail ? RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS : commit(rk, list, async);
}

typedef void commit_fn(rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *,
                       void *);

static commit_fn *group_answer;
static bool is_being_shared;

static void look_at_answer(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t *list, void *opaque)
{
    is_being_shared = code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    group_answer(rk, code, list, opaque);
}

/* In the place of librdkafka's, whose mock groups refuse what members commit while others join; Kafka's do not. */
rd_kafka_resp_err_t rd_kafka_commit_queue(rd_kafka_t *rk,
                                          const rd_kafka_topic_partition_list_t *list,
                                          rd_kafka_queue_t *queue, commit_fn *answer, void *opaque)
{
    rd_kafka_resp_err_t (*commit)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *,
                                  rd_kafka_queue_t *, commit_fn *, void *);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_commit_queue");
    assert_non_null(found);
    memcpy(&commit, &found, sizeof commit);
    group_answer = answer;
    return commit(rk, list, queue, look_at_answer, opaque);
}

/* In the place of librdkafka's: its mock groups wait three seconds for other members before they begin, if the
 * version has nothing by which they wait less. */
rd_kafka_mock_cluster_t *rd_kafka_handle_mock_cluster(const rd_kafka_t *rk)
{
    rd_kafka_mock_cluster_t *(*cluster_of)(const rd_kafka_t *);
    void (*set_delay)(rd_kafka_mock_cluster_t *, int32_t);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_handle_mock_cluster");
    assert_non_null(found);
    memcpy(&cluster_of, &found, sizeof cluster_of);
    rd_kafka_mock_cluster_t *cluster = cluster_of(rk);
    found = dlsym(RTLD_NEXT, "rd_kafka_mock_group_initial_rebalance_delay_ms");
    memcpy(&set_delay, &found, sizeof set_delay);
    if (cluster && set_delay)
        set_delay(cluster, 10);
    return cluster;
}

static bool ends_are_silent;
static int64_t stamped_offset = -1;

/* In the place of librdkafka's, whose mock cluster finds nothing by time: with stamped_offset, that is
 * found of any time; with ends_are_silent, no broker tells where a log ends. */
rd_kafka_resp_err_t
rd_kafka_offsets_for_times(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    rd_kafka_resp_err_t (*ask)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_offsets_for_times");
    assert_non_null(found);
    memcpy(&ask, &found, sizeof ask);
    if (ends_are_silent && list->elems[0].offset == RD_KAFKA_OFFSET_END)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (stamped_offset < 0 || list->elems[0].offset < 0)
        return ask(rk, list, timeout_ms);
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = stamped_offset;
        list->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static arrakis_status join(const arrakis_group_options *options, arrakis_error *err)
{
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 16, "p", 0, SECOND, SECOND};
    arrakis_group *group;
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_status rc = arrakis_group_join(&group, "127.0.0.1:1", channels, options, err);
    assert_true(rc < 0);
    assert_null(group);
    arrakis_channels_unref(channels);
    return rc;
}

static void options_are_checked(void **state)
{
    (void)state;
    arrakis_property property = {"group.id", "other"};
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "name of 0 bytes");
    char name[202];
    memset(name, 'a', 201);
    name[201] = '\0';
    o.group = name;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "name of 201 bytes");
    o.group = "g";
    o.session_timeout_ns = SECOND - 1;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "session time-out");
    o.session_timeout_ns = UNSET;
    o.start_ns = -1;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "a GPS time");
    o.start_ns = UNSET;
    o.request_timeout_ns = 0;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "request timeout");
    o.request_timeout_ns = SECOND / 2;
    o.properties = &property;
    o.property_count = 1;
    FAIL(join(&o, err), ARRAKIS_EINVAL, "group.id cannot be set");
    o.property_count = 0;
    FAIL(join(&o, err), ARRAKIS_ECONNECT, "127.0.0.1:1");
}

static void a_position_is_read_as_it_was_committed(void **state)
{
    (void)state;
    const arrakis_group_position position = {5, INT64_C(1400000000000000001)};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    ark_group_begin_entry(list, "t", &position);
    assert_int_equal(list->elems[0].offset, 5);
    assert_int_equal(ark_group_begin_time(list->elems[0].metadata, list->elems[0].metadata_size),
                     position.time_ns);
    rd_kafka_topic_partition_list_destroy(list);
    static const char *const others[] = {
        "",          "gps_ns=",        "gps_ns=-5",
        "gps_ns=1x", "something else", "gps_ns=99999999999999999999999999999999999999999"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(ark_group_begin_time(others[i], strlen(others[i])), 0);
    assert_int_equal(ark_group_begin_time(NULL, 0), 0);
}

/* What happens to the second partition of a topic is not taken for what happens to the first. */
static void only_the_first_partition_of_a_topic_is_one_group_answer(void **state)
{
    (void)state;
    ark_group_partition partitions[2] = {0};
    ark_group_name names[2] = {{"b", 0}, {"a", 1}};
    ark_group g = {.partitions = partitions, .names = names};
    g.head.input_count = 2;
    ark_group_begin_sort(&g);
    const rd_kafka_topic_partition_t first = {.topic = "b"},
                                     second = {.topic = "b", .partition = 1},
                                     other = {.topic = "c"};
    assert_ptr_equal(ark_group_begin_partition(&g, &first), &partitions[0]);
    assert_null(ark_group_begin_partition(&g, &second));
    assert_null(ark_group_begin_partition(&g, &other));
}

/* Messages of a second each, of the GPS seconds from FIRST + from on. */
static void publish(const char *url, const char *topic, int32_t from, int32_t count)
{
    rd_kafka_t *producer;
    PASS(ark_kafka_handle_new(&producer, RD_KAFKA_PRODUCER, url, NULL, 0, NULL, 0, err));
    for (int32_t i = from; i < from + count; i++) {
        const uint32_t id = 0;
        const int32_t sample = i * 16;
        ark_buffer message = int32_message((FIRST + i) * SECOND, 1, &id, &sample, 16);
        assert_int_equal(
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE(message.data, message.size),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            0);
        ark_buffer_clear(&message);
    }
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
    rd_kafka_destroy(producer);
}

static const channel_spec only = {"X:A", ARRAKIS_INT32, 16, "p", 0, SECOND, SECOND};

static arrakis_group *join_at(const char *url, const arrakis_group_options *options)
{
    arrakis_group *group;
    arrakis_channels *channels = channels_of(&only, 1);
    PASS(arrakis_group_join(&group, url, channels, options, err));
    arrakis_channels_unref(channels);
    return group;
}

static arrakis_group_event next_event(arrakis_group *group, int kind)
{
    arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
    PASS(arrakis_group_next(group, WAIT_MS, &event, err));
    assert_int_equal(event.kind, kind);
    return event;
}

static void the_message_that_comes_with_its_partition_is_taken(void **state)
{
    (void)state;
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    publish(arrakis_mock_broker_url(broker), "arrakis-p", 0, MESSAGES);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    o.start_ns = FIRST * SECOND;
    arrakis_group *group = join_at(arrakis_mock_broker_url(broker), &o);
    assigns_late = true;
    next_event(group, ARRAKIS_GROUP_TAKEN);
    assigns_late = false;
    for (int64_t i = 0; i < MESSAGES; i++) { /* also the last one, which nothing follows */
        arrakis_group_event event = next_event(group, ARRAKIS_GROUP_BLOCK);
        assert_int_equal(arrakis_block_start_ns(event.block), (FIRST + i) * SECOND);
        assert_int_equal(int32_at(arrakis_block_series(event.block, 0), 0), i * 16);
        arrakis_block_unref(event.block);
    }
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
}

/* The group throws out who does not poll, and a program may need long for each partition. */
static void a_member_polls_between_the_partitions_that_it_is_told_of(void **state)
{
    (void)state;
    enum { PARTITIONS = 4 };
    static const channel_spec specs[PARTITIONS] = {
        {"X:A", ARRAKIS_INT32, 16, "p0", 0, SECOND, SECOND},
        {"X:B", ARRAKIS_INT32, 16, "p1", 0, SECOND, SECOND},
        {"X:C", ARRAKIS_INT32, 16, "p2", 0, SECOND, SECOND},
        {"X:D", ARRAKIS_INT32, 16, "p3", 0, SECOND, SECOND}};
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    for (int i = 0; i < PARTITIONS; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "arrakis-p%d", i);
        publish(url, topic, 0, MESSAGES);
    }
    arrakis_channels *channels = channels_of(specs, PARTITIONS);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    o.start_ns = FIRST * SECOND;
    arrakis_group *group;
    PASS(arrakis_group_join(&group, url, channels, &o, err));
    arrakis_channels_unref(channels);
    polls = 0;
    size_t before = 0, told = 0, blocks[PARTITIONS] = {0};
    bool taken[PARTITIONS] = {false};
    for (size_t all = 0; all < PARTITIONS * MESSAGES;) {
        arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
        PASS(arrakis_group_next(group, WAIT_MS, &event, err));
        if (event.kind == ARRAKIS_GROUP_TAKEN) {
            assert_true(polls > before);
            before = polls;
            taken[event.partition] = true;
            told++;
            continue;
        }
        assert_true(taken[event.partition]);
        assert_int_equal(arrakis_block_start_ns(event.block),
                         (FIRST + (int64_t)blocks[event.partition]++) * SECOND);
        arrakis_block_unref(event.block);
        all++;
    }
    assert_int_equal(told, PARTITIONS);
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
}

/* ------------------------------------------------------------------ where a live group begins */

/* Whatever kind of event comes in a moment; kind 0: none. */
static arrakis_group_event any_event(arrakis_group *group)
{
    arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
    arrakis_error why;
    arrakis_status rc = arrakis_group_next(group, 20, &event, &why);
    if (rc < 0)
        fail_msg("%s", why.message);
    return event;
}

/* With a backlog, each call of librdkafka brings a message of some partition. */
static void all_partitions_are_told_of_before_the_backlog_is_read(void **state)
{
    (void)state;
    enum { PARTITIONS = 2, BACKLOG = 200, FEW = 8 };
    static const channel_spec specs[PARTITIONS] = {
        {"X:A", ARRAKIS_INT32, 16, "p0", 0, SECOND, SECOND},
        {"X:B", ARRAKIS_INT32, 16, "p1", 0, SECOND, SECOND}};
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, "arrakis-p0", 0, BACKLOG);
    publish(url, "arrakis-p1", 0, BACKLOG);
    arrakis_channels *channels = channels_of(specs, PARTITIONS);
    arrakis_group_options options = ARRAKIS_GROUP_OPTIONS_INIT;
    options.group = "g";
    options.start_ns = FIRST * SECOND;
    arrakis_group *group;
    PASS(arrakis_group_join(&group, url, channels, &options, err));
    arrakis_channels_unref(channels);
    int told = 0, blocks = 0;
    while (told < PARTITIONS && blocks < BACKLOG) {
        arrakis_group_event event = any_event(group);
        told += event.kind == ARRAKIS_GROUP_TAKEN;
        blocks += event.kind == ARRAKIS_GROUP_BLOCK;
        arrakis_block_unref(event.block);
    }
    assert_int_equal(told, PARTITIONS);
    assert_true(blocks < FEW);
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
}

static arrakis_group *join_live(const char *url)
{
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    return join_at(url, &o);
}

/* The ends are asked for until the time for a request is over; on a loaded machine that may be too short for the
 * topics. */
static arrakis_group *join_without_the_ends(const char *url)
{
    arrakis_group *group = NULL;
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    o.request_timeout_ns = SECOND / 2;
    arrakis_channels *channels = channels_of(&only, 1);
    for (int tries = 1; !group; tries++) {
        arrakis_error why;
        if (arrakis_group_join(&group, url, channels, &o, &why) < 0 && tries == 20)
            fail_msg("%s", why.message);
    }
    arrakis_channels_unref(channels);
    return group;
}

/* The offset of the first block of a group without a start, of a topic with `before` messages as it joins, and
 * a few that come before it is given the partition. */
static int64_t live_begin(int32_t before)
{
    enum { AFTER = 5 };
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, "arrakis-p", 0, before);
    arrakis_group *group = ends_are_silent ? join_without_the_ends(url) : join_live(url);
    ends_are_silent = false;
    publish(url, "arrakis-p", before, AFTER);
    next_event(group, ARRAKIS_GROUP_TAKEN);
    arrakis_group_event event = next_event(group, ARRAKIS_GROUP_BLOCK);
    arrakis_block_unref(event.block);
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
    return event.at.offset;
}

static void a_live_group_begins_with_what_came_since_it_was_joined(void **state)
{
    (void)state;
    assert_int_equal(live_begin(10), 10);
}

/* As where an old record was stamped in the future, or this machine's clock is behind. */
static void timestamps_do_not_lead_a_live_group_back(void **state)
{
    (void)state;
    stamped_offset = 0;
    assert_int_equal(live_begin(10), 10);
    stamped_offset = -1;
}

static void without_the_ends_timestamps_lead_a_live_group_back_a_bounded_way(void **state)
{
    (void)state;
    enum { BEFORE = 1500, MOST = 1200 }; /* 1000 and four for each second since shortly before */
    stamped_offset = 0;
    ends_are_silent = true;
    int64_t offset = live_begin(BEFORE);
    assert_true(offset < BEFORE && offset > BEFORE - MOST);
    ends_are_silent = true;
    assert_int_equal(live_begin(10), 0);
    stamped_offset = -1;
}

/* ------------------------------------------------------------------ partitions that are given away */

static arrakis_group *join_two(const char *url, const char *group_name)
{
    static const channel_spec specs[] = {{"X:A", ARRAKIS_INT32, 16, "p0", 0, SECOND, SECOND},
                                         {"X:B", ARRAKIS_INT32, 16, "p1", 0, SECOND, SECOND}};
    const arrakis_property quick = {"heartbeat.interval.ms", "100"};
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = group_name;
    o.start_ns = FIRST * SECOND;
    /* Less a second, the mock cluster waits for each sharing out. */
    o.session_timeout_ns = 10 * SECOND;
    o.properties = &quick;
    o.property_count = 1;
    arrakis_group *group;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    PASS(arrakis_group_join(&group, url, channels, &o, err));
    arrakis_channels_unref(channels);
    return group;
}

/* Declare done what came up to the block that begins at `last_ns`, of both partitions. */
static void take_up_to(arrakis_group *group, int64_t last_ns)
{
    for (int left = 2; left;) {
        arrakis_group_event event = any_event(group);
        if (event.kind != ARRAKIS_GROUP_BLOCK)
            continue;
        if (arrakis_block_start_ns(event.block) == last_ns) {
            PASS(arrakis_group_commit(group, event.partition, &event.next, err));
            left--;
        }
        arrakis_block_unref(event.block);
    }
}

/* The first block that `other` gets while both take part. */
static int64_t first_of_the_other(arrakis_group *group, arrakis_group *other)
{
    int64_t end_ns = ark_monotonic_ns() + WAIT_MS * INT64_C(1000000), start_ns = -1;
    while (start_ns < 0) {
        assert_true(ark_monotonic_ns() < end_ns);
        arrakis_block_unref(any_event(group).block);
        arrakis_group_event event = any_event(other);
        if (event.kind == ARRAKIS_GROUP_BLOCK)
            start_ns = arrakis_block_start_ns(event.block);
        arrakis_block_unref(event.block);
    }
    return start_ns;
}

/* Where another member begins with a partition of which so many blocks were declared done before it came. */
static int64_t given_away_at(int64_t done)
{
    enum { ALL = 8 };
    is_being_shared = false;
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    publish(url, "arrakis-p0", 0, ALL);
    publish(url, "arrakis-p1", 0, ALL);
    arrakis_group *group = join_two(url, "g");
    commits_fail = true; /* but that one */
    take_up_to(group, (FIRST + done - 1) * SECOND);
    arrakis_group *other = join_two(url, "g");
    int64_t start_ns = first_of_the_other(group, other);
    commits_fail = false;
    arrakis_group_leave(other);
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
    return start_ns;
}

static void what_is_done_is_committed_before_a_partition_is_given_away(void **state)
{
    (void)state;
    enum { DONE = 3 };
    int64_t start_ns = given_away_at(DONE);
    for (int i = 0; i < 5 && is_being_shared; i++)
        start_ns = given_away_at(DONE);
    assert_int_equal(start_ns, (FIRST + DONE) * SECOND);
}

/* ------------------------------------------------------------------ what there is nothing of */

static char told[512];

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)opaque;
    if (strstr(message, "nothing of GPS"))
        snprintf(told, sizeof told, "%s", message);
}

/* Take one block that begins at `start_ns`, and declare it done. Returns its since_ns. */
static int64_t take_one(arrakis_group *group, int64_t start_ns)
{
    arrakis_group_event event = next_event(group, ARRAKIS_GROUP_BLOCK);
    assert_int_equal(arrakis_block_start_ns(event.block), start_ns);
    PASS(arrakis_group_commit(group, event.partition, &event.next, err));
    arrakis_block_unref(event.block);
    return event.since_ns;
}

static void a_time_without_data_behind_what_is_done_is_told(void **state)
{
    (void)state;
    enum { DONE = 3, NEXT = 10 };
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    const char *url = arrakis_mock_broker_url(broker);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    o.start_ns = FIRST * SECOND;
    arrakis_log_set(ARRAKIS_LOG_INFO, hear, NULL);
    publish(url, "arrakis-p", 0, DONE);
    arrakis_group *group = join_at(url, &o);
    next_event(group, ARRAKIS_GROUP_TAKEN);
    for (int64_t i = 0; i < DONE; i++)
        assert_int_equal(take_one(group, (FIRST + i) * SECOND), i ? UNSET : FIRST * SECOND);
    arrakis_group_leave(group);
    assert_string_equal(told, "");
    publish(url, "arrakis-p", NEXT, 2);
    group = join_at(url, &o);
    next_event(group, ARRAKIS_GROUP_TAKEN);
    assert_int_equal(take_one(group, (FIRST + NEXT) * SECOND), (FIRST + DONE) * SECOND);
    assert_non_null(strstr(told, "partition p: nothing of GPS 1003 to 1010 (7 s): deleted or "
                                 "never published"));
    *told = '\0';
    assert_int_equal(take_one(group, (FIRST + NEXT + 1) * SECOND), UNSET);
    arrakis_group_leave(group);
    assert_string_equal(told, "");
    arrakis_log_set(ARRAKIS_LOG_INFO, NULL, NULL);
    arrakis_mock_broker_close(broker);
}

/* ------------------------------------------------------------------ time-outs */

static void publish_what_cannot_be_decoded(const char *url, int count)
{
    rd_kafka_t *producer;
    PASS(ark_kafka_handle_new(&producer, RD_KAFKA_PRODUCER, url, NULL, 0, NULL, 0, err));
    for (int i = 0; i < count; i++)
        assert_int_equal(
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("arrakis-p"), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE("no message", 10),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
            0);
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), 0);
    rd_kafka_destroy(producer);
}

static arrakis_stats stats_of(const arrakis_group *group)
{
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    arrakis_group_stats(group, &stats);
    return stats;
}

static void a_call_ends_in_time_while_messages_without_events_come(void **state)
{
    (void)state;
    enum { COUNT_OF_ALL = 2000, THERE = 1000 };
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    publish_what_cannot_be_decoded(arrakis_mock_broker_url(broker), COUNT_OF_ALL);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    o.start_ns = FIRST * SECOND;
    arrakis_group *group = join_at(arrakis_mock_broker_url(broker), &o);
    next_event(group, ARRAKIS_GROUP_TAKEN);
    int64_t end_ns = ark_monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (rd_kafka_queue_length(group->queue) < THERE) {
        assert_true(ark_monotonic_ns() < end_ns);
        ark_wait_fd(-1, ark_wait_deadline(1));
    }
    arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
    uint64_t before = stats_of(group).messages;
    assert_int_equal(arrakis_group_next(group, 0, &event, NULL), ARRAKIS_TIMEOUT);
    assert_true(stats_of(group).messages - before <= 64);
    while (stats_of(group).messages < COUNT_OF_ALL) {
        assert_true(ark_monotonic_ns() < end_ns);
        assert_int_equal(arrakis_group_next(group, 0, &event, NULL), ARRAKIS_TIMEOUT);
    }
    arrakis_group_leave(group);
    arrakis_mock_broker_close(broker);
}

static void expect_property(const arrakis_group *group, const char *name, const char *wanted)
{
    char value[32];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(group->rk), name, value, &size),
                     RD_KAFKA_CONF_OK);
    assert_string_equal(value, wanted);
}

static void what_depends_on_the_session_time_out_follows_it(void **state)
{
    (void)state;
    static const struct {
        int64_t session_ns;
        const char *session_ms, *poll_ms, *heartbeat_ms;
    } cases[] = {{UNSET, "30000", "300000", "3000"},
                 {SECOND, "1000", "300000", "333"},
                 {600 * SECOND, "600000", "600000", "3000"},
                 {3600 * SECOND, "3600000", "3600000", "3000"}};
    arrakis_mock_broker *broker;
    PASS(arrakis_mock_broker_open(&broker, err));
    for (size_t i = 0; i < COUNT(cases); i++) {
        arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
        o.group = "g";
        o.session_timeout_ns = cases[i].session_ns;
        arrakis_group *group = join_at(arrakis_mock_broker_url(broker), &o);
        expect_property(group, "session.timeout.ms", cases[i].session_ms);
        expect_property(group, "max.poll.interval.ms", cases[i].poll_ms);
        expect_property(group, "heartbeat.interval.ms", cases[i].heartbeat_ms);
        group->joined = false; /* so its handle is destroyed without a word to the mock group */
        arrakis_group_leave(group);
    }
    arrakis_mock_broker_close(broker);
}

/* ------------------------------------------------------------------ brokers that fail or refuse */

/* Two brokers: the first has the topic, and is the only one that is named; the second coordinates. */
static rd_kafka_t *two_brokers(char *url, size_t size)
{
    rd_kafka_t *host = mock_cluster_new("2");
    assert_non_null(host);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(host);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "arrakis-p", 1, 1), 0);
    assert_int_equal(rd_kafka_mock_partition_set_leader(cluster, "arrakis-p", 0, 1), 0);
    assert_int_equal(rd_kafka_mock_coordinator_set(cluster, "group", "g", 2), 0);
    const char *all = rd_kafka_mock_cluster_bootstraps(cluster);
    snprintf(url, size, "%.*s", (int)strcspn(all, ","), all);
    return host;
}

static void a_coordinator_that_is_down_is_a_failure(void **state)
{
    (void)state;
    char url[64];
    rd_kafka_t *host = two_brokers(url, sizeof url);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(host);
    assert_int_equal(rd_kafka_mock_broker_set_down(cluster, 2), 0);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    arrakis_group *group = join_at(url, &o);
    int64_t end_ns = ark_monotonic_ns() + WAIT_MS * INT64_C(1000000);
    while (!stats_of(group).errors) {
        assert_true(ark_monotonic_ns() < end_ns);
        assert_int_equal(any_event(group).kind, 0);
    }
    assert_int_equal(rd_kafka_mock_broker_set_up(cluster, 2), 0);
    assert_true(atomic_load(&group->outage->open));
    next_event(group, ARRAKIS_GROUP_TAKEN);
    assert_false(atomic_load(&group->outage->open));
    arrakis_group_leave(group);
    rd_kafka_destroy(host);
}

/* As where librdkafka logs that a login was refused, which no mock broker does. */
static void refuse_login(arrakis_group *group)
{
    pthread_mutex_lock(&group->outage->lock);
    snprintf(group->outage->refusal, sizeof group->outage->refusal, "Authentication failed");
    atomic_store(&group->outage->news, true);
    pthread_mutex_unlock(&group->outage->lock);
}

/* Until a member has noticed the refusal: it looks after it ten seconds later, which are over at once here. */
static void let_ten_seconds_pass(arrakis_group *group)
{
    int64_t begin_ns = ark_monotonic_ns(), end_ns = begin_ns + WAIT_MS * INT64_C(1000000);
    while (!group->login_ns) {
        assert_true(ark_monotonic_ns() < end_ns);
        assert_int_equal(any_event(group).kind, 0);
    }
    assert_true(group->login_ns >= begin_ns + 10 * SECOND);
    group->login_ns = begin_ns;
}

static void a_refused_login_ends_a_member_when_no_broker_answers_for_some_time(void **state)
{
    (void)state;
    char url[64];
    rd_kafka_t *host = two_brokers(url, sizeof url);
    arrakis_group_options o = ARRAKIS_GROUP_OPTIONS_INIT;
    o.group = "g";
    arrakis_group *group = join_at(url, &o);
    arrakis_group_event event = next_event(group, ARRAKIS_GROUP_TAKEN);
    refuse_login(group);
    let_ten_seconds_pass(group);
    while (group->login_ns)
        assert_int_equal(any_event(group).kind, 0);
    assert_int_equal(*group->outage->refusal, 0); /* another broker has answered */
    for (int32_t i = 1; i <= 2; i++)
        assert_int_equal(rd_kafka_mock_broker_set_down(rd_kafka_handle_mock_cluster(host), i), 0);
    refuse_login(group);
    let_ten_seconds_pass(group);
    FAIL(arrakis_group_next(group, WAIT_MS, &event, err), ARRAKIS_EAUTH, "Authentication failed");
    arrakis_group_leave(group);
    rd_kafka_destroy(host);
}

static void calls_without_a_group_do_nothing(void **state)
{
    (void)state;
    arrakis_group *group;
    arrakis_group_event event = ARRAKIS_GROUP_EVENT_INIT;
    FAIL(arrakis_group_join(NULL, "h:1", NULL, NULL, err), ARRAKIS_EINVAL, "out is NULL");
    FAIL(arrakis_group_join(&group, "h:1", NULL, NULL, err), ARRAKIS_EINVAL, "channels is NULL");
    FAIL(arrakis_group_next(NULL, 0, &event, err), ARRAKIS_EINVAL, "group is NULL");
    FAIL(arrakis_group_commit(NULL, 0, NULL, err), ARRAKIS_EINVAL, "NULL");
    FAIL(arrakis_group_set_stride(NULL, 0, SECOND, err), ARRAKIS_EINVAL, "no such partition");
    assert_int_equal(arrakis_group_partition_count(NULL), 0);
    assert_null(arrakis_group_partition_id(NULL, 0));
    assert_null(arrakis_group_partition_channels(NULL, 0));
    arrakis_group_stats(NULL, NULL);
    arrakis_group_leave(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(a_position_is_read_as_it_was_committed),
        cmocka_unit_test(only_the_first_partition_of_a_topic_is_one_group_answer),
        cmocka_unit_test(the_message_that_comes_with_its_partition_is_taken),
        cmocka_unit_test(a_member_polls_between_the_partitions_that_it_is_told_of),
        cmocka_unit_test(all_partitions_are_told_of_before_the_backlog_is_read),
        cmocka_unit_test(a_live_group_begins_with_what_came_since_it_was_joined),
        cmocka_unit_test(timestamps_do_not_lead_a_live_group_back),
        cmocka_unit_test(without_the_ends_timestamps_lead_a_live_group_back_a_bounded_way),
        cmocka_unit_test(what_is_done_is_committed_before_a_partition_is_given_away),
        cmocka_unit_test(a_time_without_data_behind_what_is_done_is_told),
        cmocka_unit_test(a_call_ends_in_time_while_messages_without_events_come),
        cmocka_unit_test(what_depends_on_the_session_time_out_follows_it),
        cmocka_unit_test(a_coordinator_that_is_down_is_a_failure),
        cmocka_unit_test(a_refused_login_ends_a_member_when_no_broker_answers_for_some_time),
        cmocka_unit_test(calls_without_a_group_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
