/* SPDX-License-Identifier: Apache-2.0 */
/* How far recording has got, as a file has it. */
#include "file/noted_time.h"

#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GPS = 1400000000 };

static char directory[] = "noted_time_test_XXXXXX";

static ark_span_name name_at(int64_t gps)
{
    return (ark_span_name){.gps = gps, .length = 4, .extension = "gwf"};
}

static void of_nine_files_that_recording_ended_in_the_last_eight_are_noted(void **state)
{
    (void)state;
    ark_noted_time noted = {.time_ns = GPS * SECOND + 1, .within = true};
    for (int i = 0; i <= ARK_NOTED_FILES_MAX; i++) {
        const ark_span_name name = name_at(GPS + i);
        ark_noted_time_add(&noted, &name, 1);
        ark_noted_time_add(&noted, &name, (uint64_t)i);
    }
    char prefix[ARK_SPAN_NAME_PREFIX_SIZE] = "H-";
    memset(prefix + 2, 'a', sizeof prefix - 3);
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    assert_true(ark_noted_time_write(fd, "next", "part", prefix, &noted));
    const ark_noted_time read = ark_noted_time_read(fd, "next", directory);
    assert_true(read.time_ns == noted.time_ns && read.within);
    assert_int_equal(read.count, ARK_NOTED_FILES_MAX);
    for (int i = 0; i <= ARK_NOTED_FILES_MAX; i++) {
        const ark_span_name name = name_at(GPS + i);
        const ark_ended_file *ended = ark_noted_time_ended(&read, &name);
        assert_true(i > 0 ? ended && ended->part == (uint64_t)i : !ended);
    }
    assert_int_equal(unlinkat(fd, "next", 0), 0);
    close(fd);
}

/* Whatever has the name of the file while it is written. */
static void what_is_in_the_way_is_not_written_to(void **state)
{
    (void)state;
    const ark_noted_time noted = {.time_ns = GPS * SECOND};
    char text[8] = "";
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    int kept = openat(fd, "kept", O_RDWR | O_CREAT, 0666);
    assert_int_equal(write(kept, "kept", 4), 4);
    for (int i = 0; i < 3; i++) {
        int rc = i == 0   ? mkfifoat(fd, "part", 0666)
                 : i == 1 ? symlinkat("kept", fd, "part")
                          : linkat(fd, "kept", fd, "part", 0);
        assert_int_equal(rc, 0);
        assert_true(ark_noted_time_write(fd, "next", "part", "H-A", &noted));
        assert_int_equal(ark_noted_time_read(fd, "next", directory).time_ns, noted.time_ns);
        assert_int_equal(faccessat(fd, "part", F_OK, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(unlinkat(fd, "next", 0), 0);
    }
    assert_int_equal(pread(kept, text, sizeof text, 0), 4);
    assert_string_equal(text, "kept");
    close(kept);
    assert_int_equal(unlinkat(fd, "kept", 0), 0);
    assert_int_equal(mkdirat(fd, "part", 0777), 0);
    assert_false(ark_noted_time_write(fd, "next", "part", "H-A", &noted));
    assert_int_equal(unlinkat(fd, "part", AT_REMOVEDIR), 0);
    close(fd);
}

static void put_text(int fd, const char *text)
{
    int file = openat(fd, "next", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

static void other_lines_are_passed_over(void **state)
{
    (void)state;
    int fd = open(directory, O_RDONLY | O_DIRECTORY);
    put_text(fd, "1400000000\n\nno name\nH-A-1400000004-4.gwf\nH-A-1400000005-4.gwf x\n"
                 "H-A-1400000008-4.gwf");
    ark_noted_time noted = ark_noted_time_read(fd, "next", directory);
    const ark_span_name before = name_at(GPS), name = name_at(GPS + 4), meets = name_at(GPS + 1);
    assert_true(noted.time_ns == GPS * SECOND && !noted.within && noted.count == 2);
    assert_true(ark_noted_time_ended(&noted, &name) && !ark_noted_time_ended(&noted, &meets));
    assert_true(ark_noted_time_meets(&noted, &meets) && !ark_noted_time_meets(&noted, &before));
    assert_int_equal(ark_noted_time_ended(&noted, &name)->part, 0);
    ark_noted_time_forget(&noted, GPS + 7);
    assert_int_equal(noted.count, 2);
    ark_noted_time_forget(&noted, GPS + 8);
    assert_int_equal(noted.count, 1);
    put_text(fd, "1400000000");
    assert_int_equal(ark_noted_time_read(fd, "next", directory).time_ns, UNSET);
    assert_int_equal(unlinkat(fd, "next", 0), 0);
    close(fd);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nine_files_that_recording_ended_in_the_last_eight_are_noted),
        cmocka_unit_test(other_lines_are_passed_over),
        cmocka_unit_test(what_is_in_the_way_is_not_written_to),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
