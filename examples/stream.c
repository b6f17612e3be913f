/* SPDX-License-Identifier: Apache-2.0 */
/* Print when each block begins and the first sample of each channel: stream [-n BLOCKS] [-m
 * CHANNELS] BROKER NAME... CHANNELS is a file as `arrakis-cli describe --json` prints it; without
 * it, the broker is asked. */
#include <arrakis/arrakis.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static arrakis_error err;

static void check(arrakis_status rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

/* Print one sample of any type. */
static void print_sample(arrakis_series s)
{
    if (s.dtype == ARRAKIS_FLOAT32)
        printf("%g", (double)*(const float *)s.samples);
    else if (s.dtype == ARRAKIS_FLOAT64)
        printf("%g", *(const double *)s.samples);
    else if (s.dtype == ARRAKIS_INT32)
        printf("%" PRId32, *(const int32_t *)s.samples);
    else if (s.dtype == ARRAKIS_UINT32)
        printf("%" PRIu32, *(const uint32_t *)s.samples);
    else
        printf("(%s)", arrakis_dtype_name(s.dtype)); /* and so on */
}

static void print_block(const arrakis_block *block)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    printf("%" PRId64, arrakis_block_start_ns(block));
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        arrakis_series series = arrakis_block_series(block, i);
        printf(" %s=", arrakis_channel_name(arrakis_channels_get(channels, i)));
        if (series.valid && !(series.valid[0] & 1)) /* bit 0 is that of the first sample */
            printf("missing");
        else
            print_sample(series);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    arrakis_request request = ARRAKIS_REQUEST_INIT; /* live, gaps filled */
    arrakis_client *client;
    arrakis_stream *stream;
    arrakis_block *block;
    long blocks = 16;
    for (int option; (option = getopt(argc, argv, "n:m:")) != -1;)
        if (option == 'n')
            blocks = atol(optarg);
        else
            options.metadata_path = optarg;
    if (optind + 2 > argc)
        return fprintf(stderr, "usage: %s [-n BLOCKS] [-m CHANNELS] BROKER NAME...\n", argv[0]), 2;
    to.kafka_url = argv[optind++];
    const char *const *names = (const char *const *)argv + optind;
    check(arrakis_client_open(&client, &to, &options, &err));
    check(arrakis_client_stream(client, &stream, names, (size_t)(argc - optind), &request, &err));
    arrakis_client_close(client); /* the stream does not need it */
    arrakis_status rc = ARRAKIS_OK;
    for (; blocks > 0; blocks--) {
        rc = arrakis_stream_next(stream, -1, &block, &err);
        if (rc != ARRAKIS_OK) /* an error or DONE: block is NULL */
            break;
        print_block(block);
        arrakis_block_unref(block);
    }
    arrakis_stream_close(stream);
    check(rc);
    return 0;
}
