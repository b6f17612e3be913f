/* SPDX-License-Identifier: Apache-2.0 */
/* Recorders: which files there are after which blocks. What is in them, tests/interop/test_record.py
 * looks at. */
#include "file/folder.h"
#include "file/hdf5_load.h"
#include "file/span_name.h"
#include "gwf/reader.h"

#include <arrakis/file.h>

#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GPS INT64_C(1400000000)

static char directory[64];

static const channel_spec two[] = {{"H1:B", ARRAKIS_INT32, 16, "p", 0, SECOND / 16, SECOND},
                                   {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};

/* ------------------------------------------------------------------ a directory */

static int directory_error; /* errno of synchronizing a directory; 0: it works */
static int synchronized;    /* directories */
static int unreadable;      /* errno of reading a directory beyond its first entry; 0: it works */
static const char *fatal;   /* the process dies where a file of that name would be removed */

#pragma GCC visibility push(default)

int fsync(int fd)
{
    struct stat about;
    if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        errno = directory_error;
        if (directory_error)
            return -1;
        synchronized++;
    }
    return (int)syscall(SYS_fsync, fd);
}

int unlinkat(int fd, const char *name, int flags)
{
    if (fatal && strcmp(name, fatal) == 0)
        _exit(9);
    return (int)syscall(SYS_unlinkat, fd, name, flags);
}

struct dirent *readdir(DIR *entries)
{
    static struct dirent *(*real)(DIR *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    if (!unreadable || telldir(entries) == 0)
        return real(entries);
    errno = unreadable;
    return NULL;
}

#pragma GCC visibility pop

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_directory(void)
{
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "recorder_test_XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int clear_directory(void **state)
{
    (void)state;
    remove_directory();
    return 0;
}

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", directory, name);
}

static bool exists(const char *name)
{
    char path[256];
    path_of(path, name);
    return access(path, F_OK) == 0;
}

static void put_file(const char *name, const char *text)
{
    char path[256];
    path_of(path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

/* ------------------------------------------------------------------ a recorder */

static arrakis_recorder_options options_of(int64_t start)
{
    arrakis_recorder_options options = ARRAKIS_RECORDER_OPTIONS_INIT;
    options.directory = directory;
    options.format = "arrow";
    options.name = "H-H1_T";
    options.length_ns = 4 * SECOND;
    options.start_ns = start == UNSET ? UNSET : start * SECOND;
    return options;
}

static arrakis_recorder *open_recorder(const arrakis_recorder_options *options)
{
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    PASS(arrakis_recorder_open(&recorder, channels, options, err));
    arrakis_channels_unref(channels);
    assert_int_equal(arrakis_recorder_stride_ns(recorder), SECOND);
    return recorder;
}

static arrakis_recorder *open_at(int64_t start)
{
    arrakis_recorder_options options = options_of(start);
    return open_recorder(&options);
}

/* The block of one second; an empty one has no sample. */
static arrakis_status add_block(arrakis_recorder *recorder, int64_t gps, bool empty,
                                arrakis_error *err)
{
    static const int32_t numbers[16] = {1, 2, 3};
    static const float values[4] = {1, 2, 3, 4};
    const arrakis_series series[] = {{empty ? NULL : numbers, NULL, 16, ARRAKIS_INT32},
                                     {empty ? NULL : values, NULL, 4, ARRAKIS_FLOAT32}};
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_block *block;
    arrakis_status rc = arrakis_block_new(&block, channels, gps * SECOND, SECOND, series, err);
    if (rc >= 0)
        rc = arrakis_recorder_block(recorder, block, err);
    arrakis_block_unref(block);
    arrakis_channels_unref(channels);
    return rc;
}

static void add_seconds(arrakis_recorder *recorder, int64_t from, int64_t to)
{
    for (int64_t gps = from; gps < to; gps++)
        PASS(add_block(recorder, gps, false, err));
}

static arrakis_recorder_stats stats_of(const arrakis_recorder *recorder)
{
    arrakis_recorder_stats stats = ARRAKIS_RECORDER_STATS_INIT;
    arrakis_recorder_get_stats(recorder, &stats);
    return stats;
}

/* ------------------------------------------------------------------ names */

static void names_are_read_as_they_are_written(void **state)
{
    (void)state;
    const ark_span_name name = {.gps = GPS, .length = 64, .extension = "h5"};
    char text[ARK_SPAN_NAME_SIZE];
    ark_span_name_print(text, "H-H1_RAW", &name);
    assert_string_equal(text, "H-H1_RAW-1400000000-64.h5");
    ark_span_name read;
    assert_true(ark_span_name_parse(&read, text, "H-H1_RAW", 0));
    assert_true(read.gps == GPS && read.length == 64 && strcmp(read.extension, "h5") == 0);
    assert_true(ark_span_name_parse(&read, "H-H1_RAW-1400000010-54.h5", "H-H1_RAW", 64));
    assert_false(ark_span_name_parse(&read, "H-H1_RAW-1400000010-54.h5", "H-H1_RAW", 0));
    static const char *const others[] = {
        "H-H1_RAW_2-1400000000-64.h5",
        "H-H1_RA-1400000000-64.h5",
        "H-H1_RAW-01-64.h5",
        "H-H1_RAW-1400000000-64.h5.part",
        "H-H1_RAW-1400000000--64.h5",
        "H-H1_RAW-1400000000.h5",
        "H-H1_RAW-1400000000-64.txt",
        "H-H1_RAW-14000000000000000000-64.h5",
        "H-H1_RAW-999999999999999999-1.h5", /* no time in nanoseconds */
        "H-H1_RAW-1400000001-64.h5",
        "H-H1_RAW-1400000000-0.h5",
        "H-H1_RAW-0-86401.h5"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(ark_span_name_parse(&read, others[i], "H-H1_RAW", 64));
}

static void a_name_is_checked(void **state)
{
    (void)state;
    char long_name[120] = "H-";
    memset(long_name + 2, 'a', 99);
    PASS(ark_span_name_check("HL-A_b#+9", err));
    FAIL(ark_span_name_check(long_name, err), ARRAKIS_EINVAL, "up to 100 characters");
    long_name[100] = '\0';
    PASS(ark_span_name_check(long_name, err));
    static const char *const bad[] = {"", "H", "H-", "-A", "h-A", "H-A-B", "H-A/B", "../H-A"};
    for (size_t i = 0; i < COUNT(bad); i++)
        FAIL(ark_span_name_check(bad[i], err), ARRAKIS_EINVAL, "SITE-DESCRIPTION");
}

static void a_name_is_made_of_what_channels_have_in_common(void **state)
{
    (void)state;
    static const channel_spec many[] = {{"L1:A", ARRAKIS_INT32, 16, "p", 0, SECOND, SECOND},
                                        {"H1:A", ARRAKIS_INT32, 16, "p", 1, SECOND, SECOND},
                                        {"x/y:A", ARRAKIS_INT32, 16, "p", 2, SECOND, SECOND}};
    char prefix[ARK_SPAN_NAME_PREFIX_SIZE];
    arrakis_channels *channels = channels_of(many, 3);
    ark_span_name_prefix(prefix, channels);
    assert_string_equal(prefix, "HL-L1H1x_y_ARRAKIS");
    PASS(ark_span_name_check(prefix, err));
    arrakis_channels_unref(channels);
    channels = channels_of(many + 2, 1);
    ark_span_name_prefix(prefix, channels);
    assert_string_equal(prefix, "X-x_y_ARRAKIS");
    arrakis_channels_unref(channels);
}

/* ------------------------------------------------------------------ spans */

static void a_span_is_a_file_once_its_last_block_has_come(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS + 1);
    assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
    add_seconds(recorder, GPS, GPS + 3);
    assert_int_equal(count_files(), 0);
    assert_true(exists(".H-H1_T-1400000000-4.arrow.part"));
    add_seconds(recorder, GPS + 3, GPS + 4);
    assert_true(exists("H-H1_T-1400000000-4.arrow"));
    assert_false(exists(".H-H1_T-1400000000-4.arrow.part"));
    add_seconds(recorder, GPS + 4, GPS + 5);
    arrakis_recorder_stats stats = stats_of(recorder);
    assert_true(stats.files == 1 && stats.samples == 100 && stats.missing == 0);
    assert_int_equal(stats.last_ns, GPS * SECOND);
    arrakis_recorder_close(recorder);
    assert_false(exists(".H-H1_T-1400000004-4.arrow.part"));
    assert_int_equal(count_files(), 1);
}

static void the_next_recorder_goes_on_where_the_last_ended(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 6);
    arrakis_recorder_close(recorder);
    for (int i = 0; i < 2; i++) {
        recorder = open_at(i ? UNSET : GPS); /* with the same start, or with none */
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
        arrakis_recorder_close(recorder);
    }
    recorder = open_at(GPS + 8); /* a later start is a start */
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 8) * SECOND);
    arrakis_recorder_close(recorder);
}

static void the_place_is_known_from_the_files_too(void **state)
{
    (void)state;
    put_file("H-H1_T-1400000000-4.arrow", "x");
    put_file("H-H1_T-1400000008-4.h5", "x");
    put_file("H-H1_OTHER-1400000100-4.h5", "x");
    arrakis_recorder *recorder = open_at(UNSET);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 12) * SECOND);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "not a time\n");
    recorder = open_at(UNSET);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 12) * SECOND);
    arrakis_recorder_close(recorder);
}

/* The moment at which it was started is known to nobody else; a start that is given is given again. */
static void a_recorder_before_its_first_file_remembers_when_it_was_started(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS + 1000);
    arrakis_recorder_close(recorder);
    recorder = open_at(GPS);
    assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
    arrakis_recorder_close(recorder);
    assert_false(exists(".H-H1_T.next"));
    recorder = open_at(UNSET);
    int64_t started_ns = arrakis_recorder_next_ns(recorder);
    arrakis_recorder_close(recorder);
    assert_true(exists(".H-H1_T.next"));
    recorder = open_at(GPS);
    assert_int_equal(arrakis_recorder_next_ns(recorder), started_ns);
    arrakis_recorder_close(recorder);
}

/* Of a first start under a wrong clock: all later ones would wait for that time, for years. */
static void a_time_ahead_of_the_clock_is_refused_or_told(void **state)
{
    (void)state;
    char text[64];
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(UNSET);
    const int64_t now = arrakis_gps_now_ns() / SECOND / 4 * 4;
    snprintf(text, sizeof text, "%" PRId64 "\n", now + 3600);
    put_file(".H-H1_T.next", text);
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL,
         "/.H-H1_T.next recording goes on at GPS");
    assert_int_equal(arrakis_recorder_next_ns(recorder = open_at(GPS)), (now + 3600) * SECOND);
    arrakis_recorder_close(recorder);
    snprintf(text, sizeof text, "%" PRId64 "\n", now + 32);
    put_file(".H-H1_T.next", text);
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    arrakis_recorder_close(recorder);
    char path[256];
    path_of(path, ".H-H1_T.next");
    assert_int_equal(unlink(path), 0);
    put_file("H-H1_T-2000000000-4.arrow", "x");
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL,
         "/H-H1_T-2000000000-4.arrow recording goes on at GPS 2000000004");
    arrakis_channels_unref(channels);
}

static void what_else_lies_in_the_directory_does_no_harm(void **state)
{
    (void)state;
    char path[256];
    path_of(path, ".H-H1_T.next");
    assert_int_equal(mkfifo(path, 0666), 0); /* nobody writes to it */
    path_of(path, "H-H1_T-1400000016-4.h5");
    assert_int_equal(symlink("elsewhere", path), 0);
    path_of(path, "H-H1_T-1400000020-4.h5");
    assert_int_equal(mkdir(path, 0777), 0);
    put_file("H-H1_T-999999999999999999-1.h5", "x");
    put_file("H-H1_T-1400000000-4.h5", "x");
    arrakis_recorder *recorder = open_at(UNSET);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
}

static void many_files_are_sorted_by_their_spans(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof name, "H-H1_T-%" PRId64 "-4.h5", GPS - 4 * (int64_t)(i * 37 % 200));
        put_file(name, "x");
    }
    put_file(".H-H1_T.lock", "");
    arrakis_recorder_options options = options_of(GPS);
    options.max_files = 10;
    arrakis_recorder *recorder = open_recorder(&options);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
    add_seconds(recorder, GPS + 4, GPS + 8);
    assert_int_equal(stats_of(recorder).removed, 191);
    assert_int_equal(count_files(), 10);
    assert_true(exists("H-H1_T-1399999968-4.h5"));
    arrakis_recorder_close(recorder);
}

