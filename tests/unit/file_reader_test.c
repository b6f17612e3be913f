/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a recorder wrote are read back, whole and damaged. tests/broker/test_record.py plays
 * them. */
#include "file/disk.h"
#include "file/input_block.h"
#include "file/span_name.h"

#include <arrakis/file.h>

#include "support.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GPS INT64_C(1400000000)
enum { LENGTH = 4 };

static char directory[64];

static const channel_spec three[] = {
    {"H1:A/%", ARRAKIS_FLOAT32, 64, "p", 0, SECOND / 16, SECOND},
    {"H1:B", ARRAKIS_INT16, 16, "p", 1, SECOND / 16, SECOND},
    {"H1:C", ARRAKIS_FLOAT64, 16, "p", 2, SECOND / 16, SECOND},
};

static const struct form {
    const char *format, *extension;
    int64_t compression;
} forms[] = {{"hdf5", "h5", 0},
             {"hdf5", "h5", 1},
             {"gwf", "gwf", 0},
             {"gwf", "gwf", 1},
             {"arrow", "arrow", 0}};

/* ------------------------------------------------------------------ a directory */

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "file_reader_test_XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int clear_directory(void **state)
{
    (void)state;
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void clear_files(void)
{
    clear_directory(NULL);
    assert_int_equal(mkdir(directory, 0700), 0);
}

static const char *path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", directory, name);
    return path;
}

static void put_file(const char *name, const void *bytes, size_t size)
{
    char path[256];
    int fd = open(path_of(path, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static uint8_t *get_file(const char *name, size_t *size)
{
    char path[256];
    struct stat about;
    int fd = open(path_of(path, name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    *size = (size_t)about.st_size;
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, *size), (ssize_t)*size);
    close(fd);
    return bytes;
}

/* ------------------------------------------------------------------ what is recorded */

/* Sample k of a channel since the first file's start, and whether it is there. */
static double sample_of(size_t channel, int64_t k)
{
    return (double)(k % 251) + (double)channel;
}

static bool is_there(size_t channel, int64_t k)
{
    if (channel == 1)
        return k / 16 != 1; /* a second is missing */
    return channel == 0 ? k % 7 != 3 : true;
}

static void set_sample(void *samples, arrakis_dtype dtype, size_t i, double value)
{
    if (dtype == ARRAKIS_FLOAT32)
        ((float *)samples)[i] = (float)value;
    else if (dtype == ARRAKIS_INT16)
        ((int16_t *)samples)[i] = (int16_t)value;
    else
        ((double *)samples)[i] = value;
}

static double get_sample(const arrakis_series *s, size_t i)
{
    return s->dtype == ARRAKIS_FLOAT32 ? (double)((const float *)s->samples)[i]
           : s->dtype == ARRAKIS_INT16 ? (double)((const int16_t *)s->samples)[i]
                                       : ((const double *)s->samples)[i];
}

static void add_block(arrakis_recorder *recorder, arrakis_channels *channels, int64_t start_ns)
{
    static double room[3][64 * LENGTH];
    uint8_t valid[3][8 * LENGTH] = {0};
    arrakis_series series[3];
    int64_t stride_ns = arrakis_recorder_stride_ns(recorder);
    for (size_t c = 0; c < 3; c++) {
        size_t count = (size_t)(three[c].rate * (double)stride_ns / 1e9);
        int64_t first = (int64_t)(three[c].rate * (double)(start_ns - GPS * SECOND) / 1e9);
        for (size_t i = 0; i < count; i++) {
            set_sample(room[c], three[c].dtype, i, sample_of(c, first + (int64_t)i));
            if (is_there(c, first + (int64_t)i))
                valid[c][i / 8] = (uint8_t)(valid[c][i / 8] | 1u << i % 8);
        }
        series[c] = (arrakis_series){room[c], valid[c], count, three[c].dtype};
    }
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, start_ns, stride_ns, series, err));
    PASS(arrakis_recorder_block(recorder, block, err));
    arrakis_block_unref(block);
}

/* Record files in a row. Returns false where the library has no HDF5. */
static bool record(const struct form *form, int64_t gps, int64_t files)
{
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    options.directory = directory;
    options.format = form->format;
    options.name = "H-H1_T";
    options.length_ns = LENGTH * SECOND;
    options.start_ns = gps * SECOND;
    options.compression = form->compression;
    arrakis_channels *channels = channels_of(three, 3);
    arrakis_recorder *recorder;
    arrakis_error err;
    arrakis_status rc = arrakis_recorder_open(&recorder, channels, &options, &err);
    if (rc >= 0)
        for (int64_t t = gps * SECOND; t < (gps + files * LENGTH) * SECOND;
             t += arrakis_recorder_stride_ns(recorder))
            add_block(recorder, channels, t);
    else if (rc != ARRAKIS_EUNSUPPORTED)
        fail_msg("%s", err.message);
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
    return rc >= 0;
}

/* ------------------------------------------------------------------ reading */

static arrakis_status open_reader(arrakis_file_reader **reader, const char *path,
                                  const channel_spec *specs, size_t count, arrakis_error *err)
{
    arrakis_channels *channels = channels_of(specs, count);
    arrakis_status rc = arrakis_file_reader_open(reader, &path, 1, channels, err);
    arrakis_channels_unref(channels);
    return rc;
}

static void check_block(const arrakis_block *block)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    assert_int_equal(arrakis_channels_count(channels), 3);
    for (size_t c = 0; c < 3; c++) {
        int64_t at = arrakis_channels_index(channels, three[c].name);
        assert_true(at >= 0);
        arrakis_series s = arrakis_block_series(block, (size_t)at);
        int64_t first = (int64_t)(three[c].rate *
                                  (double)(arrakis_block_start_ns(block) - GPS * SECOND) / 1e9);
        for (size_t i = 0; i < s.length; i++) {
            bool there = !s.valid || (s.valid[i / 8] >> i % 8 & 1);
            assert_int_equal(there, is_there(c, first + (int64_t)i));
            if (there)
                assert_true(get_sample(&s, i) == sample_of(c, first + (int64_t)i));
        }
    }
}

