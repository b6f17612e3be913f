/* SPDX-License-Identifier: Apache-2.0 */
/* The calls by which a stream learns that its channels have changed, from whoever describes them
 * in a thread of its own (client/lookout.h). */
#ifndef ARK_ALIGN_CHANGES_H
#define ARK_ALIGN_CHANGES_H

#include "read/closing.h"

#include <arrakis/reader.h>

#include <stdatomic.h>

/* After a change was noticed, the stream goes on for at most this long with the channels as they were. arrakis.h
 * states it. */
#define ARK_CHANGES_GRACE_NS (60 * ARRAKIS_SECOND_NS)

/* How the channels of a stream differ from what they were. All bytes 0: not at all. */
typedef struct ark_change {
    arrakis_error what; /* status OK: they are as they were */
    bool *changed;      /* per channel of the stream; NULL: no single one. Freed by who has it */
    bool gone;          /* there is nothing to follow */
    int64_t since_ns;   /* GPS: blocks that begin earlier are as they were */
    int64_t doubt_ns;   /* GPS: from here on data may be another channel's; INT64_MAX: it is not */
    int64_t noticed_ns; /* GPS */
    int64_t deadline_ns; /* monotonic: the end of the grace */
} ark_change;

typedef struct ark_changes ark_changes;

typedef struct ark_changes_ops {
    /* Take the last news, into *out. False: there are none */
    bool (*take)(ark_changes *changes, ark_change *out);
    /* Begin to open the stream anew from position_ns on (ARRAKIS_UNSET: live), until end_ns if that is set. NULL: it
     * is not to be opened anew */
    void (*reopen)(ark_changes *changes, int64_t position_ns, int64_t end_ns);
    /* OK: the new stream; TIMEOUT: not yet; DONE: no block is left before the end; an error: it cannot be opened */
    arrakis_status (*reopened)(ark_changes *changes, arrakis_stream **out, arrakis_error *err);
    /* Close a stream, which may take long */
    void (*retire)(ark_changes *changes, arrakis_stream *stream);
    /* What may take long is begun in `closing` */
    void (*close)(ark_changes *changes, ark_closing *closing);
} ark_changes_ops;

/* The head of whoever notices changes. */
struct ark_changes {
    const ark_changes_ops *ops;
    int fd;           /* readable when there is something to take; see base/event.h */
    atomic_bool news; /* so it is */
};

#endif
