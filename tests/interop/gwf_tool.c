/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files for tests/interop/test_gwf.py.
 *
 *     gwf_tool write FILE LEVEL EXPERIMENT    out of what stdin has, until its end:
 *         channel NAME DTYPE RATE             the name in hexadecimal; all before the first frame
 *         frame START_NS DURATION_NS
 *         add COUNT MASKED                    then the samples and, if MASKED is 1, their bitmap
 *     gwf_tool read FILE                      to stdout, a line per channel and frame:
 *         FRAME_START_NS FRAME_DURATION_NS NAME DTYPE RATE START_NS COUNT MASKED
 *                                             then the samples, and the bitmap as above; or
 *         FRAME_START_NS FRAME_DURATION_NS NAME error TEXT
 */
#include "gwf/reader.h"
#include "gwf/writer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANNELS_MAX = 10000, SAMPLES_MAX = 1 << 30 };

static ark_gwf_channel channels[CHANNELS_MAX];
static size_t channel_count;
static ark_gwf_writer *writer;
static arrakis_error err;

static int fail_tool(void)
{
    fprintf(stderr, "%s: %s\n", arrakis_status_name(err.status), err.message);
    return 1;
}

static char *from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    char *text = calloc(1, size + 1);
    for (size_t i = 0; text && i < size; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        text[i] = (char)byte;
    }
    return text;
}

static void *read_stdin(size_t size)
{
    void *bytes = malloc(size + 1);
    if (!bytes || fread(bytes, 1, size, stdin) != size)
        abort();
    return bytes;
}

static int add_samples(size_t number, size_t count, int masked)
{
    void *samples = read_stdin(count * arrakis_dtype_size(channels[number].dtype));
    uint8_t *valid = masked ? read_stdin((count + 7) / 8) : NULL;
    arrakis_status rc = ark_gwf_writer_add(writer, samples, count, valid, &err);
    free(samples);
    free(valid);
    return rc < 0 ? fail_tool() : 0;
}

static int write_file(int fd, int level, const char *experiment)
{
    static char line[200000], word[150000], name[32];
    ark_gwf_writer_options options = {experiment, level};
    double rate;
    int64_t start, duration;
    size_t count, next = 0;
    int masked;
    bool begun = false;
    uint64_t size;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "channel %149999s %31s %lg", word, name, &rate) == 3) {
            if (channel_count == CHANNELS_MAX)
                return 2;
            channels[channel_count++] =
                (ark_gwf_channel){from_hex(word), arrakis_dtype_parse(name), rate};
        } else if (sscanf(line, "frame %" SCNd64 " %" SCNd64, &start, &duration) == 2) {
            if (!writer &&
                ark_gwf_writer_new(&writer, &options, channels, channel_count, &err) < 0)
                return fail_tool();
            if (!begun && ark_gwf_writer_begin(writer, fd, &err) < 0)
                return fail_tool();
            begun = true;
            if (ark_gwf_writer_frame(writer, start, duration, &err) < 0)
                return fail_tool();
            next = 0;
        } else if (sscanf(line, "add %zu %d", &count, &masked) == 2) {
            if (add_samples(next++, count, masked) != 0)
                return 1;
        } else {
            fprintf(stderr, "%s", line);
            return 2;
        }
    }
    return ark_gwf_writer_end(writer, &size, &err) < 0 ? fail_tool() : 0;
}

static void print_name(const char *name)
{
    for (; *name; name++)
        printf("%02x", (unsigned char)*name);
    putchar(' ');
}

static void print_series(ark_gwf_reader *reader, size_t frame, size_t i)
{
    const ark_gwf_series *series = ark_gwf_reader_series(reader, frame, i);
    int64_t start, duration;
    size_t count;
    ark_gwf_samples samples;
    ark_gwf_reader_frame(reader, frame, &start, &duration, &count);
    printf("%" PRId64 " %" PRId64 " ", start, duration);
    print_name(series->name);
    if (ark_gwf_reader_read(reader, frame, i, &samples, &err) < 0) {
        printf("error %s\n", err.message);
        return;
    }
    printf("%s %.17g %" PRId64 " %zu %d\n", arrakis_dtype_name(series->dtype), series->rate,
           series->start_ns, series->count, samples.valid != NULL);
    fwrite(samples.samples, arrakis_dtype_size(series->dtype), series->count, stdout);
    if (samples.valid)
        fwrite(samples.valid, 1, (series->count + 7) / 8, stdout);
}

static int print_file(int fd)
{
    ark_gwf_reader *reader;
    if (ark_gwf_reader_new(&reader, fd, SAMPLES_MAX, &err) < 0 ||
        ark_gwf_reader_check(reader, &err) < 0)
        return fail_tool();
    for (size_t frame = 0; frame < ark_gwf_reader_frames(reader); frame++) {
        int64_t start, duration;
        size_t count;
        ark_gwf_reader_frame(reader, frame, &start, &duration, &count);
        for (size_t i = 0; i < count; i++)
            print_series(reader, frame, i);
    }
    ark_gwf_reader_free(reader);
    return 0;
}

int main(int argc, char **argv)
{
    bool writes = argc == 5 && strcmp(argv[1], "write") == 0;
    if (!writes && !(argc == 3 && strcmp(argv[1], "read") == 0)) {
        fprintf(stderr, "usage: %s write FILE LEVEL EXPERIMENT | read FILE\n", argv[0]);
        return 2;
    }
    int fd = open(argv[2], writes ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY, 0644);
    if (fd < 0) {
        perror(argv[2]);
        return 2;
    }
    int status = writes ? write_file(fd, atoi(argv[3]), argv[4]) : print_file(fd);
    ark_gwf_writer_free(writer);
    for (size_t i = 0; i < channel_count; i++)
        free((void *)(uintptr_t)channels[i].name);
    close(fd);
    return status;
}