static void an_end_within_a_span_is_recorded_again(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 2);
    PASS(arrakis_recorder_finish(recorder, err));
    assert_true(exists("H-H1_T-1400000000-4.arrow"));
    assert_int_equal(stats_of(recorder).missing, 40);
    arrakis_recorder_close(recorder);
    recorder = open_at(UNSET);
    assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
    add_seconds(recorder, GPS, GPS + 4);
    assert_int_equal(count_files(), 1);
    arrakis_recorder_close(recorder);
}

static void what_comes_after_the_end_does_not_replace_the_file(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 2);
    PASS(arrakis_recorder_finish(recorder, err));
    add_seconds(recorder, GPS + 2, GPS + 4); /* of the same span */
    arrakis_recorder_stats stats = stats_of(recorder);
    assert_true(stats.files == 1 && stats.samples == 80 && stats.missing == 40);
    PASS(arrakis_recorder_finish(recorder, err));
    add_seconds(recorder, GPS + 4, GPS + 8);
    assert_int_equal(stats_of(recorder).files, 2);
    arrakis_recorder_close(recorder);
}

static void spans_without_a_sample_are_left_out_or_written(void **state)
{
    (void)state;
    for (int written = 0; written < 2; written++) {
        arrakis_recorder_options options = options_of(GPS);
        options.name = written ? "H-ALL" : "H-SOME";
        options.write_empty = written;
        arrakis_recorder *recorder = open_recorder(&options);
        for (int64_t gps = GPS; gps < GPS + 6; gps++)
            PASS(add_block(recorder, gps, true, err));
        add_seconds(recorder, GPS + 6, GPS + 8);
        add_seconds(recorder, GPS + 17, GPS + 18); /* and no block between */
        arrakis_recorder_stats stats = stats_of(recorder);
        assert_int_equal(stats.files, written ? 4 : 1);
        assert_int_equal(stats.empty, written ? 0 : 3);
        assert_true(exists(written ? "H-ALL-1400000004-4.arrow" : "H-SOME-1400000004-4.arrow"));
        arrakis_recorder_close(recorder);
    }
}

/* Blocks have them in the order of a request, files by name. */
static void frames_have_the_samples_of_each_channel(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(GPS);
    options.format = "gwf";
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 4);
    arrakis_recorder_close(recorder);
    char path[256];
    path_of(path, "H-H1_T-1400000000-4.gwf");
    int fd = open(path, O_RDONLY);
    ark_gwf_reader *reader;
    ark_gwf_samples samples;
    PASS(ark_gwf_reader_new(&reader, fd, 1 << 20, err));
    assert_int_equal(ark_gwf_reader_frames(reader), 4);
    assert_string_equal(ark_gwf_reader_series(reader, 0, 0)->name, "H1:A");
    PASS(ark_gwf_reader_read(reader, 0, 0, &samples, err));
    assert_memory_equal(samples.samples, ((float[]){1, 2, 3, 4}), 4 * sizeof(float));
    assert_string_equal(ark_gwf_reader_series(reader, 0, 1)->name, "H1:B");
    PASS(ark_gwf_reader_read(reader, 0, 1, &samples, err));
    assert_memory_equal(samples.samples, ((int32_t[16]){1, 2, 3}), 16 * sizeof(int32_t));
    ark_gwf_reader_free(reader);
    close(fd);
}

static void blocks_are_checked(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 1);
    FAIL(add_block(recorder, GPS, false, err), ARRAKIS_EINVAL, "expected one from");
    arrakis_channels *channels = channels_of(two, 1);
    const int32_t numbers[32] = {0};
    arrakis_series series = {numbers, NULL, 16, ARRAKIS_INT32};
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, (GPS + 1) * SECOND, SECOND, &series, err));
    FAIL(arrakis_recorder_block(recorder, block, err), ARRAKIS_EMISMATCH,
         "1 channels, expected 2");
    arrakis_block_unref(block);
    series.length = 32;
    PASS(arrakis_block_new(&block, channels, (GPS + 2) * SECOND, 2 * SECOND, &series, err));
    FAIL(arrakis_recorder_block(recorder, block, err), ARRAKIS_EINVAL, "expected 1000000000 ns");
    arrakis_block_unref(block);
    arrakis_channels_unref(channels);
    add_seconds(recorder, GPS + 1, GPS + 4);
    assert_int_equal(count_files(), 1);
    arrakis_recorder_close(recorder);
}

static void options_are_checked(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options o = options_of(GPS);
#define REFUSED(change, text)                                                                     \
    do {                                                                                          \
        o = options_of(GPS);                                                                      \
        change;                                                                                   \
        FAIL(arrakis_recorder_open(&recorder, channels, &o, err), ARRAKIS_EINVAL, text);          \
        assert_null(recorder);                                                                    \
    } while (0)
    REFUSED(o.directory = NULL, "no directory");
    REFUSED(o.format = "gwz", "expected hdf5");
    REFUSED(o.name = "H1", "SITE-DESCRIPTION");
    REFUSED(o.length_ns = SECOND / 2, "whole seconds");
    REFUSED(o.length_ns = 86401 * SECOND, "whole seconds");
    REFUSED(o.compression = 1, "are not compressed");
    REFUSED(o.compression = 10, "expected 0 to 9");
    REFUSED(o.max_files = 0, "max_files is 0");
    REFUSED(o.max_bytes = -1, "max_bytes is -1");
    REFUSED(o.max_failures = 0, "max_failures is 0");
    REFUSED(o.start_ns = -1, "a GPS time");
#undef REFUSED
    static const channel_spec fine[] = {{"H1:F", ARRAKIS_FLOAT64, 1e9, "p", 0, 1, SECOND}};
    arrakis_channels_unref(channels);
    channels =
        channels_of(fine, 1); /* refused soon, not after as many steps as there are strides */
    o = options_of(GPS);
    o.length_ns = 86400 * SECOND;
    FAIL(arrakis_recorder_open(&recorder, channels, &o, err), ARRAKIS_EINVAL, "up to 1000000");
    static const channel_spec fast[] = {{"H1:F", ARRAKIS_FLOAT64, 4e6, "p", 0, SECOND, SECOND}};
    arrakis_channels_unref(channels);
    channels = channels_of(fast, 1);
    o.format = "hdf5";
    o.compression = 1;
    o.length_ns = 65535 * SECOND;
    FAIL(arrakis_recorder_open(&recorder, channels, &o, err), ARRAKIS_EINVAL, "room for 65534");
    o.length_ns = 65534 * SECOND;
    PASS(arrakis_recorder_open(&recorder, channels, &o, err));
    arrakis_recorder_close(recorder);
    o = options_of(GPS);
    o.directory = "/nowhere";
    FAIL(arrakis_recorder_open(&recorder, channels, &o, err), ARRAKIS_EIO, "/nowhere: No such");
    arrakis_channels_unref(channels);
    assert_int_equal(count_files(), 0);
}

/* It is there after all handles have been closed. */
static void the_reason_of_libhdf5_is_told(void **state)
{
    (void)state;
    const ark_hdf5_module *module;
    const ark_hdf5_channel channel = {"H1:A", "H1:A", 16, ARRAKIS_INT32, 65535, 1};
    ark_hdf5_headers headers;
    uint8_t *image;
    size_t size;
    PASS(ark_hdf5_load(&module, err));
    FAIL(module->make_image(&image, &size, &headers, &channel, 1, 65535, 1, err), ARRAKIS_EFORMAT,
         "libhdf5: istore IK");
}

/* ------------------------------------------------------------------ several recorders */

static void what_a_crash_left_is_removed_and_nothing_else(void **state)
{
    (void)state;
    put_file(".H-H1_T-1400000000-4.arrow.part", "x");
    put_file(".H-H1_T-1400000000-64.h5.part", "x");
    put_file(".H-H1_T_2-1400000000-4.arrow.part", "x");
    put_file(".H-H1_T-notes.part", "x");
    put_file("H-H1_T-1400000000-4.arrow.part", "x");
    put_file(".H-H1_T.next.new", "x");
    put_file(".H-H1_T_2.next.new", "x");
    arrakis_recorder_close(open_at(GPS));
    assert_false(exists(".H-H1_T.next.new"));
    assert_true(exists(".H-H1_T_2.next.new"));
    assert_false(exists(".H-H1_T-1400000000-4.arrow.part"));
    assert_false(exists(".H-H1_T-1400000000-64.h5.part"));
    assert_true(exists(".H-H1_T_2-1400000000-4.arrow.part"));
    assert_true(exists(".H-H1_T-notes.part"));
    assert_true(exists("H-H1_T-1400000000-4.arrow.part"));
}

static void one_name_has_one_recorder_at_a_time(void **state)
{
    (void)state;
    arrakis_recorder *first = open_at(GPS), *second;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(GPS);
    add_seconds(first, GPS, GPS + 1);
    FAIL(arrakis_recorder_open(&second, channels, &options, err), ARRAKIS_EIO, "another recorder");
    assert_true(exists(".H-H1_T-1400000000-4.arrow.part"));
    options.name = "H-H1_T2";
    PASS(arrakis_recorder_open(&second, channels, &options, err));
    arrakis_recorder_close(second);
    add_seconds(first, GPS + 1, GPS + 4);
    assert_true(exists("H-H1_T-1400000000-4.arrow"));
    arrakis_recorder_close(first);
    arrakis_channels_unref(channels);
}

static void without_its_lock_a_recorder_leaves_files_to_the_next_one(void **state)
{
    (void)state;
    arrakis_recorder *first = open_at(GPS);
    add_seconds(first, GPS, GPS + 1);
    char path[256];
    path_of(path, ".H-H1_T.lock");
    assert_int_equal(unlink(path), 0);
    arrakis_recorder *second = open_at(GPS);
    add_seconds(second, GPS, GPS + 1);
    add_seconds(first, GPS + 1, GPS + 4); /* would give a file its name that is not whole */
    assert_int_equal(count_files(), 0);
    assert_true(exists(".H-H1_T-1400000000-4.arrow.part"));
    assert_int_equal(stats_of(first).failed, 1);
    add_seconds(second, GPS + 1, GPS + 4);
    assert_int_equal(count_files(), 1);
    arrakis_recorder_close(first);
    arrakis_recorder_close(second);
}

static void the_earliest_files_are_removed(void **state)
{
    (void)state;
    put_file(".H-H1_T.lock", "");
    put_file("H-H1_T-1300000000-4.h5", "of a former run");
    put_file("H-H1_T2-1300000000-4.h5", "of another");
    arrakis_recorder_options options = options_of(GPS);
    options.max_files = 2;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 4);
    assert_true(exists("H-H1_T-1300000000-4.h5"));
    add_seconds(recorder, GPS + 4, GPS + 12);
    assert_false(exists("H-H1_T-1300000000-4.h5"));
    assert_false(exists("H-H1_T-1400000000-4.arrow"));
    assert_true(exists("H-H1_T-1400000004-4.arrow"));
    assert_true(exists("H-H1_T-1400000008-4.arrow"));
    assert_true(exists("H-H1_T2-1300000000-4.h5"));
    assert_int_equal(stats_of(recorder).removed, 2);
    arrakis_recorder_close(recorder);
    options.max_files = UNSET;
    options.max_bytes = 1; /* the last file stays, whatever its size */
    recorder = open_recorder(&options);
    add_seconds(recorder, GPS + 12, GPS + 20);
    assert_int_equal(count_files(), 2);
    assert_true(exists("H-H1_T-1400000016-4.arrow"));
    arrakis_recorder_close(recorder);
}

