/* SPDX-License-Identifier: Apache-2.0 */
#include "file/arrow_input.h"

#include "base/error.h"

#include <arrakis/arrow.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 1 << 18 };

struct ark_input {
    arrakis_arrow_reader *arrow;
    int fd;
    off_t at;
    char piece[PIECE_SIZE];
};

static void close_input(ark_input *in)
{
    arrakis_arrow_reader_free(in->arrow);
    free(in);
}

static arrakis_status open_input(ark_input **out, int fd, arrakis_channels *known,
                                 arrakis_error *err)
{
    ark_input *in = calloc(1, sizeof *in);
    if (!in)
        return ark_no_memory(err, "an Arrow file");
    in->fd = fd;
    arrakis_status rc = arrakis_arrow_reader_new(&in->arrow, known, err);
    if (rc < 0)
        close_input(in);
    else
        *out = in;
    return rc;
}

static arrakis_status push_piece(ark_input *in, arrakis_error *err)
{
    ssize_t got;
    do
        got = pread(in->fd, in->piece, sizeof in->piece, in->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ark_fail(err, ARRAKIS_EIO, "reading at byte %lld: %s", (long long)in->at,
                        strerror(errno));
    in->at += got;
    if (got == 0)
        arrakis_arrow_reader_finish(in->arrow);
    return got == 0 ? ARRAKIS_OK
                    : arrakis_arrow_reader_push(in->arrow, in->piece, (size_t)got, err);
}

static arrakis_status next_block(ark_input *in, arrakis_block **block, arrakis_error *err)
{
    for (bool more = true; more;) {
        off_t before = in->at;
        arrakis_status rc = arrakis_arrow_reader_next(in->arrow, block, err);
        if (rc != ARRAKIS_TIMEOUT && rc != ARRAKIS_DONE)
            return rc;
        /* a stream that has ended may be followed by another one */
        ARK_TRY(push_piece(in, err));
        more = in->at > before || rc == ARRAKIS_TIMEOUT;
    }
    return ARRAKIS_DONE;
}

const ark_input_format ark_arrow_input_format = {
    .name = "arrow",
    .magic = "ARROW1\0",
    .magic_size = 8,
    .open = open_input,
    .close = close_input,
    .next = next_block,
};
