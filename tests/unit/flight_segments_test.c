/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/segments.h"
#include "support.h"

#define HERE "grpc://here:1"
#define X "kafka://x:9092"
#define Y "kafka://y:9092"

static const channel_spec specs[] = {
    {"X:A", ARRAKIS_INT32, 1, "p", 0, SECOND, UNSET},
    {"X:B", ARRAKIS_INT32, 1, "p", 1, SECOND, UNSET},
    {"X:C", ARRAKIS_INT32, 1, "q", 0, SECOND, UNSET},
};

/* An endpoint: channels by their letters, seconds or -1 for null. */
typedef struct given {
    const char *letters;
    int start, end;
    const char *uri;
} given;

static ark_flight_info info_of(const given *list, size_t count)
{
    ark_flight_info info = {calloc(count, sizeof *info.endpoints), count};
    assert_non_null(info.endpoints);
    for (size_t i = 0; i < count; i++) {
        char names[100] = "", text[400], times[2][40] = {"null", "null"};
        const int seconds[] = {list[i].start, list[i].end};
        for (const char *at = list[i].letters; *at; at++)
            sprintf(names + strlen(names), "%s\"X:%c\"", *names ? "," : "", *at);
        for (int k = 0; k < 2; k++)
            if (seconds[k] >= 0)
                sprintf(times[k], "%lld", (long long)seconds[k] * SECOND);
        sprintf(text, "{\"args\":{\"channels\":[%s],\"start\":%s,\"end\":%s}}", names, times[0],
                times[1]);
        ark_endpoint *e = &info.endpoints[i];
        e->ticket = (uint8_t *)strdup(text);
        e->ticket_size = strlen(text);
        e->uris = calloc(1, sizeof *e->uris);
        assert_non_null(e->uris);
        e->uris[0] = strdup(list[i].uri);
        e->uri_count = 1;
    }
    return info;
}

static void write_list(char *to, const arrakis_channels *channels)
{
    for (size_t i = 0; i < arrakis_channels_count(channels); i++)
        strcat(to, arrakis_channel_name(arrakis_channels_get(channels, i)) + 2);
}

/* What becomes of them, in words: "begin: relayed/endpoints broker=channels; ..." */
static void expect(const char *wanted, const given *list, size_t count)
{
    ark_segments segments;
    char text[600] = "";
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    ark_flight_info info = info_of(list, count);
    PASS(ark_segments_init(&segments, &info, channels, 0, "here", err));
    for (size_t i = 0; i < segments.count; i++) {
        const ark_segment *segment = &segments.segments[i];
        sprintf(text + strlen(text), "%s%lld:", i ? "; " : "",
                (long long)(segment->begin_ns / SECOND));
        if (segment->relay_count) {
            strcat(text, " ");
            write_list(text, segment->relayed);
            sprintf(text + strlen(text), "/%zu", segment->relay_count);
        }
        for (size_t k = 0; k < segment->broker_count; k++) {
            sprintf(text + strlen(text), " %c=", segment->brokers[k].url[0]);
            write_list(text, segment->brokers[k].channels);
        }
    }
    assert_string_equal(text, wanted);
    ark_segments_clear(&segments);
    ark_flight_info_clear(&info);
    arrakis_channels_unref(channels);
}

#define EXPECT(wanted, ...)                                                                       \
    expect(wanted, (given[]){__VA_ARGS__}, sizeof((given[]){__VA_ARGS__}) / sizeof(given))

static void expect_failure(arrakis_status status, const char *text, const given *list,
                           size_t count)
{
    ark_segments segments;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    ark_flight_info info = info_of(list, count);
    FAIL(ark_segments_init(&segments, &info, channels, 0, "here", err), status, text);
    ark_segments_clear(&segments);
    ark_flight_info_clear(&info);
    arrakis_channels_unref(channels);
}

#define REFUSE(status, text, ...)                                                                 \
    expect_failure(status, text, (given[]){__VA_ARGS__},                                          \
                   sizeof((given[]){__VA_ARGS__}) / sizeof(given))

static void channels_that_keep_their_source_are_one_segment(void **state)
{
    (void)state;
    EXPECT("0: ABC/3", {"ABC", 0, 5, HERE}, {"AC", 5, 9, HERE}, {"B", 5, 9, HERE});
    EXPECT("0: C/1 x=A y=B", {"A", 0, -1, X}, {"B", 0, -1, Y}, {"C", 0, -1, HERE});
    EXPECT("0: C/2 x=AB", {"AB", 0, 5, X}, {"C", 0, 5, HERE}, {"C", 5, 9, HERE}, {"AB", 5, 9, X});
}