/* What is not a recorder's stays, whatever its name, and others are removed all the same. */
static void what_is_not_a_recorder_s_is_not_removed(void **state)
{
    (void)state;
    char path[256];
    static const char *const others[] = {
        "H-H1_T_RAW-1300000000-4.h5", /* another description, whichever begins with the other */
        "H-H1-1300000000-4.h5",       "HL-H1_T-1300000000-4.h5",    "H-H1_T-1300000000-4.h5.md5",
        "H-H1_T-1300000000-4.txt",    "H-H1_T-1300000001-4.h5", /* not a multiple of its length */
        "H-H1_T-01300000000-4.h5",    "H-H1_T-1300000000-4.tmp.h5",
    };
    put_file(".H-H1_T.lock", "");
    put_file("target", "x");
    for (size_t i = 0; i < COUNT(others); i++)
        put_file(others[i], "x");
    path_of(path, "H-H1_T-1300000004-4.h5");
    assert_int_equal(symlink("target", path), 0);
    path_of(path, "H-H1_T-1300000008-4.h5");
    assert_int_equal(mkdir(path, 0777), 0);
    path_of(path, "H-H1_T-1300000012-4.h5");
    assert_int_equal(mkfifo(path, 0666), 0);
    put_file("H-H1_T-1300000016-4.h5", "a recorder's");
    arrakis_recorder_options options = options_of(GPS);
    options.max_files = options.max_bytes = 1;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 8);
    assert_int_equal(stats_of(recorder).removed, 2);
    arrakis_recorder_close(recorder);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(exists(others[i]));
    assert_true(exists("H-H1_T-1300000004-4.h5") && exists("target"));
    assert_true(exists("H-H1_T-1300000008-4.h5") && exists("H-H1_T-1300000012-4.h5"));
    assert_false(exists("H-H1_T-1300000016-4.h5"));
    assert_true(exists("H-H1_T-1400000004-4.arrow"));
    assert_int_equal(count_files(), COUNT(others) + 5);
}

/* A file that is replaced while the recorder runs: whatever is there now stays, and is not in the
 * way of the rest. */
static void what_takes_the_place_of_a_file_stays(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder_options options = options_of(GPS);
    options.max_files = 3;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 12);
    put_file("target", "x");
    path_of(path, "H-H1_T-1400000000-4.arrow");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("target", path), 0);
    path_of(path, "H-H1_T-1400000004-4.arrow");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    add_seconds(recorder, GPS + 12, GPS + 24);
    assert_true(exists("H-H1_T-1400000000-4.arrow") && exists("H-H1_T-1400000004-4.arrow"));
    assert_false(exists("H-H1_T-1400000008-4.arrow"));
    assert_int_equal(stats_of(recorder).removed, 1);
    assert_int_equal(count_files(), 3 + 3);
    arrakis_recorder_close(recorder);
}

/* An archive of another tool, to which a recorder is pointed by mistake. */
static void files_that_no_recorder_can_have_written_refuse_a_limit(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(GPS);
    put_file("H-H1_T-1300000000-4.gwf", "x");
    for (int i = 0; i < 4; i++) { /* a second try is refused, too */
        options.max_files = i % 2 ? UNSET : 1;
        options.max_bytes = i % 2 ? 1 : UNSET;
        FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL,
             "no .H-H1_T.lock");
    }
    assert_true(exists("H-H1_T-1300000000-4.gwf"));
    assert_false(exists(".H-H1_T.lock"));
    put_file(".H-H1_T.lock", "");
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
}

/* A recorder without a limit has been there, however it ended. */
static void files_of_others_stay_others(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(GPS), limited = options_of(GPS);
    limited.max_files = 1;
    for (int i = 0; i < 3; i++) {
        put_file("H-H1_T-1300000000-4.gwf", "x");
        put_file("H-H1_T-1300000004-4.gwf", "x");
        unreadable = i == 1 ? EIO : 0;
        arrakis_status rc = arrakis_recorder_open(&recorder, channels, &options, NULL);
        unreadable = 0;
        assert_int_equal(rc, i == 1 ? ARRAKIS_EIO : ARRAKIS_OK);
        if (i == 2)
            add_seconds(recorder, GPS, GPS + 8);
        arrakis_recorder_close(recorder);
        FAIL(arrakis_recorder_open(&recorder, channels, &limited, err), ARRAKIS_EINVAL,
             i == 1 ? "no .H-H1_T.lock" : "the file .H-H1_T.others");
        assert_true(exists("H-H1_T-1300000000-4.gwf") && exists("H-H1_T-1300000004-4.gwf"));
        if (i == 2) { /* the user has looked at them */
            char path[256];
            path_of(path, ".H-H1_T.others");
            assert_int_equal(unlink(path), 0);
            PASS(arrakis_recorder_open(&recorder, channels, &limited, err));
            arrakis_recorder_close(recorder);
        }
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
    arrakis_channels_unref(channels);
}

/* Whatever comes then is a recorder's. */
static void without_files_of_others_there_is_nothing_to_refuse(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder_options options = options_of(GPS);
    put_file("H-H1_T-1300000000-4.gwf", "x");
    arrakis_recorder_close(open_recorder(&options));
    assert_true(exists(".H-H1_T.others"));
    path_of(path, "H-H1_T-1300000000-4.gwf");
    assert_int_equal(unlink(path), 0);
    options.max_files = 1;
    for (int i = 0; i < 2; i++) {
        arrakis_recorder *recorder = open_recorder(&options);
        add_seconds(recorder, GPS + 4 * i, GPS + 4 * i + 4);
        arrakis_recorder_close(recorder);
        assert_false(exists(".H-H1_T.others"));
    }
    assert_int_equal(count_files(), 1);
}

/* ------------------------------------------------------------------ failures */

/* The file has its name, so it is a file; that it is on the disk is not claimed. */
static void a_file_whose_name_may_be_lost_is_one_that_a_restart_writes_again(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(GPS);
    options.max_files = 2;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 4);
    directory_error = EIO;
    add_seconds(recorder, GPS + 4, GPS + 13);
    assert_int_equal(stats_of(recorder).files, 3);
    assert_int_equal(stats_of(recorder).failed, 0);
    assert_int_equal(count_files(), 2); /* it counts for what is kept */
    assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
    directory_error = 0;
    recorder = open_recorder(&options);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
    directory_error = EIO;
    add_seconds(recorder, GPS + 4, GPS + 8);
    directory_error = 0;
    add_seconds(recorder, GPS + 8, GPS + 12);
    assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + 12) * SECOND);
    arrakis_recorder_close(recorder);
}

/* A pipe takes some bytes, and then waits for a reader for ever. */
static void a_pipe_in_the_place_of_a_file_costs_that_file(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder *recorder = open_at(GPS);
    path_of(path, ".H-H1_T-1400000000-4.arrow.part");
    assert_int_equal(mkfifo(path, 0666), 0);
    add_seconds(recorder, GPS, GPS + 8);
    arrakis_recorder_stats stats = stats_of(recorder);
    assert_true(stats.failed == 1 && stats.files == 1);
    arrakis_recorder_close(recorder);
    assert_false(exists("H-H1_T-1400000000-4.arrow"));
}

static void a_directory_that_is_never_synchronized_ends_recording(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(GPS);
    options.max_failures = 2;
    arrakis_recorder *recorder = open_recorder(&options);
    directory_error = EIO;
    add_seconds(recorder, GPS, GPS + 7);
    FAIL(add_block(recorder, GPS + 7, false, err), ARRAKIS_EIO,
         "may lose the last 2 files, from GPS 1400000000 on");
    directory_error = 0;
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 2);
}

/* Files that are not seen would be written again, or never removed. */
static void a_directory_that_cannot_be_read_to_its_end_is_an_error(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(GPS);
    put_file("H-H1_T-1400000000-4.arrow", "x");
    unreadable = EIO;
    arrakis_status rc = arrakis_recorder_open(&recorder, channels, &options, NULL);
    unreadable = 0;
    assert_int_equal(rc, ARRAKIS_EIO);
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
}

/* As some network file systems are. */
static void a_file_system_that_cannot_synchronize_directories_will_do(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    directory_error = EINVAL;
    add_seconds(recorder, GPS, GPS + 4);
    directory_error = 0;
    assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
    assert_int_equal(arrakis_recorder_next_ns(recorder = open_at(UNSET)), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
}

static void a_directory_that_is_gone_costs_the_files_until_it_is_back(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 5);
    remove_directory();
    add_seconds(recorder, GPS + 5, GPS + 12);
    assert_int_equal(stats_of(recorder).failed, 2);
    assert_int_equal(mkdir(directory, 0777), 0);
    add_seconds(recorder, GPS + 12, GPS + 17);
    assert_int_equal(count_files(), 1);
    assert_true(exists("H-H1_T-1400000012-4.arrow"));
    assert_int_equal(stats_of(recorder).files, 2);
    arrakis_recorder_close(recorder);
}

static void too_many_failures_in_a_row_end_recording(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(GPS);
    options.max_failures = 3;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 4);
    remove_directory();
    add_seconds(recorder, GPS + 4, GPS + 12);
    FAIL(add_block(recorder, GPS + 12, false, err), ARRAKIS_EIO,
         "Nothing is kept of GPS 1400000004 to 1400000016");
    arrakis_recorder_close(recorder);
}

/* ------------------------------------------------------------------ channels that change */

/* A block of any channels: each sample is its number since GPS time 0, modulo 1000; `gap`: the
 * channel that has none. */
static arrakis_status put_block(arrakis_recorder *recorder, const channel_spec *specs,
                                int64_t start_ns, int64_t duration_ns, size_t gap,
                                arrakis_error *error)
{
    static int32_t numbers[2][256];
    static float values[2][256];
    arrakis_series series[2];
    for (size_t i = 0; i < 2; i++) {
        size_t count = (size_t)(specs[i].rate * (double)duration_ns / 1e9);
        int64_t first = llround(specs[i].rate * ((double)start_ns / 1e9));
        for (size_t k = 0; k < count; k++) {
            numbers[i][k] = (int32_t)((first + (int64_t)k) % 1000);
            values[i][k] = (float)numbers[i][k];
        }
        bool whole = specs[i].dtype == ARRAKIS_INT32;
        const void *samples = whole ? (const void *)numbers[i] : values[i];
        series[i] = (arrakis_series){i == gap ? NULL : samples, NULL, count, specs[i].dtype};
    }
    arrakis_channels *channels = channels_of(specs, 2);
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, start_ns, duration_ns, series, err));
    arrakis_status rc = arrakis_recorder_block(recorder, block, error);
    arrakis_block_unref(block);
    arrakis_channels_unref(channels);
    return rc;
}

enum { NONE = 2 };

static void put_blocks(arrakis_recorder *recorder, const channel_spec *specs, double from,
                       double to, int64_t stride_ns)
{
    int64_t end_ns = GPS * SECOND + (int64_t)(to * 1e9);
    for (int64_t t = GPS * SECOND + (int64_t)(from * 1e9); t < end_ns; t += stride_ns)
        PASS(put_block(recorder, specs, t, stride_ns, NONE, err));
}