static void read_all(arrakis_file_reader *reader, int64_t gps, int64_t files)
{
    int64_t next_ns = gps * SECOND;
    for (;;) {
        arrakis_error err;
        arrakis_block *block;
        arrakis_status rc = arrakis_file_reader_next(reader, &block, &err);
        if (rc == ARRAKIS_DONE)
            break;
        if (rc < 0)
            fail_msg("%s", err.message);
        assert_int_equal(arrakis_block_start_ns(block), next_ns);
        next_ns += arrakis_block_duration_ns(block);
        check_block(block);
        arrakis_block_unref(block);
    }
    assert_int_equal(next_ns, (gps + files * LENGTH) * SECOND);
}

static void every_format_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        arrakis_file_reader *reader;
        if (!record(&forms[i], GPS, 3))
            continue;
        PASS(open_reader(&reader, directory, three, 3, err));
        assert_int_equal(arrakis_file_reader_start_ns(reader), GPS * SECOND);
        assert_int_equal(arrakis_file_reader_end_ns(reader), (GPS + 3 * LENGTH) * SECOND);
        read_all(reader, GPS, 3);
        arrakis_file_reader_rewind(reader); /* from the end, and once more from within */
        arrakis_block *block;
        PASS(arrakis_file_reader_next(reader, &block, err));
        arrakis_block_unref(block);
        arrakis_file_reader_rewind(reader);
        read_all(reader, GPS, 3);
        arrakis_file_reader_close(reader);
        clear_files();
    }
}

/* Other channels of HDF5 and GWF are passed over; an Arrow file must have no others. */
static void what_is_not_wanted_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        arrakis_file_reader *reader = NULL;
        arrakis_block *block;
        if (!record(&forms[i], GPS, 1))
            continue;
        PASS(open_reader(&reader, directory, three + 1, 1, err));
        if (strcmp(forms[i].format, "arrow") == 0) {
            FAIL(arrakis_file_reader_next(reader, &block, err), ARRAKIS_ENOTFOUND,
                 "-4.arrow: column 'H1:A/%'");
        } else {
            PASS(arrakis_file_reader_next(reader, &block, err));
            assert_int_equal(arrakis_channels_count(arrakis_block_channels(block)), 1);
            arrakis_block_unref(block);
        }
        arrakis_file_reader_close(reader);
        clear_files();
    }
}

