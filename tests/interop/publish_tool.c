/* SPDX-License-Identifier: Apache-2.0 */
/* usage: publish_tool BROKER PUBLISHER CHANNELS.jsonl [REPLAY] < blocks
 *
 * BROKER may be a server, grpc://host:port, and then CHANNELS.jsonl may be "-": what the server has.
 * Publish blocks through the public header. Each line of standard input is a block:
 *     {"time_ns": T, "duration_ns": D, "data": {name: {"hex": samples, "valid": "1101..."}}}
 * with the samples' bytes in hexadecimal and one digit a sample, "valid" absent when all are there.
 * Each is answered by a line "ARRAKIS_OK" or "<status>: <text>".
 */
#include <arrakis/arrakis.h>

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The memory of one block's series, until the block has been made. */
typedef struct arena {
    arrakis_series *series;
    void **owned;
    size_t count;
} arena;

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static uint8_t *from_hex(const char *text, size_t *size)
{
    *size = strlen(text) / 2;
    uint8_t *bytes = malloc(*size + 1);
    for (size_t i = 0; bytes && i < *size; i++)
        bytes[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    return bytes;
}

static uint8_t *from_digits(const char *text)
{
    size_t n = strlen(text);
    uint8_t *bits = calloc(n / 8 + 1, 1);
    for (size_t i = 0; bits && i < n; i++) {
        if (text[i] == '1')
            bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
    }
    return bits;
}

static void arena_free(arena *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->owned[i]);
    free(a->owned);
    free(a->series);
    *a = (arena){0};
}

/* The block's channels, out of those known, and their series. */
static arrakis_status read_series(arrakis_channels *mine, arena *a, json_t *data,
                                  const arrakis_channels *known, arrakis_error *err)
{
    size_t n = json_object_size(data);
    a->series = calloc(n + 1, sizeof *a->series);
    a->owned = calloc(2 * n + 1, sizeof *a->owned);
    const char *name;
    json_t *value;
    json_object_foreach(data, name, value)
    {
        int64_t at = arrakis_channels_index(known, name);
        if (!a->series || !a->owned || at < 0) {
            snprintf(err->message, sizeof err->message, "tool: unknown channel %s", name);
            return ARRAKIS_ENOTFOUND;
        }
        arrakis_channel *channel = arrakis_channels_get(known, (size_t)at);
        arrakis_status rc = arrakis_channels_add(mine, channel, err);
        if (rc < 0)
            return rc;
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(channel, &info);
        arrakis_series *s = &a->series[arrakis_channels_count(mine) - 1];
        size_t size = 0;
        uint8_t *samples = from_hex(json_string_value(json_object_get(value, "hex")), &size);
        const char *digits = json_string_value(json_object_get(value, "valid"));
        uint8_t *valid = digits ? from_digits(digits) : NULL;
        a->owned[a->count++] = samples;
        a->owned[a->count++] = valid;
        *s = (arrakis_series){samples, valid, size / arrakis_dtype_size(info.dtype), info.dtype};
    }
    return ARRAKIS_OK;
}

static arrakis_status publish_line(arrakis_publisher *publisher, const arrakis_channels *known,
                                   const json_t *line, arrakis_error *err)
{
    arena a = {0};
    arrakis_channels *mine = NULL;
    arrakis_block *block = NULL;
    arrakis_status rc = arrakis_channels_new(&mine, err);
    if (rc >= 0)
        rc = read_series(mine, &a, json_object_get(line, "data"), known, err);
    if (rc >= 0)
        rc = arrakis_block_new(&block, mine, json_integer_value(json_object_get(line, "time_ns")),
                               json_integer_value(json_object_get(line, "duration_ns")), a.series,
                               err);
    if (rc >= 0)
        rc = arrakis_publisher_publish(publisher, block, 20000, err);
    arrakis_block_unref(block);
    arrakis_channels_unref(mine);
    arena_free(&a);
    return rc;
}

static arrakis_status publish_all(const arrakis_connection *to,
                                  const arrakis_publisher_options *options, arrakis_error *err)
{
    arrakis_publisher *publisher = NULL;
    arrakis_status rc = arrakis_publisher_open(&publisher, to, options, err);
    if (rc < 0)
        return rc;
    char *text = NULL;
    size_t capacity = 0;
    while (getline(&text, &capacity, stdin) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        arrakis_status status =
            publish_line(publisher, arrakis_publisher_channels(publisher), line, err);
        printf("%s%s%s\n", arrakis_status_name(status), status < 0 ? ": " : "",
               status < 0 ? err->message : "");
        fflush(stdout);
        json_decref(line);
    }
    free(text);
    arrakis_publisher_close(publisher);
    return ARRAKIS_OK;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s BROKER PUBLISHER CHANNELS.jsonl [REPLAY] < blocks\n", argv[0]);
        return 2;
    }
    arrakis_error err = {ARRAKIS_OK, ""};
    arrakis_channels *channels = NULL;
    arrakis_status rc = ARRAKIS_OK;
    if (strcmp(argv[3], "-") != 0)
        rc = arrakis_channels_load(&channels, argv[3], &err);
    if (rc >= 0) {
        arrakis_connection to = ARRAKIS_CONNECTION_INIT;
        arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
        if (strncmp(argv[1], "grpc", 4) == 0)
            to.url = argv[1];
        else
            to.kafka_url = argv[1];
        options.publisher_id = argv[2];
        options.channels = channels;
        options.replay_id = argc > 4 ? argv[4] : NULL;
        rc = publish_all(&to, &options, &err);
    }
    arrakis_channels_unref(channels);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", arrakis_status_name(rc), err.message);
    return rc < 0;
}