static const channel_spec faster[] = {{"H1:B", ARRAKIS_INT32, 64, "q", 5, SECOND / 16, SECOND},
                                      {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
static const channel_spec moved[] = {{"H1:B", ARRAKIS_INT32, 16, "q", 5, SECOND / 16, SECOND},
                                     {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
static const channel_spec slower[] = {{"H1:B", ARRAKIS_INT32, 16, "p", 0, SECOND / 16, SECOND},
                                      {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND, SECOND}};

/* Every format; Arrow has no row for a block without a sample. */
static const struct form {
    const char *format, *extension;
    int64_t compression;
} forms[] = {{"gwf", "gwf", 0}, {"arrow", "arrow", 0}, {"hdf5", "h5", 0}, {"hdf5", "h5", 1}};

static arrakis_status open_form(arrakis_recorder **recorder, const struct form *form,
                                const channel_spec *specs, bool follow, int64_t start_ns,
                                int64_t length_ns, arrakis_error *error)
{
    arrakis_recorder_options options = options_of(UNSET);
    options.start_ns = start_ns;
    options.length_ns = length_ns;
    options.format = form->format;
    options.compression = form->compression;
    options.follow = follow;
    arrakis_channels *channels = channels_of(specs, 2);
    arrakis_status rc = arrakis_recorder_open(recorder, channels, &options, error);
    arrakis_channels_unref(channels);
    return rc;
}

static arrakis_recorder *follow_in(const struct form *form, const channel_spec *specs)
{
    arrakis_recorder *recorder;
    PASS(open_form(&recorder, form, specs, true, GPS * SECOND, 4 * SECOND, err));
    return recorder;
}

static arrakis_recorder *open_following(const char *format, const channel_spec *specs, bool follow)
{
    arrakis_recorder *recorder;
    const struct form form = {format, format, 0};
    PASS(open_form(&recorder, &form, specs, follow, follow ? GPS * SECOND : UNSET, 4 * SECOND,
                   err));
    return recorder;
}

/* Run a test in each format that the library has, each in an empty directory. */
static void in_each_format(void (*test)(const struct form *))
{
    for (size_t i = 0; i < COUNT(forms); i++) {
        arrakis_recorder *recorder;
        arrakis_error error;
        arrakis_status rc =
            open_form(&recorder, &forms[i], two, true, GPS * SECOND, 4 * SECOND, &error);
        if (rc == ARRAKIS_EUNSUPPORTED)
            continue;
        assert_int_equal(rc, ARRAKIS_OK);
        arrakis_recorder_close(recorder);
        test(&forms[i]);
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
}

static bool form_exists(const struct form *form, int64_t from, int64_t length)
{
    char name[64];
    snprintf(name, sizeof name, "H-H1_T-%" PRId64 "-%" PRId64 ".%s", GPS + from, length,
             form->extension);
    return exists(name);
}

/* The samples that are there of a channel in a block: each has its number, and marks it in `seen`,
 * where no other has. */
static size_t check_samples(const arrakis_block *block, const channel_spec *spec, int64_t begin_ns,
                            uint8_t *seen, size_t room)
{
    size_t there = 0;
    const int64_t index = arrakis_channels_index(arrakis_block_channels(block), spec->name);
    assert_true(index >= 0);
    const arrakis_series s = arrakis_block_series(block, (size_t)index);
    const int64_t start_ns = arrakis_block_start_ns(block);
    for (size_t k = 0; k < s.length; k++) {
        if (s.valid && !(s.valid[k / 8] >> k % 8 & 1))
            continue;
        int64_t number = llround(spec->rate * ((double)start_ns / 1e9)) + (int64_t)k;
        size_t at = (size_t)(number - llround(spec->rate * ((double)begin_ns / 1e9)));
        double value = s.dtype == ARRAKIS_INT32 ? (double)((const int32_t *)s.samples)[k]
                                                : (double)((const float *)s.samples)[k];
        assert_true(value == (double)(number % 1000));
        assert_true(at < room && !seen[at]++);
        there++;
    }
    return there;
}

enum { SEEN = 8192 };

/* How many samples of a channel from `from` on a file has, each once, and none of another time.
 * NULL: all files together have; the other channel may change. */
static size_t count_kept(const char *name, const channel_spec *specs, size_t i, double from,
                         size_t room, uint8_t seen[SEEN])
{
    const channel_spec *spec = &specs[i];
    char path[256];
    const char *paths[] = {path};
    arrakis_channels *channels = name ? channels_of(specs, 2) : channels_of(spec, 1);
    arrakis_file_reader *reader;
    arrakis_block *block;
    arrakis_status rc;
    const int64_t begin_ns = GPS * SECOND + (int64_t)(from * 1e9);
    size_t there = 0;
    assert_true(room <= SEEN);
    memset(seen, 0, SEEN);
    path_of(path, name ? name : ".");
    PASS(arrakis_file_reader_open(&reader, paths, 1, channels, err));
    while ((rc = arrakis_file_reader_next(reader, &block, NULL)) == ARRAKIS_OK) {
        there += check_samples(block, spec, begin_ns, seen, room);
        arrakis_block_unref(block);
    }
    assert_int_equal(rc, ARRAKIS_DONE);
    arrakis_file_reader_close(reader);
    arrakis_channels_unref(channels);
    return there;
}

/* They are those from `from` to `to`. */
static void check_kept(const char *name, const channel_spec *specs, size_t i, double from,
                       double to)
{
    uint8_t seen[SEEN];
    size_t wanted = (size_t)(specs[i].rate * (to - from));
    assert_int_equal(count_kept(name, specs, i, from, wanted, seen), wanted);
}

static void check_file(const struct form *form, int64_t gps, int64_t length,
                       const channel_spec *specs, size_t i, double from, double to)
{
    char name[64];
    snprintf(name, sizeof name, "H-H1_T-%" PRId64 "-%" PRId64 ".%s", GPS + gps, length,
             form->extension);
    check_kept(name, specs, i, from, to);
}

/* Arrow files are read with all their channels, which change. */
static void check_all(const struct form *form, const channel_spec *specs, size_t i, double from,
                      double to)
{
    if (strcmp(form->format, "arrow") != 0)
        check_kept(NULL, specs, i, from, to);
}

static void change_within_a_second(const struct form *form)
{
    arrakis_recorder *recorder = follow_in(form, two);
    assert_int_equal(arrakis_recorder_stride_ns(recorder), SECOND / 4);
    put_blocks(recorder, two, 0, 5.5, SECOND / 4);
    assert_int_equal(count_files(), 1);
    put_blocks(recorder, faster, 5.5, 12, SECOND / 4);
    assert_int_equal(count_files(), 4);
    check_file(form, 0, 4, two, 0, 0, 4);
    check_file(form, 4, 2, two, 0, 4, 5.5); /* up to the change, masked up to the second */
    check_file(form, 6, 2, faster, 0, 6, 8);
    check_file(form, 8, 4, faster, 0, 8, 12);
    check_all(form, two, 1, 0, 12);
    arrakis_recorder_stats stats = stats_of(recorder);
    assert_int_equal(stats.missing, 0.5 * 16);
    assert_int_equal(stats.samples, 6 * 20 + 6 * 68);
    arrakis_recorder_close(recorder);
}

static void a_change_ends_a_file_and_begins_another(void **state)
{
    (void)state;
    in_each_format(change_within_a_second);
}

static void another_partition_changes_no_file(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1.25, SECOND / 4);
    put_blocks(recorder, moved, 1.25, 4, SECOND / 4);
    assert_int_equal(count_files(), 1);
    check_kept(NULL, two, 0, 0, 4);
    arrakis_recorder_close(recorder);
}

/* Two channels of one rate and size, which a wrong order would exchange. */
static const channel_spec alike[] = {{"H1:B", ARRAKIS_INT32, 4, "p", 0, SECOND / 4, SECOND},
                                     {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
static const channel_spec turned[] = {{"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND},
                                      {"H1:B", ARRAKIS_INT32, 4, "p", 0, SECOND / 4, SECOND}};
static const channel_spec turned_faster[] = {
    {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND},
    {"H1:B", ARRAKIS_INT32, 8, "p", 0, SECOND / 4, SECOND}};
static const channel_spec one_of_others[] = {
    {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND},
    {"H1:C", ARRAKIS_INT32, 4, "p", 0, SECOND / 4, SECOND}};

static void lists_in_other_orders(const struct form *form)
{
    arrakis_recorder *recorder = follow_in(form, alike);
    put_blocks(recorder, alike, 0, 0.5, SECOND / 4);
    put_blocks(recorder, turned, 0.5, 1.75, SECOND / 4);
    FAIL(put_block(recorder, one_of_others, GPS * SECOND + 7 * SECOND / 4, SECOND / 4, NONE, err),
         ARRAKIS_EMISMATCH, "'H1:B' is not in a block");
    put_blocks(recorder, alike, 1.75, 4.25, SECOND / 4);
    put_blocks(recorder, turned_faster, 4.25, 8, SECOND / 4);
    check_file(form, 0, 4, alike, 0, 0, 4);
    check_file(form, 4, 1, alike, 0, 4, 4.25);
    check_file(form, 5, 3, turned_faster, 1, 5, 8);
    check_all(form, alike, 1, 0, 8);
    assert_int_equal(stats_of(recorder).missing, 3);
    arrakis_recorder_close(recorder);
}

static void blocks_may_have_the_channels_in_any_order(void **state)
{
    (void)state;
    in_each_format(lists_in_other_orders);
}

/* Nothing came between two changes, and the strides become longer. */
static void change_without_data(const struct form *form)
{
    for (int restarted = 0; restarted < 2; restarted++) {
        arrakis_recorder *recorder = follow_in(form, two);
        put_blocks(recorder, two, 0, 1.5, SECOND / 4);
        for (int64_t t = 6; t < 8; t++)
            PASS(put_block(recorder, faster, GPS * SECOND + t * SECOND / 4, SECOND / 4, 0, err));
        if (restarted) {
            arrakis_recorder_close(recorder);
            put_file(".H-H1_T.next", "1400000001.500000000\n"); /* of no second */
            PASS(open_form(&recorder, form, slower, true, UNSET, 4 * SECOND, err));
            assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 2) * SECOND);
        }
        put_blocks(recorder, slower, 2, 4, SECOND);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), restarted ? 1 : 2);
        check_file(form, 2, 2, slower, 0, 2, 4);
        check_all(form, slower, 1, restarted ? 2 : 0, 4);
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
}

static void a_change_without_data_moves_no_sample(void **state)
{
    (void)state;
    in_each_format(change_without_data);
}

/* Blocks of the changed channels lie across blocks of the file. */
static void strides_that_do_not_meet(const struct form *form)
{
    static const channel_spec threes[] = {
        {"H1:B", ARRAKIS_INT32, 16, "p", 0, 3 * SECOND, SECOND},
        {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
    static const channel_spec twos[] = {{"H1:B", ARRAKIS_INT32, 32, "p", 0, 2 * SECOND, SECOND},
                                        {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
    arrakis_recorder *recorder;
    PASS(open_form(&recorder, form, threes, true, (GPS - 8) * SECOND, 12 * SECOND, err));
    put_blocks(recorder, twos, -6, 4, 2 * SECOND); /* the span's third second, and the others */
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 2);
    check_file(form, -2, 6, twos, 0, -2, 4);
    check_all(form, twos, 1, -6, 4);
}

static void blocks_may_lie_across_those_of_a_file(void **state)
{
    (void)state;
    in_each_format(strides_that_do_not_meet);
}

static void changes_in_one_second(const struct form *form)
{
    for (int64_t length = 1; length <= 4; length += 3) {
        arrakis_recorder *recorder;
        PASS(open_form(&recorder, form, two, true, GPS * SECOND, length * SECOND, err));
        put_blocks(recorder, two, 0, 3.25, SECOND / 4);
        put_blocks(recorder, faster, 3.25, 3.5, SECOND / 4);
        put_blocks(recorder, two, 3.5, 3.75, SECOND / 4);
        if (length == 4) { /* and a restart */
            arrakis_recorder_close(recorder);
            PASS(open_form(&recorder, form, two, true, GPS * SECOND, length * SECOND, err));
            assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
            put_blocks(recorder, two, 0, 3.5, SECOND / 4);
        }
        put_blocks(recorder, faster, length == 4 ? 3.5 : 3.75, 8, SECOND / 4);
        arrakis_recorder_close(recorder);
        check_all(form, two, 1, 0, 8);
        if (length == 4)
            check_file(form, 0, 4, two, 0, 0, 3.5);
        assert_int_equal(count_files(), 8 / length);
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
}

static void changes_within_one_second_lose_no_file(void **state)
{
    (void)state;
    in_each_format(changes_in_one_second);
}

/* Closed, as by a crash, at any moment after the change: the next one goes on there, or with the
 * span. */
static void after_a_change_the_next_recorder_goes_on_there(void **state)
{
    (void)state;
    for (int follows = 0; follows < 2; follows++) {
        arrakis_recorder *recorder = open_following("gwf", two, true);
        put_blocks(recorder, two, 0, 1.5, SECOND / 4);
        arrakis_recorder_close(recorder);
        recorder = open_following("gwf", two, true);
        assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
        put_blocks(recorder, two, 0, 1.5, SECOND / 4);
        put_blocks(recorder, faster, 1.5, 3, SECOND / 4);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 1);
        recorder = open_following("gwf", faster, follows);
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 2) * SECOND);
        assert_int_equal(arrakis_recorder_stride_ns(recorder), SECOND / 4);
        put_blocks(recorder, faster, 2, 3, SECOND / 4);
        PASS(arrakis_recorder_finish(recorder, err));
        arrakis_recorder_close(recorder);
        recorder = open_following("gwf", faster, follows); /* what was finished is written again */
        put_blocks(recorder, faster, 2, 8, SECOND / 4);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 3);
        check_file(&forms[0], 0, 2, two, 0, 0, 1.5);
        check_file(&forms[0], 2, 2, faster, 0, 2, 4);
        check_file(&forms[0], 4, 4, faster, 0, 4, 8);
        check_kept(NULL, two, 1, 0, 8);
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
}

/* Between the file's getting its name and the time's being noted, also where that fails or is lost. */
static void a_crash_within_a_change_is_before_it_or_after_it(void **state)
{
    (void)state;
    char path[256];
    for (int i = 0; i < 5; i++) {
        arrakis_recorder *recorder = open_following("gwf", two, true);
        put_blocks(recorder, two, 0, 1.5, SECOND / 4);
        path_of(path, ".H-H1_T.next.new");
        if (i == 3)
            assert_int_equal(mkdir(path, 0777), 0);
        directory_error = i == 4 ? EIO : 0;
        put_blocks(recorder, faster, 1.5, 2.25, SECOND / 4);
        assert_int_equal(stats_of(recorder).failed, 0);
        assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + (i == 4 ? 0 : 2)) * SECOND);
        arrakis_recorder_close(recorder);
        directory_error = 0;
        path_of(path, ".H-H1_T.next");
        if (i == 0)
            put_file(".H-H1_T.next", "1400000000\n");
        if (i == 1)
            assert_int_equal(unlink(path), 0);
        if (i == 2) /* a change before the first one that was noted */
            put_file(".H-H1_T.next", "1400000000.000000000\n");
        if (i == 3) {
            path_of(path, ".H-H1_T.next.new");
            assert_int_equal(rmdir(path), 0);
        }
        recorder = open_following("gwf", faster, true);
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 2) * SECOND);
        put_blocks(recorder, faster, 2, 4, SECOND / 4);
        assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + 4) * SECOND);
        arrakis_recorder_close(recorder);
        check_file(&forms[0], 0, 2, two, 0, 0, 1.5);
        check_kept(NULL, two, 1, 0, 4);
        remove_directory();
        assert_int_equal(mkdir(directory, 0777), 0);
    }
}