static arrakis_status read_first(const channel_spec *spec, size_t count, arrakis_error *err)
{
    arrakis_file_reader *reader;
    arrakis_block *block = NULL;
    arrakis_status rc = open_reader(&reader, directory, spec, count, err);
    if (rc >= 0)
        rc = arrakis_file_reader_next(reader, &block, err);
    arrakis_block_unref(block);
    arrakis_file_reader_close(reader);
    return rc;
}

static void another_type_or_rate_is_told(void **state)
{
    (void)state;
    channel_spec other[3];
    for (size_t i = 0; i < COUNT(forms); i++) {
        if (!record(&forms[i], GPS, 1))
            continue;
        memcpy(other, three, sizeof other);
        other[1].dtype = ARRAKIS_UINT16;
        FAIL(read_first(other, 3, err), ARRAKIS_EMISMATCH, "H1:B");
        other[1] = three[1];
        other[1].rate = 32;
        FAIL(read_first(other, 3, err), ARRAKIS_EMISMATCH, "H1:B");
        other[1].name = "H1:D";
        FAIL(read_first(other + 1, 1, err), ARRAKIS_ENOTFOUND, "");
        clear_files();
    }
}

/* Record a file of a channel that has no sample, which is short on the disk. Returns false where the
 * library has no HDF5. */
static bool record_empty(const channel_spec *spec, int64_t length_ns)
{
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    options.directory = directory;
    options.name = "H-H1_T";
    options.length_ns = length_ns;
    options.start_ns = GPS * SECOND;
    options.write_empty = 1;
    arrakis_channels *channels = channels_of(spec, 1);
    arrakis_recorder *recorder;
    arrakis_error error;
    arrakis_status rc = arrakis_recorder_open(&recorder, channels, &options, &error);
    if (rc >= 0) {
        arrakis_block *block;
        int64_t stride_ns = arrakis_recorder_stride_ns(recorder);
        arrakis_series none = {.length = (size_t)(spec->rate * ((double)stride_ns / 1e9))};
        int64_t after_ns = GPS * SECOND + length_ns;
        PASS(arrakis_block_new(&block, channels, after_ns, stride_ns, &none, err));
        PASS(arrakis_recorder_block(recorder, block, err));
        arrakis_block_unref(block);
    } else if (rc != ARRAKIS_EUNSUPPORTED) {
        fail_msg("%s", error.message);
    }
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
    return rc >= 0;
}

/* More samples of a channel than a block may have. The first block is read: all of them take a minute
 * with sanitizers. */
static void a_file_may_have_over_two_billion_samples(void **state)
{
    (void)state;
    static const channel_spec fast = {"H1:A", ARRAKIS_INT8, 1 << 24, "p", 0, SECOND / 16, SECOND};
    arrakis_file_reader *reader;
    arrakis_block *block;
    if (!record_empty(&fast, 160 * SECOND))
        return;
    PASS(open_reader(&reader, directory, &fast, 1, err));
    PASS(arrakis_file_reader_next(reader, &block, err));
    arrakis_series series = arrakis_block_series(block, 0);
    assert_true(series.length > 0);
    assert_int_equal(arrakis_series_missing(series), series.length);
    arrakis_block_unref(block);
    arrakis_file_reader_close(reader);
}

/* ------------------------------------------------------------------ which files */

