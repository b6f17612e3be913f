/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mutable.h"
#include "channel/channel.h"
#include "channel/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FULL                                                                                      \
    "{\"name\": \"H1:SUB-A_DQ\", \"data_type\": \"float64\", \"sample_rate\": "                   \
    "0.3333333333333333, "                                                                        \
    "\"time\": 1400000000000000000, \"publisher\": \"H1_P\", \"partition_id\": \"H1_P_0\", "      \
    "\"partition_index\": 4294967295, \"stride\": 62500000, \"max_latency\": 0, "                 \
    "\"replay_id\": \"o4\"}"
#define LEAST "{\"name\": \"H1:A\", \"data_type\": \"int8\", \"sample_rate\": 16384}"

static arrakis_channel_info some_info(void)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:SUB-A_DQ";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 256;
    return info;
}

static arrakis_channel *make(const arrakis_channel_info *info)
{
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_new(&channel, info, &err) < 0)
        fail_msg("%s", err.message);
    return channel;
}

static arrakis_channel *read_json(const char *text)
{
    arrakis_channel *channel;
    arrakis_error err;
    if (arrakis_channel_from_json(&channel, text, strlen(text), &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return channel;
}

static void refuse_info(const arrakis_channel_info *info, const char *said)
{
    arrakis_channel *channel = ark_mutable(info); /* anything but NULL */
    arrakis_error err;
    assert_int_equal(arrakis_channel_new(&channel, info, &err), ARRAKIS_EINVAL);
    assert_null(channel);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void refuse_json_n(const char *text, size_t size, const char *said)
{
    arrakis_channel *channel;
    arrakis_error err = {0};
    if (arrakis_channel_from_json(&channel, text, size, &err) != ARRAKIS_EFORMAT)
        fail_msg("status %s of %.200s", arrakis_status_name(err.status), text);
    assert_null(channel);
    assert_int_equal(err.status, ARRAKIS_EFORMAT);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void refuse_json(const char *text, const char *said)
{
    refuse_json_n(text, strlen(text), said);
}

/* ------------------------------------------------------------------ types, names */

static void every_type_has_a_name_and_a_size(void **state)
{
    (void)state;
    assert_int_equal(arrakis_dtype_parse("float32"), ARRAKIS_FLOAT32);
    assert_int_equal(arrakis_dtype_size(ARRAKIS_UINT16), 2);
    for (arrakis_dtype t = ARRAKIS_INT8; t <= ARRAKIS_FLOAT64; t++) {
        assert_int_equal(arrakis_dtype_parse(arrakis_dtype_name(t)), t);
        assert_true(arrakis_dtype_size(t) > 0);
    }
    assert_int_equal(arrakis_dtype_parse("none"), ARRAKIS_DTYPE_NONE);
    assert_int_equal(arrakis_dtype_parse("float"), ARRAKIS_DTYPE_NONE);
    assert_int_equal(arrakis_dtype_parse(NULL), ARRAKIS_DTYPE_NONE);
    assert_string_equal(arrakis_dtype_name(ARRAKIS_DTYPE_NONE), "none");
    assert_string_equal(arrakis_dtype_name((arrakis_dtype)99), "none");
    assert_int_equal(arrakis_dtype_size((arrakis_dtype)99), 0);
}

/* "domain|subsystem|delimiter|rest" */
static void split(const char *name, const char *parts)
{
    arrakis_name_parts p;
    char text[100];
    assert_int_equal(arrakis_name_parse(&p, name, NULL), ARRAKIS_OK);
    snprintf(text, sizeof text, "%.*s|%.*s|%.*s|%.*s", (int)p.domain_length, p.domain,
             (int)p.subsystem_length, p.subsystem, p.delimiter != 0, &p.delimiter,
             (int)p.rest_length, p.rest);
    assert_string_equal(text, parts);
}

/* Each as the reference splits it. */
static void names_have_parts(void **state)
{
    (void)state;
    split("H1:SUB-A_DQ", "H1|SUB|-|A_DQ");
    split("H1:SUB_A-DQ", "H1|SUB|_|A-DQ");
    split("A:B:C_D", "A:B|C|_|D");
    split("A:B_C:D", "A:B_C|D||");
    split("A:B_C:D-E", "A:B_C|D|-|E");
    split(":", "|||");
    split("a:-", "a||-|");
    split("A:B\n", "A|B\n||");
    split("A:B_C\n", "A|B|_|C");
    split("A:B\n:C", "A|B\n:C||");
    split("A:B\nC-D", "A|B\nC|-|D");
    static const char *const bad[] = {"", "AB", "A\nB:C", "A:B-C\nD", "A:B-C\n\n"};
    arrakis_name_parts p;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(arrakis_name_parse(&p, bad[i], NULL), ARRAKIS_EINVAL);
}

/* ------------------------------------------------------------------ one channel */

static void a_channel_keeps_what_it_was_given(void **state)
{
    (void)state;
    arrakis_channel_info info = some_info();
    char publisher[] = "H1_P";
    info.publisher = publisher;
    info.partition_id = "";
    info.stride_ns = 62500000;
    arrakis_channel *channel = make(&info);
    publisher[0] = 'X';
    arrakis_channel_info got = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &got);
    assert_string_equal(got.name, "H1:SUB-A_DQ");
    assert_string_equal(got.publisher, "H1_P");
    assert_null(got.partition_id);
    assert_null(got.replay_id);
    assert_int_equal(got.stride_ns, 62500000);
    assert_int_equal(got.max_latency_ns, ARRAKIS_UNSET);
    assert_int_equal(got.struct_size, sizeof got);
    assert_ptr_equal(got.name, arrakis_channel_name(channel));
    arrakis_channel_unref(channel);
}

static void an_older_program_gets_the_fields_it_knows(void **state)
{
    (void)state;
    arrakis_channel_info info = some_info(), got = {0};
    arrakis_channel *channel = make(&info);
    got.struct_size = offsetof(arrakis_channel_info, sample_rate);
    arrakis_channel_get(channel, &got);
    assert_string_equal(got.name, "H1:SUB-A_DQ");
    assert_int_equal(got.dtype, ARRAKIS_FLOAT32);
    assert_true(got.sample_rate == 0.0);
    assert_int_equal(got.struct_size, offsetof(arrakis_channel_info, sample_rate));
    arrakis_channel_unref(channel);
}

static void an_older_program_makes_a_channel_of_the_fields_it_knows(void **state)
{
    (void)state;
    arrakis_channel_info info = some_info();
    /* beyond its struct lies other memory */
    info.struct_size = offsetof(arrakis_channel_info, partition_index);
    info.partition_id = "H1_P";
    info.partition_index = -7;
    info.stride_ns = -7;
    info.replay_id = (const char *)(uintptr_t)1;
    arrakis_channel *channel = make(&info);
    arrakis_channel_info got = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &got);
    assert_string_equal(got.name, info.name);
    assert_string_equal(got.partition_id, "H1_P");
    assert_int_equal(got.partition_index, ARRAKIS_UNSET);
    assert_int_equal(got.stride_ns, ARRAKIS_UNSET);
    assert_null(got.replay_id);
    assert_int_equal(got.struct_size, sizeof got);
    arrakis_channel_unref(channel);
}

static void a_channel_lives_as_long_as_a_reference(void **state)
{
    (void)state;
    arrakis_channel_info info = some_info();
    arrakis_channel *channel = make(&info);
    assert_ptr_equal(arrakis_channel_ref(channel), channel);
    arrakis_channel_unref(channel);
    assert_string_equal(arrakis_channel_name(channel), "H1:SUB-A_DQ");
    arrakis_channel_unref(channel);
    arrakis_channel_unref(NULL);
    assert_null(arrakis_channel_ref(NULL));
}

#define REFUSE(field, value, said)                                                                \
    do {                                                                                          \
        arrakis_channel_info info = some_info();                                                  \
        info.field = value;                                                                       \
        refuse_info(&info, said);                                                                 \
    } while (0)

static void what_is_out_of_range_is_named(void **state)
{
    (void)state;
    REFUSE(name, NULL, "without a name");
    REFUSE(name, "", "without a name");
    REFUSE(name, "H1", "'H1' has no domain");
    REFUSE(name, "H1:\xff", "name is not UTF-8");
    REFUSE(name, "H1:\xc0\x80", "name is not UTF-8");
    REFUSE(name, "H1:\xed\xa0\x80", "name is not UTF-8");
    REFUSE(name, "H1:\xf4\x90\x80\x80", "name is not UTF-8");
    REFUSE(name, "H1:\xe2\x82", "name is not UTF-8");
    REFUSE(publisher, "\x80", "publisher is not UTF-8");
    REFUSE(dtype, ARRAKIS_DTYPE_NONE, "data_type");
    REFUSE(dtype, (arrakis_dtype)11, "data_type is 11");
    REFUSE(sample_rate, 0, "sample_rate is 0");
    REFUSE(sample_rate, -1, "sample_rate is -1");
    REFUSE(sample_rate, NAN, "sample_rate is");
    REFUSE(sample_rate, HUGE_VAL, "sample_rate is inf");
    REFUSE(partition_index, -1, "partition_index is -1, expected 0 to 4294967295");
    REFUSE(partition_index, INT64_C(4294967296), "partition_index is 4294967296");
    REFUSE(stride_ns, 0, "stride is 0");
    REFUSE(max_latency_ns, -1, "max_latency is -1");
    REFUSE(struct_size, 8, "struct_size is 8: set it up with ARRAKIS_CHANNEL_INFO_INIT");
    REFUSE(struct_size, 0, "struct_size is 0");
    arrakis_channel *channel;
    assert_int_equal(arrakis_channel_new(&channel, NULL, NULL), ARRAKIS_EINVAL);
}

static void text_beyond_ascii_is_kept(void **state)
{
    (void)state;
    arrakis_channel_info info = some_info();
    info.name = "H1:\xc3\xa9-\xe2\x82\xac_\xf0\x9f\x8c\x8a";
    arrakis_channel *channel = make(&info);
    char *text = arrakis_channel_to_json(channel);
    assert_non_null(strstr(text, "\"H1:\\u00E9-\\u20AC_\\uD83C\\uDF0A\""));
    arrakis_channel *again = read_json(text);
    assert_string_equal(arrakis_channel_name(again), info.name);
    free(text);
    arrakis_channel_unref(again);
    arrakis_channel_unref(channel);
}

#define EQUAL(field, a, b, wanted)                                                                \
    do {                                                                                          \
        arrakis_channel_info x = some_info(), y = some_info();                                    \
        x.field = a;                                                                              \
        y.field = b;                                                                              \
        arrakis_channel *p = make(&x), *q = make(&y);                                             \
        assert_int_equal(arrakis_channel_equal(p, q), wanted);                                    \
        assert_int_equal(arrakis_channel_equal(q, p), wanted);                                    \
        arrakis_channel_unref(p);                                                                 \
        arrakis_channel_unref(q);                                                                 \
    } while (0)

static void fields_that_one_lacks_do_not_differ(void **state)
{
    (void)state;
    EQUAL(name, "H1:A", "H1:A", true);
    EQUAL(name, "H1:A", "H1:B", false);
    EQUAL(dtype, ARRAKIS_INT8, ARRAKIS_UINT8, false);
    EQUAL(sample_rate, 16, 16.5, false);
    EQUAL(time_ns, 1, 2, false);
    EQUAL(time_ns, 1, ARRAKIS_UNSET, true);
    EQUAL(publisher, "a", "b", false);
    EQUAL(publisher, "a", NULL, true);
    EQUAL(publisher, "a", "", true);
    EQUAL(partition_id, "a", "b", false);
    EQUAL(partition_id, NULL, "b", true);
    EQUAL(partition_index, 0, 1, false);
    EQUAL(partition_index, 0, ARRAKIS_UNSET, true);
    EQUAL(stride_ns, 1, 2, false);
    EQUAL(max_latency_ns, 0, 2, false);
    EQUAL(max_latency_ns, 0, ARRAKIS_UNSET, true);
    EQUAL(replay_id, "a", "b", false);
    EQUAL(replay_id, "a", NULL, true);
    assert_false(arrakis_channel_equal(NULL, (arrakis_channel *)1));
    assert_true(arrakis_channel_equal(NULL, NULL));
}

static void samples_are_whole_or_none(void **state)
{
    (void)state;
    static const struct {
        double rate;
        int64_t duration_ns, samples;
    } known[] = {{16384, 62500000, 1024},
                 {16, 62500000, 1},
                 {0.5, 2000000000, 1},
                 {0.5, 62500000, -1},
                 {1.0 / 3, 3000000000, 1},
                 {10, 62500000, -1},
                 {16, 0, 0},
                 {16, -62500000, -1},
                 {2147483647, 1000000000, INT32_MAX},
                 {2147483648.0, 1000000000, -1},
                 {1e300, INT64_MAX, -1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        arrakis_channel_info info = some_info();
        info.sample_rate = known[i].rate;
        arrakis_channel *channel = make(&info);
        assert_int_equal(ark_channel_samples(channel, known[i].duration_ns), known[i].samples);
        if (known[i].samples != -1)
            assert_int_equal(ark_channel_all_samples(channel, known[i].duration_ns),
                             known[i].samples);
        arrakis_channel_unref(channel);
    }
}

/* Of a file, not of a block. */
static void samples_of_a_file_may_be_many(void **state)
{
    (void)state;
    static const struct {
        double rate;
        int64_t duration_ns, samples;
    } known[] = {{2147483648.0, ARRAKIS_SECOND_NS, INT64_C(2147483648)},
                 {1 << 24, 159 * ARRAKIS_SECOND_NS, INT64_C(2667577344)},
                 {65536, 86400 * ARRAKIS_SECOND_NS, INT64_C(5662310400)},
                 {1e8 / 3, 86400 * ARRAKIS_SECOND_NS, INT64_C(2880000000000)},
                 {4294967296.5, ARRAKIS_SECOND_NS, -1},
                 {281474976710656.0, ARRAKIS_SECOND_NS, INT64_C(1) << 48},
                 {281474976710657.0, ARRAKIS_SECOND_NS, -1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        arrakis_channel_info info = some_info();
        info.sample_rate = known[i].rate;
        arrakis_channel *channel = make(&info);
        assert_int_equal(ark_channel_all_samples(channel, known[i].duration_ns), known[i].samples);
        assert_int_equal(ark_channel_samples(channel, known[i].duration_ns), -1);
        arrakis_channel_unref(channel);
    }
}

/* ------------------------------------------------------------------ JSON */

static void json_goes_out_as_it_came_in(void **state)
{
    (void)state;
    static const char *const texts[] = {FULL, LEAST};
    for (size_t i = 0; i < 2; i++) {
        arrakis_channel *channel = read_json(texts[i]);
        char *text = arrakis_channel_to_json(channel);
        assert_string_equal(text, texts[i]);
        free(text);
        arrakis_channel_unref(channel);
    }
}

static void rates_are_written_short(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rates[] = {{"16384.0", "16384"},
                 {"0.1", "0.1"},
                 {"0.5", "0.5"},
                 {"1e-7", "1e-7"},
                 {"123456.789", "123456.789"},
                 {"3.3333333333333335", "3.3333333333333335"},
                 {"1e15", "1000000000000000"},
                 {"1e22", "1e22"},
                 {"4.9406564584124654e-324", "5e-324"}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char text[200], wanted[200];
        snprintf(text, sizeof text,
                 "{\"name\": \"a:b\", \"data_type\": \"int8\", \"sample_rate\": %s}", rates[i].in);
        snprintf(wanted, sizeof wanted, "\"sample_rate\": %s}", rates[i].out);
        arrakis_channel *channel = read_json(text);
        char *json = arrakis_channel_to_json(channel);
        if (!strstr(json, wanted))
            fail_msg("%s is not %s", json, wanted);
        free(json);
        arrakis_channel_unref(channel);
    }
}

static void null_and_unknown_fields_are_as_if_absent(void **state)
{
    (void)state;
    arrakis_channel *channel = read_json(
        "{\"x\": [1, {\"y\": null}], \"name\": \"H1:A\", \"data_type\": \"int8\", \"stride\": "
        "null, "
        "\"sample_rate\": 16384, \"replay_id\": null, \"publisher\": \"\", \"time\": null}");
    char *text = arrakis_channel_to_json(channel);
    assert_string_equal(text, LEAST);
    free(text);
    arrakis_channel_unref(channel);
}

static void a_wrong_type_is_named(void **state)
{
    (void)state;
    refuse_json("", "not a JSON object");
    refuse_json("{", "not a JSON object");
    refuse_json("[1]", "a channel is an array, expected an object");
    refuse_json("{} x", "not a JSON object");
    refuse_json("{}", "name is missing, expected a string");
    refuse_json("{\"name\": 5}", "name is an integer, expected a string");
    refuse_json("{\"name\": \"a:b\"}", "channel 'a:b': data_type is missing");
    refuse_json("{\"name\": \"a:b\", \"data_type\": \"int8\"}", "sample_rate is missing");
#define AND(more) "{\"name\": \"a:b\", \"data_type\": \"int8\", \"sample_rate\": 1, " more "}"
    refuse_json(AND("\"data_type\": \"complex64\""), "data_type is \"complex64\", expected int8");
    refuse_json(AND("\"sample_rate\": \"1\""), "sample_rate is a string, expected a number");
    refuse_json(AND("\"sample_rate\": true"), "sample_rate is a boolean");
    refuse_json(AND("\"sample_rate\": 0"), "sample_rate is 0");
    refuse_json(AND("\"sample_rate\": 1e999"), "not a JSON object");
    refuse_json(AND("\"time\": 1.5"), "time is a number with a fraction, expected an integer");
    refuse_json(AND("\"time\": -9223372036854775808"),
                "time is an integer, expected an integer in");
    refuse_json(AND("\"time\": 9223372036854775808"), "not a JSON object");
    refuse_json(AND("\"publisher\": {}"), "publisher is an object, expected a string");
    refuse_json(AND("\"partition_id\": 3"), "partition_id is an integer");
    refuse_json(AND("\"partition_index\": -1"), "partition_index is -1");
    refuse_json(AND("\"stride\": \"62500000\""), "stride is a string");
    refuse_json(AND("\"max_latency\": []"), "max_latency is an array");
    refuse_json(AND("\"replay_id\": false"), "replay_id is a boolean");
    refuse_json(AND("\"publisher\": \"\\u0000\""), "not a JSON object");
    refuse_json_n("{\"name\": \"\xff\"}", 12, "not a JSON object");
#undef AND
}

static void hostile_json_is_bounded(void **state)
{
    (void)state;
    size_t size = ((size_t)1 << 20) + 1;
    char *text = malloc(size);
    memset(text, '[', size);
    refuse_json_n(text, size, "1048577 bytes, expected at most 1048576");
    refuse_json_n(text, size - 1, "depth");
    free(text);
}

/* ------------------------------------------------------------------ lists */

static arrakis_channel *numbered(size_t i)
{
    char name[40];
    snprintf(name, sizeof name, "H1:SUB-CHANNEL_%zu", i);
    arrakis_channel_info info = some_info();
    info.name = name;
    return make(&info);
}

static void a_list_finds_each_of_its_channels(void **state)
{
    (void)state;
    enum { N = 10000 };
    arrakis_channels *list;
    assert_int_equal(arrakis_channels_new(&list, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_index(list, "H1:SUB-CHANNEL_0"), -1);
    for (size_t i = 0; i < N; i++) {
        arrakis_channel *channel = numbered(i);
        assert_int_equal(arrakis_channels_add(list, channel, NULL), ARRAKIS_OK);
        arrakis_channel_unref(channel);
    }
    assert_int_equal(arrakis_channels_count(list), N);
    for (size_t i = 0; i < N; i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(list, i));
        assert_int_equal(arrakis_channels_index(list, name), (int64_t)i);
    }
    assert_int_equal(arrakis_channels_index(list, "H1:SUB-CHANNEL_10000"), -1);
    assert_int_equal(arrakis_channels_index(list, "H1:SUB-CHANNEL_"), -1);
    assert_int_equal(arrakis_channels_index(list, NULL), -1);
    assert_null(arrakis_channels_get(list, N));
    arrakis_channels_unref(arrakis_channels_ref(list));
    arrakis_channels_unref(list);
    arrakis_channels_unref(NULL);
}

static void a_name_twice_is_refused(void **state)
{
    (void)state;
    arrakis_channels *list;
    arrakis_error err;
    arrakis_channel *channel = numbered(7);
    assert_int_equal(arrakis_channels_new(&list, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(list, channel, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(list, channel, &err), ARRAKIS_EINVAL);
    assert_string_equal(err.message, "channel 'H1:SUB-CHANNEL_7' is given twice");
    assert_int_equal(arrakis_channels_count(list), 1);
    assert_int_equal(arrakis_channels_add(list, NULL, NULL), ARRAKIS_EINVAL);
    arrakis_channel_unref(channel);
    arrakis_channels_unref(list);
}

static char path[40];

static void write_file(const char *text, size_t size)
{
    strcpy(path, "/tmp/arrakis_channel_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
}

static void refuse_file(const char *text, size_t size, arrakis_status status, const char *said)
{
    arrakis_channels *list;
    arrakis_error err = {0};
    write_file(text, size);
    assert_int_equal(arrakis_channels_load(&list, path, &err), status);
    unlink(path);
    assert_null(list);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, said))
        fail_msg("'%s' does not have '%s'", err.message, said);
}

static void a_file_of_lines_is_loaded(void **state)
{
    (void)state;
    static const char text[] = "\n" FULL "\r\n  \t\n" LEAST;
    arrakis_channels *list;
    write_file(text, sizeof text - 1);
    assert_int_equal(arrakis_channels_load(&list, path, NULL), ARRAKIS_OK);
    unlink(path);
    assert_int_equal(arrakis_channels_count(list), 2);
    assert_int_equal(arrakis_channels_index(list, "H1:A"), 1);
    arrakis_channels_unref(list);
}

static void an_empty_file_has_no_channels(void **state)
{
    (void)state;
    arrakis_channels *list;
    write_file("", 0);
    assert_int_equal(arrakis_channels_load(&list, path, NULL), ARRAKIS_OK);
    unlink(path);
    assert_int_equal(arrakis_channels_count(list), 0);
    arrakis_channels_unref(list);
}

static void a_bad_line_is_numbered(void **state)
{
    (void)state;
    static const char bad[] = LEAST "\n\n{\"name\": 5}\n", twice[] = LEAST "\n" LEAST "\n";
    refuse_file(bad, sizeof bad - 1, ARRAKIS_EFORMAT, ":3: channel '?': name is an integer");
    refuse_file(twice, sizeof twice - 1, ARRAKIS_EFORMAT, ":2: channel 'H1:A' is given twice");
    refuse_file("\0\n", 2, ARRAKIS_EFORMAT, ":1: ");
    arrakis_channels *list;
    arrakis_error err;
    assert_int_equal(arrakis_channels_load(&list, "/nowhere/at/all", &err), ARRAKIS_EIO);
    assert_non_null(strstr(err.message, "/nowhere/at/all: No such file"));
    assert_int_equal(arrakis_channels_load(&list, "/", &err), ARRAKIS_EIO);
}

static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    size_t size = (size_t)3 << 20;
    char *text = malloc(size);
    memset(text, ' ', size);
    text[0] = '\n';
    refuse_file(text, size, ARRAKIS_EFORMAT, ":2: the line is longer than 1048576 bytes");
    free(text);
}

static void a_file_of_channels_has_limits(void **state)
{
    (void)state;
    static const char line[] =
        "{\"name\": \"H1:%d\", \"data_type\": \"int8\", \"sample_rate\": 1}\n";
    char limited[] = "/tmp/arrakis_limits_XXXXXX";
    FILE *file = fdopen(mkstemp(limited), "w");
    for (int i = 0; i < 10; i++)
        fprintf(file, line, i);
    const uint64_t size = (uint64_t)ftell(file);
    fclose(file);
    ark_channel_file_limits limits = {size, 10};
    arrakis_channels *list;
    arrakis_error err;
    assert_int_equal(ark_channel_file_load(&list, limited, &limits, &err), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_count(list), 10);
    arrakis_channels_unref(list);
    limits.channels = 9;
    assert_int_equal(ark_channel_file_load(&list, limited, &limits, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, ":10: one channel more than 9"));
    assert_null(list);
    limits = (ark_channel_file_limits){size - 1, 10};
    assert_int_equal(ark_channel_file_load(&list, limited, &limits, &err), ARRAKIS_EFORMAT);
    assert_non_null(strstr(err.message, "longer than "));
    unlink(limited);
}

/* What the channels of a partition have in common is kept for those that come later, unless it is long. */
static void what_is_kept_of_partitions_is_bounded(void **state)
{
    (void)state;
    enum { LONGEST = 511 }; /* and a zero byte */
    char partition[LONGEST + 2];
    for (size_t length = LONGEST; length <= LONGEST + 1; length++) {
        memset(partition, 'p', length);
        partition[length] = '\0';
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = "H1:A";
        info.dtype = ARRAKIS_INT8;
        info.sample_rate = 1;
        info.partition_id = partition;
        arrakis_channel *one, *other;
        assert_int_equal(arrakis_channel_new(&one, &info, NULL), ARRAKIS_OK);
        assert_int_equal(arrakis_channel_new(&other, &info, NULL), ARRAKIS_OK);
        assert_int_equal(one->shared == other->shared, length == LONGEST);
        assert_int_equal(atomic_load(&one->shared->refs), length == LONGEST ? 3 : 1);
        arrakis_channel_unref(one);
        arrakis_channel_unref(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_channels_has_limits),
        cmocka_unit_test(every_type_has_a_name_and_a_size),
        cmocka_unit_test(names_have_parts),
        cmocka_unit_test(a_channel_keeps_what_it_was_given),
        cmocka_unit_test(an_older_program_gets_the_fields_it_knows),
        cmocka_unit_test(an_older_program_makes_a_channel_of_the_fields_it_knows),
        cmocka_unit_test(a_channel_lives_as_long_as_a_reference),
        cmocka_unit_test(what_is_out_of_range_is_named),
        cmocka_unit_test(text_beyond_ascii_is_kept),
        cmocka_unit_test(fields_that_one_lacks_do_not_differ),
        cmocka_unit_test(samples_are_whole_or_none),
        cmocka_unit_test(samples_of_a_file_may_be_many),
        cmocka_unit_test(json_goes_out_as_it_came_in),
        cmocka_unit_test(rates_are_written_short),
        cmocka_unit_test(null_and_unknown_fields_are_as_if_absent),
        cmocka_unit_test(a_wrong_type_is_named),
        cmocka_unit_test(hostile_json_is_bounded),
        cmocka_unit_test(a_list_finds_each_of_its_channels),
        cmocka_unit_test(a_name_twice_is_refused),
        cmocka_unit_test(a_file_of_lines_is_loaded),
        cmocka_unit_test(an_empty_file_has_no_channels),
        cmocka_unit_test(a_bad_line_is_numbered),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(what_is_kept_of_partitions_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