/* What is written again has other files than before: of each second there is one in the end. */
static void a_span_that_is_written_again_has_no_file_of_the_first_time(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1, SECOND / 4);
    PASS(arrakis_recorder_finish(recorder, err));
    put_blocks(recorder, faster, 1, 2, SECOND / 4); /* of the same span: passed over */
    put_blocks(recorder, two, 2, 3, SECOND / 4);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 1);
    recorder = open_following("gwf", two, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
    put_blocks(recorder, two, 0, 1.5, SECOND / 4);
    put_blocks(recorder, faster, 1.5, 3, SECOND / 4);
    assert_true(exists("H-H1_T-1400000000-4.gwf")); /* until all of it is in others */
    put_blocks(recorder, faster, 3, 4, SECOND / 4);
    assert_int_equal(count_files(), 2);
    check_kept(NULL, two, 1, 0, 4);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "1400000000\n"); /* with what was before the change there */
    recorder = open_following("gwf", faster, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 2) * SECOND);
    put_blocks(recorder, faster, 2, 2.5, SECOND / 4);
    put_blocks(recorder, two, 2.5, 4, SECOND / 4);
    assert_int_equal(count_files(), 3);
    check_kept(NULL, two, 1, 0, 4);
    arrakis_recorder_close(recorder);
    char path[256];
    path_of(path, "H-H1_T-1400000000-2.gwf");
    assert_int_equal(unlink(path), 0);
    put_file(".H-H1_T.next", "1400000000\n"); /* and without */
    recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 4, SECOND / 4);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 1);
    check_kept(NULL, two, 1, 0, 4);
}

static void files_of_others_are_not_replaced(void **state)
{
    (void)state;
    put_file("H-H1_T-1400000001-1.gwf", "x"); /* and no lock */
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_file(".H-H1_T.next", "1400000000\n");
    put_blocks(recorder, two, 4, 8, SECOND / 4);
    arrakis_recorder_close(recorder);
    recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 8, 12, SECOND / 4);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 3);
}

static void time_left_out(const struct form *form)
{
    arrakis_recorder *recorder = follow_in(form, two);
    put_blocks(recorder, two, 0, 1, SECOND / 4);
    put_blocks(recorder, faster, 3, 4, SECOND / 4);
    assert_int_equal(stats_of(recorder).missing, 2 * 20);
    assert_int_equal(stats_of(recorder).samples, 3 * 20 + 68);
    arrakis_recorder_close(recorder);
    assert_true(form_exists(form, 0, 3) && form_exists(form, 3, 1));
    check_file(form, 0, 3, two, 1, 0, 1);
}

static void time_left_out_before_a_change_is_missing(void **state)
{
    (void)state;
    in_each_format(time_left_out);
}

static void a_longer_stride_leaves_less_than_one_out(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1.25, SECOND / 4);
    put_blocks(recorder, slower, 2, 4, SECOND);
    assert_int_equal(count_files(), 2);
    check_file(&forms[0], 0, 2, two, 0, 0, 1.25);
    check_file(&forms[0], 2, 2, slower, 0, 2, 4);
    put_blocks(recorder, slower, 4, 5, SECOND);
    put_blocks(recorder, two, 17, 18, SECOND / 4); /* and spans without a block */
    PASS(arrakis_recorder_finish(recorder, err));
    assert_int_equal(count_files(), 4);
    assert_true(exists("H-H1_T-1400000004-4.gwf"));
    assert_true(exists("H-H1_T-1400000017-3.gwf"));
    arrakis_recorder_close(recorder);
    recorder = open_following("gwf", slower, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 17) * SECOND);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "1400000018.250000000\n");
    recorder = open_following("gwf", slower, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 19) * SECOND);
    arrakis_recorder_close(recorder);
}

static const channel_spec long_stride[] = {
    {"H1:B", ARRAKIS_INT32, 16, "p", 0, 3 * SECOND, SECOND},
    {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};

/* What there is of the channels as before is kept, and other files can be made from there on. */
static void stride_of_no_file(const struct form *form)
{
    const int64_t change_ns = (GPS + 1) * SECOND; /* a multiple of 3 s */
    assert_int_equal(change_ns % (3 * SECOND), 0);
    arrakis_recorder *recorder = follow_in(form, two);
    put_blocks(recorder, two, 0, 1, SECOND / 4);
    for (int i = 0; i < 2; i++)
        FAIL(put_block(recorder, long_stride, change_ns, 3 * SECOND, NONE, err), ARRAKIS_EINVAL,
             "a multiple of the channels' stride");
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 1);
    check_file(form, 0, 1, two, 0, 0, 1);
    FAIL(open_form(&recorder, form, long_stride, true, UNSET, 4 * SECOND, err), ARRAKIS_EINVAL,
         "a multiple of the channels' stride");
    PASS(open_form(&recorder, form, long_stride, true, UNSET, 6 * SECOND, err));
    assert_int_equal(arrakis_recorder_next_ns(recorder), change_ns);
    put_blocks(recorder, long_stride, 1, 10, 3 * SECOND);
    arrakis_recorder_close(recorder);
    check_all(form, two, 1, 0, 10);
}

static void a_stride_that_no_file_has_ends_the_file(void **state)
{
    (void)state;
    in_each_format(stride_of_no_file);
}

static void changes_that_cannot_be_followed(void **state)
{
    (void)state;
    const int64_t start_ns = GPS * SECOND;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 4, SECOND / 4);
    arrakis_recorder_close(recorder);
    recorder = open_following("gwf", two, false);
    FAIL(put_block(recorder, faster, start_ns + 4 * SECOND, SECOND, NONE, err), ARRAKIS_EMISMATCH,
         "other types or rates");
    arrakis_recorder_close(recorder);
}

/* The first of two files fails: the second one begins where it would have, and no sample counts
 * twice. */
static void a_file_that_fails_at_a_change_ends_there(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder *recorder = open_following("gwf", two, true);
    path_of(path, "H-H1_T-1400000000-2.gwf");
    assert_int_equal(mkdir(path, 0777), 0);
    put_blocks(recorder, two, 0, 1.5, SECOND / 4);
    put_blocks(recorder, faster, 1.5, 4, SECOND / 4);
    arrakis_recorder_stats stats = stats_of(recorder);
    assert_true(stats.failed == 1 && stats.files == 1);
    assert_true(stats.samples <= 2 * 20 + 2 * 68);
    arrakis_recorder_close(recorder);
    assert_int_equal(rmdir(path), 0);
    check_file(&forms[0], 2, 2, faster, 0, 2, 4);
    check_kept(NULL, two, 1, 2, 4);
    assert_int_equal(mkdir(path, 0777), 0);
    put_file(".H-H1_T.next", "1400000000\n");
    arrakis_recorder_options options = options_of(UNSET);
    options.format = "gwf";
    options.follow = options.max_failures = 1;
    arrakis_channels *channels = channels_of(two, 2);
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    arrakis_channels_unref(channels);
    put_blocks(recorder, two, 0, 2, SECOND / 4);
    FAIL(put_block(recorder, faster, (GPS + 2) * SECOND, SECOND / 4, NONE, err), ARRAKIS_EIO,
         "Nothing is kept of GPS 1400000000 to 1400000002");
    arrakis_recorder_close(recorder);
}

static char last_error[512];

static void keep_error(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    if (level == ARRAKIS_LOG_ERROR)
        snprintf(last_error, sizeof last_error, "%s", message);
}

/* Where the file that failed would have ended is not known before that. */
static void a_file_that_fails_before_a_change_does_not_name_what_is_kept(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    remove_directory();
    arrakis_log_set(ARRAKIS_LOG_ERROR, keep_error, NULL);
    put_blocks(recorder, two, 0, 2, SECOND / 4);
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    assert_non_null(strstr(last_error, "H-H1_T from GPS 1400000000 on is not written: "));
    assert_int_equal(mkdir(directory, 0777), 0);
    put_blocks(recorder, faster, 2, 4, SECOND / 4);
    arrakis_recorder_close(recorder);
    check_file(&forms[0], 2, 2, faster, 0, 2, 4);
    arrakis_recorder_options options = options_of(UNSET);
    options.format = "gwf";
    options.follow = options.max_failures = 1;
    arrakis_channels *channels = channels_of(faster, 2);
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    arrakis_channels_unref(channels);
    remove_directory();
    arrakis_error why;
    arrakis_status rc = ARRAKIS_OK;
    for (int i = 0; rc >= 0 && i < 8; i++)
        rc = put_block(recorder, faster, (GPS + 4) * SECOND + i * SECOND / 4, SECOND / 4, NONE,
                       &why);
    assert_int_equal(rc, ARRAKIS_EIO);
    assert_non_null(strstr(why.message, "Nothing is kept from GPS 1400000004 on"));
    arrakis_recorder_close(recorder);
    assert_int_equal(mkdir(directory, 0777), 0);
}

static uint32_t random_below(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % below;
}

/* ------------------------------------------------------------------ other lengths, and what others wrote */

static const struct form *const gwf = &forms[0];

/* Blocks of the stride that a recorder wants. */
static void put_time(arrakis_recorder *recorder, const channel_spec *specs, double from, double to)
{
    put_blocks(recorder, specs, from, to, arrakis_recorder_stride_ns(recorder));
}

static arrakis_recorder *open_length(const channel_spec *specs, bool follow, int64_t start_ns,
                                     int64_t length)
{
    arrakis_recorder *recorder;
    PASS(open_form(&recorder, gwf, specs, follow, start_ns, length * SECOND, err));
    return recorder;
}

static void empty_directory(void)
{
    remove_directory();
    assert_int_equal(mkdir(directory, 0777), 0);
}

/* The time before is recorded, as far as it was there, and may not be at the source any more. */
static void with_longer_files_recording_goes_on_just_where_it_ended(void **state)
{
    (void)state;
    assert_int_equal(GPS % 64, 0);
    for (int i = 0; i < 4; i++) {
        const bool follow = i & 1, given = i & 2;
        arrakis_recorder *recorder = open_length(two, follow, GPS * SECOND, 4);
        put_time(recorder, two, 0, 4);
        put_time(recorder, two, 8, 16);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 3);
        recorder = open_length(two, follow, given ? GPS * SECOND : UNSET, 64);
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 16) * SECOND);
        put_time(recorder, two, 16, 128);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 5);
        check_file(gwf, 0, 4, two, 0, 0, 4);
        check_file(gwf, 8, 4, two, 0, 8, 12);
        check_file(gwf, 12, 4, two, 0, 12, 16);
        check_file(gwf, 16, 48, two, 0, 16, 64);
        check_file(gwf, 64, 64, two, 0, 64, 128);
        recorder = open_length(two, follow, UNSET, 4);
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 128) * SECOND);
        arrakis_recorder_close(recorder);
        empty_directory();
    }
}

static void what_recording_ended_in_is_written_again_in_longer_files(void **state)
{
    (void)state;
    for (int follow = 0; follow < 2; follow++) {
        arrakis_recorder *recorder = open_length(two, follow, GPS * SECOND, 16);
        put_time(recorder, two, 0, 4);
        PASS(arrakis_recorder_finish(recorder, err));
        arrakis_recorder_close(recorder);
        assert_true(form_exists(gwf, 0, 16));
        recorder = open_length(two, follow, UNSET, 64);
        assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
        put_time(recorder, two, 0, 64);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 1);
        check_kept(NULL, two, 0, 0, 64);
        empty_directory();
    }
}

