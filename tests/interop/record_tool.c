/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder of an Arrow stream of blocks, for test_record.py.
 *
 * usage: record_tool CHANNELS DIRECTORY FORMAT LENGTH COMPRESSION NAME START [empty]
 * stdout: the stride that blocks must have, in nanoseconds; then, after the end of stdin, the counts. */
#include <arrakis/arrow.h>
#include <arrakis/file.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(arrakis_status rc, const arrakis_error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", arrakis_status_name(rc), err->message);
        exit(1);
    }
}

static void record_blocks(arrakis_recorder *recorder, arrakis_arrow_reader *reader)
{
    arrakis_error err;
    arrakis_block *block;
    arrakis_status rc;
    while ((rc = arrakis_arrow_reader_next(reader, &block, &err)) == ARRAKIS_OK) {
        check(arrakis_recorder_block(recorder, block, &err), &err);
        arrakis_block_unref(block);
    }
    check(rc, &err);
}

static void record_stdin(arrakis_recorder *recorder, arrakis_channels *channels)
{
    static char piece[1 << 20];
    arrakis_error err;
    arrakis_arrow_reader *reader;
    ssize_t n;
    check(arrakis_arrow_reader_new(&reader, channels, &err), &err);
    while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
        check(arrakis_arrow_reader_push(reader, piece, (size_t)n, &err), &err);
        record_blocks(recorder, reader);
    }
    arrakis_arrow_reader_finish(reader);
    record_blocks(recorder, reader);
    arrakis_arrow_reader_free(reader);
}

int main(int argc, char **argv)
{
    arrakis_error err;
    arrakis_channels *channels;
    arrakis_recorder *recorder;
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    arrakis_recorder_stats stats = ARRAKIS_RECORDER_STATS_INIT;
    if (argc < 8)
        return 2;
    options.directory = argv[2];
    options.format = argv[3];
    options.length_ns = strtoll(argv[4], NULL, 10) * ARRAKIS_SECOND_NS;
    options.compression = strtoll(argv[5], NULL, 10);
    options.name = argv[6];
    options.start_ns = strtoll(argv[7], NULL, 10) * ARRAKIS_SECOND_NS;
    options.write_empty = argc > 8 && strcmp(argv[8], "empty") == 0;
    check(arrakis_channels_load(&channels, argv[1], &err), &err);
    check(arrakis_recorder_open(&recorder, channels, &options, &err), &err);
    printf("%" PRId64 "\n", arrakis_recorder_stride_ns(recorder));
    fflush(stdout);
    record_stdin(recorder, channels);
    check(arrakis_recorder_finish(recorder, &err), &err);
    arrakis_recorder_get_stats(recorder, &stats);
    printf("{\"files\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"empty\": %" PRIu64
           ", \"samples\": %" PRIu64 ", \"missing\": %" PRIu64 "}\n",
           stats.files, stats.failed, stats.empty, stats.samples, stats.missing);
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
    return 0;
}