static void files_follow_each_other(void **state)
{
    (void)state;
    char a[256], b[256], c[256];
    const struct form *arrow = &forms[COUNT(forms) - 1];
    arrakis_channels *channels = channels_of(three, 3);
    arrakis_file_reader *reader;
    assert_true(record(arrow, GPS, 2));
    const char *paths[] = {path_of(a, "H-H1_T-1400000004-4.arrow"),
                           path_of(b, "H-H1_T-1400000000-4.arrow"), directory};
    PASS(arrakis_file_reader_open(&reader, paths, 2, channels, err));
    read_all(reader, GPS, 2);
    arrakis_file_reader_close(reader);
    FAIL(arrakis_file_reader_open(&reader, paths, 3, channels, err), ARRAKIS_EINVAL,
         "some time in common");
    assert_int_equal(rename(paths[0], path_of(c, "later.arrow")), 0);
    paths[0] = c;
    FAIL(arrakis_file_reader_open(&reader, paths, 2, channels, err), ARRAKIS_EINVAL,
         "later.arrow: one of several files");
    PASS(arrakis_file_reader_open(&reader, paths, 1, channels, err));
    read_all(reader, GPS + LENGTH, 1);
    arrakis_file_reader_close(reader);
    arrakis_channels_unref(channels);
}

static void what_is_no_such_file_is_told(void **state)
{
    (void)state;
    char path[256];
    arrakis_file_reader *reader;
    FAIL(open_reader(&reader, directory, three, 3, err), ARRAKIS_ENOTFOUND, directory);
    FAIL(open_reader(&reader, path_of(path, "none.h5"), three, 3, err), ARRAKIS_EIO, "none.h5");
    assert_int_equal(mkfifo(path_of(path, "pipe"), 0600), 0);
    FAIL(open_reader(&reader, path, three, 3, err), ARRAKIS_EIO, "not a file");
    put_file("H-H1_T-1400000000-4.h5", "text", 4);
    FAIL(open_reader(&reader, directory, three, 3, err), ARRAKIS_EFORMAT,
         "-4.h5: it begins with 'text', expected HDF5, GWF or Arrow");
    put_file("H-H1_T-1400000000-4.h5", "", 0);
    FAIL(open_reader(&reader, directory, three, 3, err), ARRAKIS_EFORMAT, "-4.h5");
}

/* ------------------------------------------------------------------ bounds */

/* Not one byte more, wherever the block has got to. */
static void a_block_has_at_most_a_gibibyte(void **state)
{
    (void)state;
    static const channel_spec bytes = {"X:A", ARRAKIS_INT8, 16, "p", 0, SECOND, SECOND};
    arrakis_channels *channels = channels_of(&bytes, 1);
    for (size_t left = 0; left < 64; left += 8) {
        void *samples;
        uint8_t *valid;
        ark_input_block b = {.known = channels};
        PASS(ark_input_block_begin(&b, 2, err));
        b.bytes.size = ARK_INPUT_BLOCK_MAX - left; /* as if so much had been added */
        FAIL(ark_input_block_add(&b, 0, left, &samples, &valid, err), ARRAKIS_EUNSUPPORTED,
             "a block of more than");
        FAIL(ark_input_block_add(&b, 0, SIZE_MAX, &samples, &valid, err), ARRAKIS_EUNSUPPORTED,
             "a block of more than");
        FAIL(ark_input_block_add(&b, 0, ARK_INPUT_BLOCK_MAX, &samples, &valid, err),
             ARRAKIS_EUNSUPPORTED, "a block of more than");
        b.bytes.size = 0;
        ark_input_block_clear(&b);
    }
    arrakis_channels_unref(channels);
}

static size_t find_bytes(const uint8_t *bytes, size_t size, const char *wanted, size_t length)
{
    const uint8_t *found = memmem(bytes, size, wanted, length);
    assert_non_null(found);
    return (size_t)(found - bytes);
}

/* What is allocated and inflated for a chunk has a measure: the samples that there are. */
static void a_chunk_has_a_size_that_fits(void **state)
{
    (void)state;
    enum { LAYOUT_ADDRESS = 3, NODE_FIRST_SIZE = 24, BEYOND = 1 << 17 };
    static const char name[] = "H-H1_T-1400000000-4.h5";
    size_t size;
    if (!record(&forms[1], GPS, 1))
        return;
    uint8_t *bytes = get_file(name, &size), *other = calloc(1, size + BEYOND);
    assert_non_null(other);
    memcpy(other, bytes, size);
    uint8_t *layout = other + find_bytes(bytes, size, "\3\2\2", 3) + LAYOUT_ADDRESS;
    memset(layout, 0xff, 8);                   /* of its chunks: none is there */
    memcpy(layout + 8, "\x01\x00\x10\x00", 4); /* more than 1 MiB, with samples of a byte, too */
    put_file(name, other, size);
    FAIL(read_first(three, 3, err), ARRAKIS_EUNSUPPORTED, "a chunk of 1048577 samples");
    memcpy(other, bytes, size);
    memcpy(other + find_bytes(bytes, size, "TREE\1", 5) + NODE_FIRST_SIZE, "\0\0\1\0", 4);
    put_file(name, other, size + BEYOND);
    FAIL(read_first(three, 3, err), ARRAKIS_EFORMAT, "65536 bytes of compressed samples");
    free(bytes);
    free(other);
}

