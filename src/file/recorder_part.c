/* SPDX-License-Identifier: Apache-2.0 */
#include "file/recorder_part.h"

#include "base/error.h"
#include "file/recorder_begin.h"
#include "file/recorder_blocks.h"
#include "file/recorder_file.h"

arrakis_status ark_recorder_part_end(arrakis_recorder *r, int64_t end_ns, arrakis_error *err)
{
    const int64_t joined_ns = ark_recorder_earlier(ark_recorder_blocks_end(r), end_ns);
    arrakis_status rc = ark_recorder_blocks_flush(r, joined_ns, err);
    if (rc >= 0 && r->file.fd >= 0)
        rc = ark_recorder_file_end(r, end_ns, end_ns, err);
    else if (rc >= 0 && !r->passed && r->begin_ns < end_ns)
        rc = ark_recorder_file_skip(r, end_ns, end_ns, err);
    r->finished = r->finished && end_ns < ark_recorder_span_end(r);
    r->passed = r->finished;
    if (r->begin_ns < end_ns)
        r->begin_ns = ark_recorder_begin_at(r, end_ns);
    return rc;
}

arrakis_status ark_recorder_part_go_to(arrakis_recorder *r, int64_t start_ns, arrakis_error *err)
{
    while (start_ns >= ark_recorder_span_end(r))
        ARK_TRY(ark_recorder_part_end(r, ark_recorder_span_end(r), err));
    return ARRAKIS_OK;
}