/* Killed before that file has its name, or with a file of a former run there. */
static void what_recording_was_about_to_end_in_is_written_again(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_length(two, true, GPS * SECOND, 16);
    put_time(recorder, two, 0, 16);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "1400000000\nH-H1_T-1400000000-16.gwf\n");
    recorder = open_length(two, true, UNSET, 64);
    assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
    put_time(recorder, two, 0, 32);
    PASS(arrakis_recorder_finish(recorder, err));
    arrakis_recorder_close(recorder);
    check_file(gwf, 0, 16, two, 0, 0, 16); /* until its time is whole in others */
    recorder = open_length(two, true, UNSET, 64);
    put_time(recorder, two, 0, 64);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 1);
    check_kept(NULL, two, 0, 0, 64);
}

/* Neither of the two files could be written: the next recorder has the time of both. */
static void an_end_that_fails_too_notes_no_time_as_recorded(void **state)
{
    (void)state;
    char path[256];
    for (int noted = 0; noted < 2; noted++) {
        arrakis_recorder *recorder = open_length(two, false, GPS * SECOND, 4);
        if (noted)
            put_time(recorder, two, 0, 4);
        const int64_t from = noted ? 4 : 0;
        static const char *const names[] = {"H-H1_T-1400000000-4.gwf", "H-H1_T-1400000004-4.gwf",
                                            "H-H1_T-1400000008-4.gwf"};
        for (int i = noted; i < 2 + noted; i++) {
            path_of(path, names[i]);
            assert_int_equal(mkdir(path, 0777), 0);
        }
        put_time(recorder, two, (double)from, (double)from + 6);
        FAIL(arrakis_recorder_finish(recorder, err), ARRAKIS_EIO, "could not be written");
        arrakis_recorder_close(recorder);
        recorder = open_length(two, false, UNSET, 4);
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + from) * SECOND);
        arrakis_recorder_close(recorder);
        empty_directory();
    }
}

static void with_shorter_files_the_longer_one_is_removed_when_its_time_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const bool follow = i & 1, within = i & 2;
        arrakis_recorder *recorder = open_length(two, follow, GPS * SECOND, 16);
        put_time(recorder, two, 0, 16);
        arrakis_recorder_close(recorder);
        if (within)
            put_file(".H-H1_T.next", "1400000002.000000000\n");
        recorder = open_length(two, follow, UNSET, 16);
        put_time(recorder, two, within ? 2 : 16, within ? 6 : 20);
        PASS(arrakis_recorder_finish(recorder, err));
        arrakis_recorder_close(recorder);
        const int64_t from = within ? 2 : 16, to = within ? 16 : 32;
        assert_true(form_exists(gwf, from, to - from));
        for (int64_t t = from; t < to; t = t / 4 * 4 + 4) { /* started again after each */
            assert_true(form_exists(gwf, from, to - from));
            recorder = open_length(two, follow, UNSET, 4);
            assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + t) * SECOND);
            put_time(recorder, two, (double)t, (double)(t / 4 * 4 + 4));
            arrakis_recorder_close(recorder);
        }
        assert_false(form_exists(gwf, from, to - from));
        assert_true(form_exists(gwf, 0, 16)); /* what was noted as recorded stays */
        if (!within)
            check_kept(NULL, two, 0, 0, 32);
        empty_directory();
    }
}

/* A time that was noted by hand. */
static void a_file_that_a_noted_time_is_within_is_written_again(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_length(two, false, GPS * SECOND, 4);
    put_time(recorder, two, 0, 8);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "1400000005\n");
    recorder = open_length(two, false, UNSET, 4);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
    put_time(recorder, two, 4, 12);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 3);
    check_kept(NULL, two, 0, 0, 12);
}

/* When a file was written last: seconds before now. */
static void set_age(const char *name, int64_t seconds)
{
    char path[256];
    struct timespec times[2];
    path_of(path, name);
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= seconds;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static ino_t inode_of(const char *name)
{
    char path[256];
    struct stat about;
    path_of(path, name);
    assert_int_equal(stat(path, &about), 0);
    return about.st_ino;
}

/* Killed, or without power, after two files have their names and before that is noted. */
static void what_is_a_file_is_recorded_before_it_is_noted(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        arrakis_recorder *recorder = open_length(two, i == 1, GPS * SECOND, 4);
        put_time(recorder, two, 0, 12);
        arrakis_recorder_close(recorder);
        put_file(".H-H1_T.next", "1400000004\n");
        set_age(".H-H1_T.next", i == 2 ? -20 : 20); /* 2: a user wants the span again */
        set_age("H-H1_T-1400000008-4.gwf", -1);
        directory_error = i == 3 ? EIO : 0; /* 3: a power failure may lose the files still */
        recorder = open_length(two, i == 1, UNSET, 4);
        directory_error = 0;
        assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + (i < 2 ? 12 : 4)) * SECOND);
        arrakis_recorder_close(recorder);
        empty_directory();
    }
}

/* The source may have nothing of that time any more. */
static void a_file_without_a_sample_replaces_none(void **state)
{
    (void)state;
    for (int come = 0; come < 2; come++) {
        arrakis_recorder_options options = options_of(GPS);
        arrakis_recorder *recorder = open_recorder(&options);
        add_seconds(recorder, GPS, GPS + 8);
        arrakis_recorder_close(recorder);
        const ino_t inode = inode_of("H-H1_T-1400000000-4.arrow");
        put_file(".H-H1_T.next", "1400000000\n");
        options.write_empty = true;
        recorder = open_recorder(&options);
        assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
        for (int64_t gps = GPS; come && gps < GPS + 14; gps++)
            PASS(add_block(recorder, gps, true, err));
        if (come) { /* and the last of them has no sample, either */
            PASS(arrakis_recorder_finish(recorder, err));
            assert_int_equal(stats_of(recorder).missing, 80 * 2);
        } else {
            add_seconds(recorder, GPS + 16, GPS + 17);
        }
        assert_true(stats_of(recorder).empty == 2 && stats_of(recorder).files == 2);
        assert_true(inode_of("H-H1_T-1400000000-4.arrow") == inode);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 4);
        empty_directory();
    }
}

/* Recording ended in it, and the source has less of it by now. */
static void of_two_files_of_a_span_the_one_with_more_samples_stays(void **state)
{
    (void)state;
    static const char name[] = "H-H1_T-1400000000-4.arrow";
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 2);
    PASS(arrakis_recorder_finish(recorder, err));
    arrakis_recorder_close(recorder);
    const ino_t inode = inode_of(name);
    for (int i = 0; i < 2; i++) { /* it ends in the same span, and goes beyond it */
        recorder = open_at(UNSET);
        assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
        add_seconds(recorder, GPS + 2, GPS + 3);
        if (i)
            add_seconds(recorder, GPS + 4, GPS + 8);
        else
            PASS(arrakis_recorder_finish(recorder, err));
        assert_int_equal(stats_of(recorder).files, i);
        arrakis_recorder_close(recorder);
        assert_true(inode_of(name) == inode);
        assert_false(exists(".H-H1_T-1400000000-4.arrow.part"));
    }
    assert_int_equal(arrakis_recorder_next_ns(recorder = open_at(UNSET)), (GPS + 8) * SECOND);
    arrakis_recorder_close(recorder);
    put_file(".H-H1_T.next", "1400000000\nH-H1_T-1400000000-4.arrow 40\n");
    recorder = open_at(UNSET);
    add_seconds(recorder, GPS + 1, GPS + 4); /* more than there were */
    assert_false(inode_of(name) == inode);
    arrakis_recorder_close(recorder);
}

/* Of fewer channels a whole file has fewer samples than a part of a file of all. */
static void a_whole_file_of_fewer_channels_takes_the_place_of_a_part(void **state)
{
    (void)state;
    static const char name[] = "H-H1_T-1400000000-4.arrow";
    static const float values[4] = {1, 2, 3, 4};
    const arrakis_series series = {values, NULL, 4, ARRAKIS_FLOAT32};
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 3);
    PASS(arrakis_recorder_finish(recorder, err));
    arrakis_recorder_close(recorder);
    const ino_t inode = inode_of(name);
    arrakis_recorder_options options = options_of(UNSET);
    arrakis_channels *one = channels_of(two + 1, 1);
    PASS(arrakis_recorder_open(&recorder, one, &options, err));
    for (int64_t gps = GPS; gps < GPS + 4; gps++) {
        arrakis_block *block;
        PASS(arrakis_block_new(&block, one, gps * SECOND, SECOND, &series, err));
        PASS(arrakis_recorder_block(recorder, block, err));
        arrakis_block_unref(block);
    }
    assert_int_equal(stats_of(recorder).files, 1);
    assert_false(inode_of(name) == inode);
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(one);
}

/* Otherwise the rest of its span would be taken as recorded. */
static void without_a_note_recording_ends_in_no_file(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder *recorder = open_at(GPS);
    add_seconds(recorder, GPS, GPS + 6);
    path_of(path, ".H-H1_T.next.new");
    assert_int_equal(mkdir(path, 0777), 0);
    FAIL(arrakis_recorder_finish(recorder, err), ARRAKIS_EIO, "could not be written");
    assert_int_equal(count_files(), 1);
    arrakis_recorder_close(recorder);
    assert_int_equal(arrakis_recorder_next_ns(recorder = open_at(GPS)), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
}

/* A power failure before the first file: nobody else knows the time. */
static void the_first_time_is_on_the_disk(void **state)
{
    (void)state;
    synchronized = 0;
    arrakis_recorder_close(open_at(UNSET));
    assert_int_equal(synchronized, 1);
}

static void files_of_others_are_no_recording(void **state)
{
    (void)state;
    for (int follow = 0; follow < 2; follow++) {
        put_file("H-H1_T-1400000000-16.gwf", "x"); /* and no lock */
        arrakis_recorder *recorder = open_length(two, follow, GPS * SECOND, 64);
        assert_int_equal(arrakis_recorder_next_ns(recorder), GPS * SECOND);
        put_time(recorder, two, 0, 64);
        arrakis_recorder_close(recorder);
        assert_int_equal(count_files(), 2);
        empty_directory();
    }
}

static void a_part_without_data_keeps_no_file_of_the_first_time(void **state)
{
    (void)state;
    uint8_t seen[SEEN];
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1.5, SECOND / 4);
    put_blocks(recorder, faster, 1.5, 3, SECOND / 4);
    PASS(arrakis_recorder_finish(recorder, err));
    arrakis_recorder_close(recorder);
    assert_true(form_exists(gwf, 0, 2) && form_exists(gwf, 2, 2));
    recorder = open_following("gwf", faster, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 2) * SECOND);
    put_blocks(recorder, two, 3, 8, SECOND / 4); /* and none from 2 to 3 */
    arrakis_recorder_close(recorder);
    assert_false(form_exists(gwf, 2, 2));
    assert_true(form_exists(gwf, 2, 1) && form_exists(gwf, 3, 1));
    assert_int_equal(count_kept(NULL, two, 1, 0, 32, seen), 28);
}

/* A file of the first time, which two files have the time of. */
static void end_and_go_on(void)
{
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1, SECOND / 4);
    PASS(arrakis_recorder_finish(recorder, err));
    arrakis_recorder_close(recorder);
    recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 1.5, SECOND / 4);
    put_blocks(recorder, faster, 1.5, 3.75, SECOND / 4);
    directory_error = fatal ? 0 : EIO;
    put_blocks(recorder, faster, 3.75, 4, SECOND / 4);
    directory_error = 0;
    assert_int_equal(count_files(), 3);
    put_blocks(recorder, faster, 4, 8, SECOND / 4);
    arrakis_recorder_close(recorder);
}

static void what_could_not_be_removed_at_once_is_removed_later(void **state)
{
    (void)state;
    end_and_go_on();
    assert_int_equal(count_files(), 3);
    check_kept(NULL, two, 1, 0, 8);
}

static void a_death_where_a_file_is_removed_keeps_it_no_longer(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        fatal = "H-H1_T-1400000000-4.gwf";
        end_and_go_on();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    assert_int_equal(count_files(), 3);
    set_age(".H-H1_T.next", 20); /* before the file that was not noted any more */
    arrakis_recorder *recorder = open_following("gwf", faster, true);
    assert_int_equal(arrakis_recorder_next_ns(recorder), (GPS + 4) * SECOND);
    put_blocks(recorder, faster, 4, 8, SECOND / 4);
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 3);
    check_kept(NULL, two, 1, 0, 8);
}