/* Let a file be as long as that, with a hole at its end. */
static void put_hole(const char *name, off_t size)
{
    char path[256];
    assert_int_equal(truncate(path_of(path, name), size), 0);
}

static void holes_are_not_held(void **state)
{
    (void)state;
    static const uint8_t bytes[3 * 4096] = {1};
    const uint64_t far = UINT64_C(1) << 30;
    int fd = memfd_create("holes", MFD_CLOEXEC), pipe_fds[2];
    assert_true(fd >= 0 && pipe(pipe_fds) == 0);
    assert_int_equal(ark_disk_held(fd, 0), 0);
    assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    assert_int_equal(ark_disk_held(fd, sizeof bytes), sizeof bytes);
    assert_int_equal(ark_disk_held(fd, 10), 10);
    assert_int_equal(ftruncate(fd, (off_t)far), 0);
    assert_true(ark_disk_held(fd, far) < far / 2); /* at least a page of whatever size */
    assert_true(ark_disk_held(fd, far) >= sizeof bytes);
    uint64_t before = ark_disk_held(fd, far);
    assert_int_equal(pwrite(fd, bytes, sizeof bytes, (off_t)(far - sizeof bytes)),
                     (ssize_t)sizeof bytes);
    assert_int_equal(ark_disk_held(fd, far), 2 * before);
    assert_int_equal(ark_disk_held(pipe_fds[0], far), far); /* it cannot tell */
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(fd);
}

/* A hole costs nothing on the disk: what is allocated for chunks has another measure. */
static void chunks_of_a_hole_are_not_described(void **state)
{
    (void)state;
    enum { LAYOUT_SIZE = 3 + 8 + 4 };
    static const char name[] = "H-H1_T-1400000000-4.h5", layout[] = "\3\2\2";
    static const uint8_t space[16] = {1, 1, 1, 0, 0, 0, 0, 0, 0, 1}; /* of 256 samples */
    const uint64_t many = UINT64_C(1) << 27;
    size_t size;
    if (!record(&forms[1], GPS, 1))
        return;
    uint8_t *bytes = get_file(name, &size);
    memcpy(bytes + find_bytes(bytes, size, (const char *)space, sizeof space) + 8, &many,
           sizeof many);
    for (uint8_t *at = bytes; (at = memmem(at, size - (size_t)(at - bytes), layout, 3));
         at += LAYOUT_SIZE) {
        memset(at + 3, 0xff, 8); /* none is there */
        memcpy(at + 3 + 8, "\1\0\0\0", 4);
    }
    put_file(name, bytes, size);
    put_hole(name, 1 << 30);
    FAIL(
        read_first(three, 3, err), ARRAKIS_EUNSUPPORTED,
        "it has 134217728 chunks, expected at most one per 8 bytes that the file has on the disk");
    free(bytes);
}

/* Nodes of an index of links, each of whose entries is the next one: more ways than ever end. */
static void put_maze(uint8_t *to, uint64_t at)
{
    enum { LEVELS = 16, ENTRIES = 60, NODE = 1024, HEAD = 24 };
    for (uint64_t i = 0; i < LEVELS; i++) {
        const uint64_t next = at + (i + 1) * NODE;
        uint8_t *node = to + i * NODE;
        memcpy(node, "TREE\0", 5);
        node[5] = (uint8_t)(LEVELS - 1 - i);
        node[6] = i + 1 < LEVELS ? ENTRIES : 0;
        for (size_t entry = 0; entry < node[6]; entry++)
            memcpy(node + HEAD + 8 + 16 * entry, &next, sizeof next);
    }
}

