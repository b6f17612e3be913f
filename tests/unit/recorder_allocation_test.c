/* SPDX-License-Identifier: Apache-2.0 */
/* A recorder whose channels change, where one allocation fails, then the next one, and so on
 * through all of them. In HDF5 but for those while libhdf5 is used, which ends the program: 1.10.8
 * calls exit(). */
#include "allocation.h"

#include <arrakis/file.h>

#include <ftw.h>
#include <sys/stat.h>

enum { GPS = 1400000000, BLOCKS = 8, CHANGE = 3, STRIDES = 4 /* per second */ };

static const channel_spec before[] = {{"X1:B", ARRAKIS_INT32, 16, "p", 0, SECOND / 4, SECOND},
                                      {"X1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
static const channel_spec after[] = {{"X1:B", ARRAKIS_INT32, 32, "p", 0, SECOND / 4, SECOND},
                                     {"X1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};

static char directory[64];

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

typedef struct recording {
    const char *format;
    arrakis_channels *channels;
    arrakis_block *blocks[BLOCKS];
} recording;

static arrakis_block *make_block(int i)
{
    static const int32_t numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const float value = (float)i;
    const channel_spec *specs = i < CHANGE ? before : after;
    const arrakis_series series[] = {
        {numbers, NULL, (size_t)specs[0].rate / STRIDES, ARRAKIS_INT32},
        {&value, NULL, 1, ARRAKIS_FLOAT32}};
    arrakis_channels *channels = channels_of(specs, 2);
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, GPS * SECOND + i * SECOND / STRIDES, SECOND / STRIDES,
                           series, err));
    arrakis_channels_unref(channels);
    return block;
}

/* The samples of H1:A that files have: each has its value, and comes once. Returns how many there
 * are. */
static int check_files(void)
{
    bool seen[BLOCKS] = {false};
    int there = 0;
    const char *paths[] = {directory};
    arrakis_channels *channels = channels_of(after + 1, 1);
    arrakis_file_reader *reader;
    arrakis_block *block;
    arrakis_status rc = arrakis_file_reader_open(&reader, paths, 1, channels, NULL);
    arrakis_channels_unref(channels);
    if (rc == ARRAKIS_ENOTFOUND)
        return 0;
    assert_int_equal(rc, ARRAKIS_OK);
    while ((rc = arrakis_file_reader_next(reader, &block, NULL)) == ARRAKIS_OK) {
        arrakis_series s = arrakis_block_series(block, 0);
        int64_t first = (arrakis_block_start_ns(block) - GPS * SECOND) / (SECOND / STRIDES);
        for (size_t k = 0; k < s.length; k++) {
            if (s.valid && !(s.valid[k / 8] >> k % 8 & 1))
                continue;
            size_t at = (size_t)first + k;
            assert_true(at < BLOCKS && !seen[at] && ((const float *)s.samples)[k] == (float)at);
            seen[at] = true;
            there++;
        }
        arrakis_block_unref(block);
    }
    assert_int_equal(rc, ARRAKIS_DONE);
    arrakis_file_reader_close(reader);
    return there;
}

static bool is_hdf5(const recording *r)
{
    return strcmp(r->format, "hdf5") == 0;
}

/* Whether libhdf5 is used when that block is taken: files of other channels begin, or a file ends
 * before its span does. */
static bool needs_libhdf5(const recording *r, int block)
{
    return is_hdf5(r) && (block == STRIDES || block == BLOCKS - 1);
}

static arrakis_recorder *open_recorder(const recording *r)
{
    arrakis_recorder *recorder;
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    options.directory = directory;
    options.format = r->format;
    options.name = "X-T";
    options.length_ns = 2 * SECOND;
    options.start_ns = GPS * SECOND;
    options.follow = 1;
    PASS(arrakis_recorder_open(&recorder, r->channels, &options, err));
    return recorder;
}

/* What failed once is done again; what was dropped for it is missing, and nothing else is wrong. */
static arrakis_status record(void *opaque)
{
    const recording *r = opaque;
    arrakis_status rc = ARRAKIS_OK;
    long n = until_failure;
    until_failure = -1;
    strcpy(directory, "recorder_allocation_test_XXXXXX");
    assert_non_null(mkdtemp(directory));
    arrakis_recorder *recorder = open_recorder(r);
    for (int i = 0; i < BLOCKS; i++) {
        const bool safe = !needs_libhdf5(r, i);
        until_failure = safe ? n : -1;
        arrakis_status once = arrakis_recorder_block(recorder, r->blocks[i], NULL);
        n = safe ? until_failure : n;
        if (once < 0) {
            rc = once;
            assert_int_equal(arrakis_recorder_block(recorder, r->blocks[i], NULL), ARRAKIS_OK);
        }
    }
    until_failure = -1;
    arrakis_recorder_stats stats = ARRAKIS_RECORDER_STATS_INIT;
    arrakis_recorder_get_stats(recorder, &stats);
    arrakis_recorder_close(recorder);
    if (strcmp(r->format, "arrow") != 0) {
        int there = check_files();
        assert_true(there == BLOCKS || stats.failed > 0);
    }
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return rc;
}

static void a_failed_allocation_costs_a_file_and_moves_no_sample(void **state)
{
    (void)state;
    static const char *const formats[] = {"gwf", "arrow", "hdf5"};
    recording r = {.channels = channels_of(before, 2)};
    for (int i = 0; i < BLOCKS; i++)
        r.blocks[i] = make_block(i);
    for (size_t f = 0; f < COUNT(formats); f++) {
        r.format = formats[f];
        fail_each_allocation(record, &r, 20, ARRAKIS_ENOMEM);
    }
    for (int i = 0; i < BLOCKS; i++)
        arrakis_block_unref(r.blocks[i]);
    arrakis_channels_unref(r.channels);
}

/* A file of HDF5 of one channel, 1 MiB of samples, while allocations of as many bytes as `limit`
 * fail. */
static size_t write_mebibyte(uint8_t *bytes, size_t room, size_t limit)
{
    enum { RATE = 65536 };
    static const channel_spec large[] = {
        {"X1:A", ARRAKIS_FLOAT64, RATE, "p", 0, SECOND / 2, SECOND}};
    static double values[RATE / 2] = {1, 2, 3};
    const arrakis_series series = {values, NULL, RATE / 2, ARRAKIS_FLOAT64};
    recording r = {.format = "hdf5", .channels = channels_of(large, 1)};
    char path[128];
    strcpy(directory, "recorder_allocation_test_XXXXXX");
    assert_non_null(mkdtemp(directory));
    arrakis_recorder *recorder = open_recorder(&r);
    for (int i = 0; i < 4; i++) {
        arrakis_block *block;
        PASS(arrakis_block_new(&block, r.channels, GPS * SECOND + i * SECOND / 2, SECOND / 2,
                               &series, err));
        too_large = limit;
        arrakis_status rc = arrakis_recorder_block(recorder, block, NULL);
        too_large = SIZE_MAX;
        assert_int_equal(rc, ARRAKIS_OK);
        arrakis_block_unref(block);
    }
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(r.channels);
    snprintf(path, sizeof path, "%s/X-T-%d-2.h5", directory, GPS);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return size;
}

static void without_memory_for_its_samples_a_file_is_the_same(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, ROOM = 2 * MIB };
    uint8_t *with = malloc(ROOM), *without = malloc(ROOM);
    assert_true(with && without);
    failed = false;
    size_t size = write_mebibyte(with, ROOM, SIZE_MAX);
    assert_true(size > MIB && size < ROOM && !failed);
    assert_int_equal(write_mebibyte(without, ROOM, MIB), size);
    assert_true(failed);
    assert_memory_equal(with, without, size);
    free(with);
    free(without);
}

static void no_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)level;
    (void)message;
    (void)opaque;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_costs_a_file_and_moves_no_sample),
        cmocka_unit_test(without_memory_for_its_samples_a_file_is_the_same),
    };
    arrakis_log_set(ARRAKIS_LOG_ERROR, no_line, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