static void a_segment_ends_where_a_source_does(void **state)
{
    (void)state;
    EXPECT("0: ABC/1; 5: x=ABC", {"ABC", 5, -1, X}, {"ABC", 0, 5, HERE});
    EXPECT("0: ABC/2; 6: x=ABC", {"ABC", 0, 5, HERE}, {"ABC", 5, 6, HERE}, {"ABC", 6, 7, X},
           {"ABC", 7, 8, X});
    EXPECT("0: x=ABC; 5: ABC/1; 6: y=ABC", {"ABC", 0, 5, X}, {"ABC", 5, 6, HERE},
           {"ABC", 6, -1, Y});
    EXPECT("0: ABC/1; 5: C/1 x=A y=B", {"ABC", 0, 5, HERE}, {"A", 5, 9, X}, {"B", 5, 9, Y},
           {"C", 5, 9, HERE});
}

static void a_broker_goes_on_until_something_else_is_said(void **state)
{
    (void)state;
    EXPECT("0: BC/1 x=A; 5: x=ABC", {"A", 0, -1, X}, {"BC", 0, 5, HERE}, {"BC", 5, -1, X});
}

static void a_channel_may_begin_later_or_end_earlier(void **state)
{
    (void)state;
    EXPECT("0: AB/1; 5: x=ABC", {"AB", 0, 5, HERE}, {"ABC", 5, -1, X});
    EXPECT("0: ABC/1; 5: x=AB", {"ABC", 0, 5, HERE}, {"AB", 5, -1, X});
}

static void the_present_begins_where_the_past_ends(void **state)
{
    (void)state;
    EXPECT("0: ABC/1; 5: x=ABC", {"ABC", -1, -1, X}, {"ABC", 0, 5, HERE});
    REFUSE(ARRAKIS_EUNSUPPORTED, "a ticket has no start", {"ABC", -1, -1, X},
           {"ABC", 0, -1, HERE});
}

static void channels_that_are_not_ours_do_not_matter(void **state)
{
    (void)state;
    EXPECT("0: ABC/1; 5: x=ABC", {"ABCZ", 0, 5, HERE}, {"ZABC", 5, -1, X}, {"Z", 6, -1, Y});
}

static void of_servers_alone_a_segment_has_all_its_channels_in_each_slice(void **state)
{
    (void)state;
    EXPECT("0: AB/1; 5: ABC/2", {"AB", 0, 5, HERE}, {"ABC", 5, 7, HERE}, {"ABC", 7, 9, HERE});
    /* what overlaps is one segment, and so are impossible spans */
    EXPECT("0: ABC/3", {"AB", 0, 5, HERE}, {"C", 0, 9, HERE}, {"AB", 5, 9, HERE});
    EXPECT("0: ABC/2", {"AB", 0, -1, HERE}, {"C", -1, -1, HERE});
}

static void what_cannot_be_told_apart_is_refused(void **state)
{
    (void)state;
    REFUSE(ARRAKIS_EUNSUPPORTED, "two sources of channel 'X:B'", {"ABC", 0, 5, HERE},
           {"B", 0, 5, X});
    REFUSE(ARRAKIS_EUNSUPPORTED, "two sources of channel 'X:B'", {"ABC", -1, -1, X},
           {"B", -1, -1, Y});
    REFUSE(ARRAKIS_EUNSUPPORTED, "'X:C' beyond 5000000000 ns", {"AB", 0, 5, HERE},
           {"C", 0, 9, HERE}, {"AB", 5, 9, X});
    REFUSE(ARRAKIS_EUNSUPPORTED, "'X:C' beyond 5000000000 ns", {"AB", 0, 5, HERE},
           {"C", 0, -1, HERE}, {"AB", 5, -1, X});
    REFUSE(ARRAKIS_ENOTFOUND, "no endpoint for channel 'X:C'", {"AB", 0, 5, HERE},
           {"AB", 5, 9, X});
}

static void too_many_slices_are_refused(void **state)
{
    (void)state;
    static given many[1002];
    for (int i = 0; i < 1002; i++)
        many[i] = (given){"ABC", i, i + 1, i ? X : HERE};
    expect_failure(ARRAKIS_EUNSUPPORTED, "over 1000 slices", many, 1002);
}