/* How many steps are taken has that measure, too. */
static void a_maze_in_a_long_hole_ends(void **state)
{
    (void)state;
    enum { MAZE = 1 << 14 };
    static const char name[] = "H-H1_T-1400000000-4.h5";
    size_t size;
    if (!record(&forms[0], GPS, 1))
        return;
    uint8_t *bytes = get_file(name, &size), *longer = calloc(1, size + MAZE);
    assert_non_null(longer);
    memcpy(longer, bytes, size);
    put_maze(longer + size, size);
    for (const uint8_t *tree = bytes;
         (tree = memmem(tree, size - (size_t)(tree - bytes), "TREE\0", 5)); tree += 5) {
        const uint64_t at = (uint64_t)(tree - bytes), maze = size;
        for (uint8_t *link = longer;
             (link = memmem(link, size - (size_t)(link - longer), &at, 8));)
            memcpy(link, &maze, sizeof maze);
    }
    put_file(name, longer, size + MAZE);
    put_hole(name, (off_t)1 << 40);
    FAIL(read_first(three, 3, err), ARRAKIS_EFORMAT, "the file leads in circles");
    free(bytes);
    free(longer);
}

/* ------------------------------------------------------------------ damage */

/* A damaged file gives blocks or an error that names it, and ends. */
static void read_damaged(const char *name, const uint8_t *bytes, size_t size)
{
    char path[256];
    arrakis_file_reader *reader;
    arrakis_error err = {ARRAKIS_OK, ""};
    put_file(name, bytes, size);
    arrakis_status rc = open_reader(&reader, path_of(path, name), three, 3, &err);
    for (int64_t blocks = 0; rc == ARRAKIS_OK; blocks++) {
        arrakis_block *block;
        assert_true(blocks < 1000000);
        rc = arrakis_file_reader_next(reader, &block, &err);
        arrakis_block_unref(block);
    }
    arrakis_file_reader_close(reader);
    if (rc < 0)
        assert_true(rc == err.status && strstr(err.message, name) && rc != ARRAKIS_ENOMEM);
}

static void damage_file(const char *name, int mutations)
{
    size_t size;
    uint8_t *bytes = get_file(name, &size), *damaged = malloc(size + 1);
    uint32_t random = 1;
    assert_non_null(damaged);
    for (size_t end = 0; end < size; end += size / 61 + 1)
        read_damaged(name, bytes, end);
    for (int i = 0; i < mutations; i++) {
        memcpy(damaged, bytes, size);
        for (int k = 0; k <= i % 3; k++) {
            random = random * 1664525 + 1013904223;
            size_t at = (random >> 4) % size;
            static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
            random = random * 1664525 + 1013904223;
            if (i % 2)
                damaged[at] = values[(random >> 16) % 5];
            else
                damaged[at] = (uint8_t)(damaged[at] ^ (1u << (random >> 16) % 8));
        }
        read_damaged(name, damaged, size);
    }
    free(bytes);
    free(damaged);
}

static void damaged_files_are_read_without_harm(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    for (size_t i = 0; i < COUNT(forms); i++) {
        char name[64];
        if (!record(&forms[i], GPS, 1))
            continue;
        snprintf(name, sizeof name, "H-H1_T-1400000000-4.%s", forms[i].extension);
        damage_file(name, strcmp(forms[i].format, "hdf5") == 0 ? 900 : 300);
        clear_files();
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, clear_directory)
    const struct CMUnitTest tests[] = {
        TEST(every_format_is_read_back),
        TEST(what_is_not_wanted_is_passed_over),
        TEST(another_type_or_rate_is_told),
        TEST(files_follow_each_other),
        TEST(what_is_no_such_file_is_told),
        TEST(a_block_has_at_most_a_gibibyte),
        TEST(a_file_may_have_over_two_billion_samples),
        TEST(a_chunk_has_a_size_that_fits),
        TEST(holes_are_not_held),
        TEST(chunks_of_a_hole_are_not_described),
        TEST(a_maze_in_a_long_hole_ends),
        TEST(damaged_files_are_read_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
