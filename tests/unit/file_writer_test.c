/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats of files write, at the edges of what a file may have. tests/unit/recorder_test.c has
 * what recorders make of it. */
#include "file/formats.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define GPS INT64_C(1400000000)

/* A writer of files of a channel; NULL: the library has no such format. */
typedef struct writing {
    ark_file_spec *spec;
    const ark_file_format *format;
    ark_file_writer *writer;
} writing;

static bool begin_writing(writing *w, const char *format, const channel_spec *channel,
                          int64_t length_ns)
{
    const ark_file_form form = {.length_ns = length_ns, .compression = 1};
    arrakis_channels *channels = channels_of(channel, 1);
    arrakis_error error;
    PASS(ark_file_spec_new(&w->spec, channels, &form, err));
    arrakis_channels_unref(channels);
    PASS(ark_formats_find(&w->format, format, err));
    arrakis_status rc = w->format->open(&w->writer, w->spec, &error);
    if (rc < 0 && rc != ARRAKIS_EUNSUPPORTED)
        fail_msg("%s", error.message);
    if (rc < 0)
        ark_file_spec_free(w->spec);
    return rc >= 0;
}

static void end_writing(writing *w)
{
    w->format->close(w->writer);
    ark_file_spec_free(w->spec);
}

/* Nothing of it is written: how many samples are missing is what counts. */
static void a_file_of_two_billion_samples_may_end_early(void **state)
{
    (void)state;
    static const channel_spec fast = {"H1:A", ARRAKIS_INT8, 1 << 24, "p", 0, SECOND / 16, SECOND};
    writing w;
    uint64_t size;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    if (begin_writing(&w, "hdf5", &fast, 160 * SECOND)) {
        PASS(w.format->begin(w.writer, full, GPS * SECOND, err));
        FAIL(w.format->end(w.writer, (GPS + 159) * SECOND, &size, err), ARRAKIS_EIO,
             strerror(ENOSPC));
        end_writing(&w);
    }
    close(full);
}

static void a_file_does_not_end_within_a_sample(void **state)
{
    (void)state;
    static const char *const formats[] = {"hdf5", "gwf"};
    static const channel_spec slow = {"H1:A", ARRAKIS_INT8, 0.5, "p", 0, SECOND / 16, SECOND};
    for (size_t i = 0; i < COUNT(formats); i++) {
        writing w;
        uint64_t size;
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        assert_true(null >= 0);
        if (begin_writing(&w, formats[i], &slow, 16 * SECOND)) {
            PASS(w.format->begin(w.writer, null, GPS * SECOND, err));
            FAIL(w.format->end(w.writer, (GPS + 3) * SECOND, &size, err), ARRAKIS_EINVAL,
                 "channel 'H1:A' has 1.5 samples in 3 s, expected a whole number");
            end_writing(&w);
        }
        close(null);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_two_billion_samples_may_end_early),
        cmocka_unit_test(a_file_does_not_end_within_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