static void a_start_that_no_clock_shows_is_refused(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    static const char *const starts[] = {"-1", "9223372036854775807", "-9223372036854775807"};
    for (size_t i = 0; i < 2 * COUNT(starts); i++) { /* of a broker, and of servers alone */
        const given list[] = {{"ABC", 0, 5, HERE}, {"ABC", 5, 9, i % 2 ? X : HERE}};
        ark_segments segments;
        ark_flight_info info = info_of(list, 2);
        char text[200];
        sprintf(text, "{\"args\":{\"channels\":[\"X:A\"],\"start\":%s}}", starts[i / 2]);
        free(info.endpoints[1].ticket);
        info.endpoints[1].ticket = (uint8_t *)strdup(text);
        info.endpoints[1].ticket_size = strlen(text);
        FAIL(ark_segments_init(&segments, &info, channels, 0, "here", err), ARRAKIS_EFORMAT,
             starts[i / 2]);
        ark_segments_clear(&segments);
        ark_flight_info_clear(&info);
    }
    arrakis_channels_unref(channels);
}

enum { MOST = 64 };

/* The first `count` of the list are taken, one more is not. */
static void expect_limit(const given *list, size_t count, size_t segments_wanted)
{
    ark_segments segments;
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    ark_flight_info info = info_of(list, count);
    PASS(ark_segments_init(&segments, &info, channels, 0, "here", err));
    assert_int_equal(segments.count, segments_wanted);
    ark_segments_clear(&segments);
    ark_flight_info_clear(&info);
    arrakis_channels_unref(channels);
    expect_failure(ARRAKIS_EFORMAT, "here: an answer of over 64 servers or brokers", list,
                   count + 1);
}

/* Each is connected to: 64 of them, and no more. */
static void brokers_are_limited_in_number(void **state)
{
    (void)state;
    static char uris[MOST + 1][40];
    given list[MOST + 1];
    for (int i = 0; i <= MOST; i++) {
        sprintf(uris[i], "kafka://b%d:9092", i);
        list[i] = (given){"ABC", i, -1, uris[i]};
    }
    expect_limit(list, MOST, MOST);
}

/* In each segment a broker is read, and so connected to, anew. */
static void brokers_of_all_segments_are_counted(void **state)
{
    (void)state;
    given list[MOST + 1];
    for (int i = 0; i <= MOST; i++)
        list[i] = (given){"ABC", i, i + 1, i % 2 ? X : Y};
    expect_limit(list, MOST, MOST);
    /* three channels side by side, of two brokers: 32 segments of two each */
    given pairs[MOST + 1];
    for (int i = 0; i < MOST; i++)
        pairs[i] = (given){i % 2 ? "C" : "AB", i / 2, i / 2 + 1, (i / 2 + i) % 2 ? X : Y};
    pairs[MOST] = (given){"ABC", MOST, -1, X};
    expect_limit(pairs, MOST, MOST / 2);
}

static void hosts_of_a_list_are_counted_one_by_one(void **state)
{
    (void)state;
    enum { HOSTS = 16 };
    arrakis_channels *channels = channels_of(specs, COUNT(specs));
    for (int segments_wanted = MOST / HOSTS; segments_wanted <= MOST / HOSTS + 1;
         segments_wanted++) {
        given list[MOST / HOSTS + 1];
        for (int i = 0; i < segments_wanted; i++)
            list[i] = (given){"ABC", i, i + 1, i % 2 ? X : Y};
        ark_flight_info info = info_of(list, (size_t)segments_wanted);
        for (size_t i = 0; i < info.count; i++) {
            ark_endpoint *e = &info.endpoints[i];
            e->uris = realloc(e->uris, HOSTS * sizeof *e->uris);
            assert_non_null(e->uris);
            while (e->uri_count < HOSTS)
                e->uris[e->uri_count++] = strdup(list[i].uri);
        }
        ark_segments segments;
        if (segments_wanted * HOSTS <= MOST)
            PASS(ark_segments_init(&segments, &info, channels, 0, "here", err));
        else
            FAIL(ark_segments_init(&segments, &info, channels, 0, "here", err), ARRAKIS_EFORMAT,
                 "over 64 servers or brokers");
        ark_segments_clear(&segments);
        ark_flight_info_clear(&info);
    }
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_that_keep_their_source_are_one_segment),
        cmocka_unit_test(a_segment_ends_where_a_source_does),
        cmocka_unit_test(a_broker_goes_on_until_something_else_is_said),
        cmocka_unit_test(a_channel_may_begin_later_or_end_earlier),
        cmocka_unit_test(the_present_begins_where_the_past_ends),
        cmocka_unit_test(channels_that_are_not_ours_do_not_matter),
        cmocka_unit_test(of_servers_alone_a_segment_has_all_its_channels_in_each_slice),
        cmocka_unit_test(what_cannot_be_told_apart_is_refused),
        cmocka_unit_test(too_many_slices_are_refused),
        cmocka_unit_test(a_start_that_no_clock_shows_is_refused),
        cmocka_unit_test(brokers_are_limited_in_number),
        cmocka_unit_test(brokers_of_all_segments_are_counted),
        cmocka_unit_test(hosts_of_a_list_are_counted_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
