/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that pyarrow makes of the same table are in tests/data/partition.arrow. */
#include "arrow/ipc.h"
#include "flight/message.h"
#include "flight/partition.h"
#include "flight/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arrakis_error err;

static arrakis_channel *make(const char *name, arrakis_dtype type, double rate)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = name;
    info.dtype = type;
    info.sample_rate = rate;
    arrakis_channel *channel;
    if (arrakis_channel_new(&channel, &info, &err) < 0)
        fail_msg("%s", err.message);
    return channel;
}

static void expect_message(const ark_buffer *header, const ark_buffer *body, const uint8_t *data,
                           size_t size, size_t *at)
{
    ark_ipc_message message;
    assert_int_equal(ark_ipc_parse(&message, data + *at, size - *at, &err), ARRAKIS_OK);
    size_t padded = (header->size + 7) & ~(size_t)7;
    assert_int_equal(padded, message.header_size);
    assert_memory_equal(header->data, message.header, header->size);
    assert_int_equal(body ? body->size : 0, message.body_size);
    if (body)
        assert_memory_equal(body->data, message.body, body->size);
    *at += message.size;
}

static void the_table_has_the_bytes_of_pyarrow(void **state)
{
    (void)state;
    arrakis_channel *channels[] = {make("H1:DYN-A", ARRAKIS_FLOAT32, 512),
                                   make("H1:DYN-LONGER_NAME", ARRAKIS_INT64, 16),
                                   make("L1:DYN_B", ARRAKIS_UINT32, 16384)};
    uint8_t wanted[4096];
    FILE *file = fopen(ARRAKIS_TEST_DATA "/partition.arrow", "rb");
    assert_non_null(file);
    size_t size = fread(wanted, 1, sizeof wanted, file), at = 0;
    fclose(file);
    ark_partition_table table;
    assert_int_equal(ark_partition_write(&table, channels, 3, &err), ARRAKIS_OK);
    expect_message(&table.schema, NULL, wanted, size, &at);
    expect_message(&table.header, &table.body, wanted, size, &at);
    ark_partition_clear(&table);
    for (size_t i = 0; i < 3; i++)
        arrakis_channel_unref(channels[i]);
}

static void a_rate_that_is_not_whole_is_refused_by_name(void **state)
{
    (void)state;
    static const double rates[] = {0.5, 16.25, 3e9};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        arrakis_channel *channel = make("H1:DYN-HALF", ARRAKIS_FLOAT64, rates[i]);
        ark_partition_table table;
        assert_int_equal(ark_partition_write(&table, &channel, 1, &err), ARRAKIS_EINVAL);
        assert_non_null(strstr(err.message, "H1:DYN-HALF"));
        ark_partition_clear(&table);
        arrakis_channel_unref(channel);
    }
}

static void a_message_of_flight_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t header[] = {1, 2, 3}, body[] = {4, 5, 6, 7};
    const ark_flight_data data = {header, body, sizeof header, sizeof body};
    ark_buffer descriptor = {0}, out = {0};
    ark_flight_data read;
    assert_int_equal(ark_flight_message_put_command(&descriptor, "{}", 2, &err), ARRAKIS_OK);
    assert_int_equal(ark_flight_message_put_data(&out, &descriptor, &data, &err), ARRAKIS_OK);
    static const uint8_t wanted[] = {0x0a, 6, 8, 2,    0x12, 2, '{', '}', 0x12, 3,
                                     1,    2, 3, 0xc2, 0x3e, 4, 4,   5,   6,    7};
    assert_int_equal(out.size, sizeof wanted);
    assert_memory_equal(out.data, wanted, sizeof wanted);
    assert_int_equal(ark_flight_message_read_data(&read, out.data, out.size, &err), ARRAKIS_OK);
    assert_memory_equal(read.header, header, sizeof header);
    assert_memory_equal(read.body, body, sizeof body);
    ark_buffer_clear(&descriptor);
    ark_buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_the_bytes_of_pyarrow),
        cmocka_unit_test(a_rate_that_is_not_whole_is_refused_by_name),
        cmocka_unit_test(a_message_of_flight_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