static void a_stride_that_no_file_has_loses_nothing_of_others(void **state)
{
    (void)state;
    static const channel_spec threes[] = {
        {"H1:B", ARRAKIS_INT32, 16, "p", 0, 3 * SECOND / 4, SECOND},
        {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};
    const int64_t start_ns = GPS * SECOND + 5 * SECOND / 2, stride_ns = 3 * SECOND / 4;
    assert_int_equal(start_ns % stride_ns, 0);
    arrakis_recorder *recorder = open_following("gwf", two, true);
    put_blocks(recorder, two, 0, 2.5, SECOND / 4);
    for (int i = 0; i < 2; i++)
        FAIL(put_block(recorder, threes, start_ns, stride_ns, NONE, err), ARRAKIS_EINVAL,
             "a multiple of the channels' stride");
    arrakis_recorder_close(recorder);
    assert_int_equal(count_files(), 1);
    check_file(gwf, 0, 3, two, 1, 0, 3);
}

/* ------------------------------------------------------------------ anything, in any order */

static const channel_spec four_seconds[] = {
    {"H1:B", ARRAKIS_INT32, 16, "p", 0, 4 * SECOND, SECOND},
    {"H1:A", ARRAKIS_FLOAT32, 4, "p", 1, SECOND / 4, SECOND}};

static const struct kind {
    const channel_spec *specs;
    int64_t stride_ns;
} kinds[] = {{two, SECOND / 4},
             {moved, SECOND / 4},
             {faster, SECOND / 4},
             {slower, SECOND},
             {four_seconds, 4 * SECOND}};

enum { SECONDS = 48, SAMPLES = 4 * SECONDS };

/* One recording in many runs, and which samples of H1:A files have to have. */
typedef struct story {
    const struct form *form;
    arrakis_recorder *recorder;
    uint32_t random;
    size_t kind;
    bool left_out; /* the last block */
    int64_t time_ns;
    bool fed[SAMPLES];
} story;

static void set_fed(story *s, int64_t from_ns, int64_t to_ns, bool fed)
{
    for (int64_t i = (from_ns - GPS * SECOND) / (SECOND / 4); i < SAMPLES; i++)
        if (GPS * SECOND + i * SECOND / 4 < to_ns)
            s->fed[i] = fed;
}

/* Not two in a row, so that no span is without data. */
static void put_next(story *s)
{
    size_t next = random_below(&s->random, 6) ? s->kind : random_below(&s->random, COUNT(kinds));
    s->kind = s->time_ns % kinds[next].stride_ns ? s->kind : next;
    const int64_t stride_ns = kinds[s->kind].stride_ns;
    s->left_out = !s->left_out && stride_ns <= SECOND && random_below(&s->random, 6) == 0;
    if (!s->left_out) {
        PASS(put_block(s->recorder, kinds[s->kind].specs, s->time_ns, stride_ns, NONE, err));
        set_fed(s, s->time_ns, s->time_ns + stride_ns, true);
    }
    s->time_ns += stride_ns;
}

/* What the next recorder begins with is as it is then. It begins where the last one did, or less
 * than a unit later. */
static void restart(story *s)
{
    const int64_t kept_ns = arrakis_recorder_kept_ns(s->recorder);
    const int64_t length = INT64_C(4) << random_below(&s->random, 3);
    if (random_below(&s->random, 2))
        PASS(arrakis_recorder_finish(s->recorder, err));
    arrakis_recorder_close(s->recorder);
    PASS(open_form(&s->recorder, s->form, kinds[s->kind].specs, true, GPS * SECOND,
                   length * SECOND, err));
    s->time_ns = arrakis_recorder_next_ns(s->recorder);
    const int64_t unit_ns = kinds[s->kind].stride_ns < SECOND ? SECOND : kinds[s->kind].stride_ns;
    assert_true(s->time_ns - kept_ns < unit_ns);
    set_fed(s, kept_ns < s->time_ns ? kept_ns : s->time_ns, INT64_MAX, false);
    s->left_out = false;
}

/* Changes, restarts with other lengths, ends and blocks that are left out at any time: a channel
 * that stays as it is has all that came, once. */
static void tell(story *s)
{
    uint8_t seen[SEEN];
    const int64_t end_ns = (GPS + SECONDS) * SECOND, later_ns = end_ns + 16 * SECOND;
    for (s->time_ns = arrakis_recorder_next_ns(s->recorder); s->time_ns < end_ns;) {
        put_next(s);
        if (s->time_ns < end_ns && random_below(&s->random, 24) == 0)
            restart(s);
    }
    PASS(put_block(s->recorder, kinds[s->kind].specs, later_ns, kinds[s->kind].stride_ns, 1, err));
    arrakis_recorder_close(s->recorder);
    count_kept(NULL, two, 1, 0, SAMPLES, seen);
    for (size_t i = 0; i < SAMPLES; i++)
        assert_true(seen[i] || !s->fed[i]);
}

static void whatever_happens_each_sample_is_in_one_file(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 24; seed++) {
        story s = {.form = &forms[seed % 2 * 2], .random = seed};
        arrakis_error error;
        if (open_form(&s.recorder, s.form, two, true, GPS * SECOND, 4 * SECOND, &error) ==
            ARRAKIS_EUNSUPPORTED)
            continue;
        tell(&s);
        empty_directory();
    }
}

/* In one block of a file some blocks of the stream are missing, and in one of them a channel. */
static void what_is_missing_of_joined_blocks_is_masked(void **state)
{
    (void)state;
    arrakis_recorder *recorder = open_following("gwf", two, true);
    const int64_t start_ns = GPS * SECOND, stride_ns = SECOND / 4;
    PASS(put_block(recorder, two, start_ns + stride_ns, stride_ns, NONE, err));
    PASS(put_block(recorder, two, start_ns + 2 * stride_ns, stride_ns, 0, err));
    put_blocks(recorder, two, 1, 4, stride_ns);
    assert_int_equal(stats_of(recorder).missing, 2 * 5 + 4);
    arrakis_recorder_close(recorder);
    char path[256];
    ark_gwf_reader *reader;
    ark_gwf_samples samples;
    path_of(path, "H-H1_T-1400000000-4.gwf");
    int fd = open(path, O_RDONLY);
    PASS(ark_gwf_reader_new(&reader, fd, 1 << 20, err));
    PASS(ark_gwf_reader_read(reader, 0, 1, &samples, err));
    assert_non_null(samples.valid);
    assert_int_equal(samples.valid[0], 0xf0);
    assert_int_equal(samples.valid[1], 0x00);
    PASS(ark_gwf_reader_read(reader, 0, 0, &samples, err));
    assert_non_null(samples.valid);
    assert_int_equal(samples.valid[0] & 0xf, 0x6);
    ark_gwf_reader_free(reader);
    close(fd);
}

/* ------------------------------------------------------------------ shared by several processes */

static arrakis_recorder *open_shared(void)
{
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    return open_recorder(&options);
}

/* A partition's directory that may be lost is synchronized when it exists, too. */
static void the_directory_of_a_partition_is_on_the_disk_before_its_files(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    directory_error = EIO;
    for (int i = 0; i < 2; i++)
        FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EIO,
             "cannot be synchronized");
    directory_error = synchronized = 0;
    PASS(arrakis_recorder_open(&recorder, channels, &options, err));
    assert_int_equal(synchronized, 1);
    arrakis_recorder_close(recorder);
    arrakis_channels_unref(channels);
}

/* A member of a group ends with the first failure, and what it has not committed another one writes. */
static void a_shared_recorder_keeps_nothing_whose_name_may_be_lost(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    options.max_failures = 1;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 3);
    directory_error = EIO;
    FAIL(add_block(recorder, GPS + 3, false, err), ARRAKIS_EIO, "cannot be synchronized");
    directory_error = 0;
    assert_int_equal(arrakis_recorder_kept_ns(recorder), GPS * SECOND);
    arrakis_recorder_close(recorder);
    recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + 4);
    assert_int_equal(arrakis_recorder_kept_ns(recorder), (GPS + 4) * SECOND);
    arrakis_recorder_close(recorder);
    assert_true(exists("H-p/H-p-1400000000-4.arrow"));
}

static size_t count_shared_files(void)
{
    char path[256];
    path_of(path, "H-p");
    size_t count = 0;
    DIR *entries = opendir(path);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

/* Files that a reading of the directory did not come to would never be removed. */
static void a_directory_that_could_not_be_read_once_is_read_again(void **state)
{
    (void)state;
    enum { MOST = 3, SPANS = 8 };
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    options.max_files = MOST;
    arrakis_recorder *recorder = open_recorder(&options);
    add_seconds(recorder, GPS, GPS + MOST * 4);
    assert_int_equal(count_shared_files(), MOST);
    add_seconds(recorder, GPS + MOST * 4, GPS + MOST * 4 + 3);
    put_file("H-p/of-another", ""); /* what is in the directory is listed anew */
    unreadable = EIO;
    add_seconds(recorder, GPS + MOST * 4 + 3, GPS + (MOST + 1) * 4);
    unreadable = 0;
    assert_int_equal(stats_of(recorder).failed, 1);
    add_seconds(recorder, GPS + (MOST + 1) * 4, GPS + (MOST + 1 + SPANS) * 4);
    assert_int_equal(count_shared_files(), MOST + 1); /* with the other one */
    arrakis_recorder_close(recorder);
}

static size_t count_parts(const char *path)
{
    size_t count = 0;
    DIR *entries = opendir(path);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries));)
        count += strstr(entry->d_name, ".part") != NULL;
    closedir(entries);
    return count;
}

static void two_shared_recorders_write_the_same_file_once(void **state)
{
    (void)state;
    char path[256], partition[256];
    struct stat before, after;
    path_of(partition, "H-p");
    arrakis_recorder *first = open_shared(), *second = open_shared();
    assert_string_equal(arrakis_recorder_name(first), "H-p");
    assert_int_equal(arrakis_recorder_next_ns(first), UNSET);
    assert_int_equal(arrakis_recorder_kept_ns(first), UNSET);
    add_seconds(first, GPS, GPS + 2);
    assert_int_equal(arrakis_recorder_kept_ns(first), GPS * SECOND);
    add_seconds(second, GPS, GPS + 4);
    assert_int_equal(arrakis_recorder_kept_ns(second), (GPS + 4) * SECOND);
    path_of(path, "H-p/H-p-1400000000-4.arrow");
    assert_int_equal(stat(path, &before), 0);
    add_seconds(first, GPS + 2, GPS + 4);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(count_parts(partition), 0);
    arrakis_recorder_close(first);
    arrakis_recorder_close(second);
}

/* A process that is frozen finds the span of its file taken by another, and that file removed
 * already. */
static void a_file_of_a_thawed_process_is_not_one_too_many(void **state)
{
    (void)state;
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    options.max_files = 2;
    arrakis_recorder *frozen = open_recorder(&options), *other = open_recorder(&options);
    add_seconds(frozen, GPS, GPS + 2);
    add_seconds(other, GPS, GPS + 12);
    assert_false(exists("H-p/H-p-1400000000-4.arrow"));
    add_seconds(frozen, GPS + 2, GPS + 4);
    assert_false(exists("H-p/H-p-1400000000-4.arrow"));
    add_seconds(frozen, GPS + 4, GPS + 12); /* all of them once more */
    add_seconds(other, GPS + 12, GPS + 16);
    assert_false(exists("H-p/H-p-1400000004-4.arrow"));
    assert_true(exists("H-p/H-p-1400000008-4.arrow") && exists("H-p/H-p-1400000012-4.arrow"));
    arrakis_recorder_close(frozen);
    arrakis_recorder_close(other);
}

/* A recorder that is open writes its file to the end, and one that was killed leaves a file behind. */
static void what_a_shared_recorder_left_is_removed_and_what_it_writes_is_not(void **state)
{
    (void)state;
    char partition[256];
    path_of(partition, "H-p");
    arrakis_recorder *first = open_shared();
    put_file("H-p/.H-p-1400000000-4.arrow.AAAAAAAA.part", "left");
    put_file("H-p/.H-q-1400000000-4.arrow.AAAAAAAA.part", "of another");
    add_seconds(first, GPS, GPS + 2);
    assert_int_equal(count_parts(partition), 3);
    arrakis_recorder *second = open_shared();
    assert_int_equal(count_parts(partition), 2);
    assert_true(exists("H-p/.H-q-1400000000-4.arrow.AAAAAAAA.part"));
    add_seconds(first, GPS + 2, GPS + 4);
    assert_true(exists("H-p/H-p-1400000000-4.arrow"));
    add_seconds(second, GPS + 4, GPS + 6);
    PASS(arrakis_recorder_finish(second, err));
    assert_int_equal(count_parts(partition), 1);
    assert_false(exists("H-p/H-p-1400000004-4.arrow"));
    arrakis_recorder_close(first);
    arrakis_recorder_close(second);
}

/* Between its being made and locked, a file is what a crash left behind, too. */
static void a_file_that_another_has_locked_or_removed_is_made_anew(void **state)
{
    (void)state;
    ark_folder folder;
    PASS(ark_folder_init_shared(&folder, directory, "H-p", err));
    PASS(ark_folder_enter(&folder, err));
    put_file("H-p/.part", "");
    int here = openat(folder.fd, ".part", O_RDWR | O_CLOEXEC);
    int there = openat(folder.fd, ".part", O_RDWR | O_CLOEXEC);
    assert_true(here >= 0 && there >= 0);
    assert_true(ark_folder_lock_part(&folder, there));
    assert_false(ark_folder_lock_part(&folder, here));
    assert_int_equal(unlinkat(folder.fd, ".part", 0), 0);
    close(there);
    assert_false(ark_folder_lock_part(&folder, here));
    close(here);
    ark_folder_clear(&folder);
}

static void a_file_with_other_bytes_stays_when_recorders_are_shared(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder *recorder = open_shared();
    put_file("H-p/H-p-1400000000-4.arrow", "others'");
    add_seconds(recorder, GPS, GPS + 4);
    path_of(path, "H-p/H-p-1400000000-4.arrow");
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 7);
    arrakis_recorder_close(recorder);
}

/* A member of a group must not commit what is in no file. */
static void what_is_no_file_is_not_taken_for_one_by_shared_recorders(void **state)
{
    (void)state;
    char path[256];
    arrakis_recorder_options options = options_of(UNSET);
    options.name = NULL;
    options.shared = true;
    options.max_failures = 1;
    for (int i = 0; i < 2; i++) {
        arrakis_recorder *recorder = open_recorder(&options);
        path_of(path, "H-p/H-p-1400000000-4.arrow");
        assert_int_equal(i ? symlink("nowhere", path) : mkdir(path, 0777), 0);
        add_seconds(recorder, GPS, GPS + 3);
        FAIL(add_block(recorder, GPS + 3, false, err), ARRAKIS_EIO, "exists and is not a file");
        assert_int_equal(stats_of(recorder).files, 0);
        arrakis_recorder_close(recorder);
        path_of(path, "H-p");
        assert_int_equal(count_parts(path), 0);
        path_of(path, "H-p/H-p-1400000000-4.arrow");
        assert_int_equal(remove(path), 0);
    }
}

static void options_of_shared_recorders_are_checked(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    arrakis_channels *channels = channels_of(two, 2);
    arrakis_recorder_options options = options_of(UNSET);
    options.shared = true;
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL, "a name");
    options.name = NULL;
    options.write_empty = true;
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL, "write_empty");
    options.write_empty = false;
    options.follow = true;
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL, "follow");
    options.follow = false;
    options.start_ns = GPS * SECOND;
    FAIL(arrakis_recorder_open(&recorder, channels, &options, err), ARRAKIS_EINVAL, "a start");
    arrakis_channels_unref(channels);
}

static void a_partition_names_files_as_no_other_does(void **state)
{
    (void)state;
    char prefix[ARK_SPAN_NAME_PREFIX_SIZE], id[80];
    channel_spec specs[] = {{"H1:A", ARRAKIS_INT32, 16, "a-b.c_d", 0, SECOND, SECOND},
                            {"L1:A", ARRAKIS_INT32, 16, "a-b.c_d", 1, SECOND, SECOND}};
    arrakis_channels *channels = channels_of(specs, 2);
    PASS(ark_span_name_partition(prefix, channels, err));
    assert_string_equal(prefix, "HL-a+b#c_d");
    PASS(ark_span_name_check(prefix, err));
    arrakis_channels_unref(channels);
    specs[1].partition = "other";
    channels = channels_of(specs, 2);
    FAIL(ark_span_name_partition(prefix, channels, err), ARRAKIS_EINVAL, "a-b.c_d and other");
    arrakis_channels_unref(channels);
    for (size_t size = 70; size <= 71; size++) {
        memset(id, 'x', size);
        id[size] = '\0';
        specs[0].partition = id;
        channels = channels_of(specs, 1);
        arrakis_status rc = ark_span_name_partition(prefix, channels, NULL);
        assert_int_equal(rc, size == 70 ? ARRAKIS_OK : ARRAKIS_EINVAL);
        arrakis_channels_unref(channels);
    }
}

static void calls_without_a_recorder_do_nothing(void **state)
{
    (void)state;
    arrakis_recorder *recorder;
    FAIL(arrakis_recorder_open(NULL, NULL, NULL, err), ARRAKIS_EINVAL, "out is NULL");
    FAIL(arrakis_recorder_open(&recorder, NULL, NULL, err), ARRAKIS_EINVAL, "channels is NULL");
    FAIL(arrakis_recorder_block(NULL, NULL, err), ARRAKIS_EINVAL, "recorder is NULL");
    FAIL(arrakis_recorder_finish(NULL, err), ARRAKIS_EINVAL, "recorder is NULL");
    assert_int_equal(arrakis_recorder_next_ns(NULL), UNSET);
    assert_int_equal(arrakis_recorder_stride_ns(NULL), UNSET);
    assert_int_equal(arrakis_recorder_kept_ns(NULL), UNSET);
    assert_null(arrakis_recorder_name(NULL));
    arrakis_recorder_get_stats(NULL, NULL);
    arrakis_recorder_close(NULL);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, clear_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_as_they_are_written),
        cmocka_unit_test(a_name_is_checked),
        cmocka_unit_test(a_name_is_made_of_what_channels_have_in_common),
        IN_DIRECTORY(a_span_is_a_file_once_its_last_block_has_come),
        IN_DIRECTORY(the_next_recorder_goes_on_where_the_last_ended),
        IN_DIRECTORY(the_place_is_known_from_the_files_too),
        IN_DIRECTORY(a_recorder_before_its_first_file_remembers_when_it_was_started),
        IN_DIRECTORY(a_time_ahead_of_the_clock_is_refused_or_told),
        IN_DIRECTORY(what_else_lies_in_the_directory_does_no_harm),
        IN_DIRECTORY(many_files_are_sorted_by_their_spans),
        IN_DIRECTORY(what_comes_after_the_end_does_not_replace_the_file),
        IN_DIRECTORY(without_its_lock_a_recorder_leaves_files_to_the_next_one),
        IN_DIRECTORY(an_end_within_a_span_is_recorded_again),
        IN_DIRECTORY(spans_without_a_sample_are_left_out_or_written),
        IN_DIRECTORY(frames_have_the_samples_of_each_channel),
        IN_DIRECTORY(blocks_are_checked),
        IN_DIRECTORY(options_are_checked),
        cmocka_unit_test(the_reason_of_libhdf5_is_told),
        IN_DIRECTORY(what_a_crash_left_is_removed_and_nothing_else),
        IN_DIRECTORY(one_name_has_one_recorder_at_a_time),
        IN_DIRECTORY(the_earliest_files_are_removed),
        IN_DIRECTORY(what_is_not_a_recorder_s_is_not_removed),
        IN_DIRECTORY(what_takes_the_place_of_a_file_stays),
        IN_DIRECTORY(files_that_no_recorder_can_have_written_refuse_a_limit),
        IN_DIRECTORY(files_of_others_stay_others),
        IN_DIRECTORY(without_files_of_others_there_is_nothing_to_refuse),
        IN_DIRECTORY(a_file_whose_name_may_be_lost_is_one_that_a_restart_writes_again),
        IN_DIRECTORY(a_pipe_in_the_place_of_a_file_costs_that_file),
        IN_DIRECTORY(a_directory_that_is_never_synchronized_ends_recording),
        IN_DIRECTORY(a_directory_that_cannot_be_read_to_its_end_is_an_error),
        IN_DIRECTORY(a_file_system_that_cannot_synchronize_directories_will_do),
        IN_DIRECTORY(a_directory_that_is_gone_costs_the_files_until_it_is_back),
        IN_DIRECTORY(too_many_failures_in_a_row_end_recording),
        IN_DIRECTORY(a_change_ends_a_file_and_begins_another),
        IN_DIRECTORY(another_partition_changes_no_file),
        IN_DIRECTORY(after_a_change_the_next_recorder_goes_on_there),
        IN_DIRECTORY(a_crash_within_a_change_is_before_it_or_after_it),
        IN_DIRECTORY(a_longer_stride_leaves_less_than_one_out),
        IN_DIRECTORY(blocks_may_have_the_channels_in_any_order),
        IN_DIRECTORY(a_change_without_data_moves_no_sample),
        IN_DIRECTORY(blocks_may_lie_across_those_of_a_file),
        IN_DIRECTORY(changes_within_one_second_lose_no_file),
        IN_DIRECTORY(a_span_that_is_written_again_has_no_file_of_the_first_time),
        IN_DIRECTORY(files_of_others_are_not_replaced),
        IN_DIRECTORY(time_left_out_before_a_change_is_missing),
        IN_DIRECTORY(a_stride_that_no_file_has_ends_the_file),
        IN_DIRECTORY(a_file_that_fails_at_a_change_ends_there),
        IN_DIRECTORY(a_file_that_fails_before_a_change_does_not_name_what_is_kept),
        IN_DIRECTORY(with_longer_files_recording_goes_on_just_where_it_ended),
        IN_DIRECTORY(what_recording_ended_in_is_written_again_in_longer_files),
        IN_DIRECTORY(what_recording_was_about_to_end_in_is_written_again),
        IN_DIRECTORY(an_end_that_fails_too_notes_no_time_as_recorded),
        IN_DIRECTORY(with_shorter_files_the_longer_one_is_removed_when_its_time_is_whole),
        IN_DIRECTORY(a_file_that_a_noted_time_is_within_is_written_again),
        IN_DIRECTORY(what_is_a_file_is_recorded_before_it_is_noted),
        IN_DIRECTORY(a_file_without_a_sample_replaces_none),
        IN_DIRECTORY(of_two_files_of_a_span_the_one_with_more_samples_stays),
        IN_DIRECTORY(a_whole_file_of_fewer_channels_takes_the_place_of_a_part),
        IN_DIRECTORY(without_a_note_recording_ends_in_no_file),
        IN_DIRECTORY(the_first_time_is_on_the_disk),
        IN_DIRECTORY(files_of_others_are_no_recording),
        IN_DIRECTORY(a_part_without_data_keeps_no_file_of_the_first_time),
        IN_DIRECTORY(what_could_not_be_removed_at_once_is_removed_later),
        IN_DIRECTORY(a_death_where_a_file_is_removed_keeps_it_no_longer),
        IN_DIRECTORY(a_stride_that_no_file_has_loses_nothing_of_others),
        IN_DIRECTORY(whatever_happens_each_sample_is_in_one_file),
        IN_DIRECTORY(changes_that_cannot_be_followed),
        IN_DIRECTORY(what_is_missing_of_joined_blocks_is_masked),
        cmocka_unit_test(a_partition_names_files_as_no_other_does),
        IN_DIRECTORY(the_directory_of_a_partition_is_on_the_disk_before_its_files),
        IN_DIRECTORY(a_shared_recorder_keeps_nothing_whose_name_may_be_lost),
        IN_DIRECTORY(a_directory_that_could_not_be_read_once_is_read_again),
        IN_DIRECTORY(two_shared_recorders_write_the_same_file_once),
        IN_DIRECTORY(a_file_of_a_thawed_process_is_not_one_too_many),
        IN_DIRECTORY(what_a_shared_recorder_left_is_removed_and_what_it_writes_is_not),
        IN_DIRECTORY(a_file_that_another_has_locked_or_removed_is_made_anew),
        IN_DIRECTORY(a_file_with_other_bytes_stays_when_recorders_are_shared),
        IN_DIRECTORY(what_is_no_file_is_not_taken_for_one_by_shared_recorders),
        IN_DIRECTORY(options_of_shared_recorders_are_checked),
        cmocka_unit_test(calls_without_a_recorder_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
