/* SPDX-License-Identifier: Apache-2.0 */
/* Exports a stream by the Arrow C stream interface. */
#include "base/error.h"

#include <arrakis/arrow.h>

#include <errno.h>
#include <stdlib.h>

typedef struct exported {
    arrakis_stream *stream;
    arrakis_block *block; /* not exported yet, because there was no memory for it */
    arrakis_error error;  /* of the last call */
} exported;

static int to_errno(arrakis_status status)
{
    switch (status) {
    case ARRAKIS_EINVAL:
        return EINVAL;
    case ARRAKIS_ENOMEM:
        return ENOMEM;
    case ARRAKIS_ECANCELED:
        return ECANCELED;
    case ARRAKIS_EAUTH:
        return EACCES;
    case ARRAKIS_ECONNECT:
        return ECONNREFUSED;
    default:
        return status < 0 ? EIO : 0;
    }
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    exported *e = stream->private_data;
    e->error = (arrakis_error){ARRAKIS_OK, ""};
    return to_errno(
        arrakis_channels_export_schema(arrakis_stream_channels(e->stream), out, &e->error));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    exported *e = stream->private_data;
    e->error = (arrakis_error){ARRAKIS_OK, ""};
    *out = (struct ArrowArray){0};
    arrakis_status rc = e->block ? ARRAKIS_OK : ARRAKIS_TIMEOUT;
    while (rc == ARRAKIS_TIMEOUT)
        rc = arrakis_stream_next(e->stream, -1, &e->block, &e->error);
    if (rc == ARRAKIS_OK)
        rc = arrakis_block_export(e->block, out, &e->error);
    if (rc == ARRAKIS_OK) {
        arrakis_block_unref(e->block);
        e->block = NULL;
    }
    return to_errno(rc);
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const exported *e = stream->private_data;
    return e->error.status < 0 ? e->error.message : NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    exported *e = stream->private_data;
    arrakis_block_unref(e->block);
    arrakis_stream_close(e->stream);
    free(e);
    stream->release = NULL;
}

arrakis_status arrakis_stream_export(arrakis_stream *stream, struct ArrowArrayStream *out,
                                     arrakis_error *err)
{
    if (out)
        *out = (struct ArrowArrayStream){0};
    exported *e = stream && out ? calloc(1, sizeof *e) : NULL;
    if (!e) {
        arrakis_stream_close(stream);
        if (stream && out)
            return ark_no_memory(err, "an exported stream");
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_stream_export: %s is NULL",
                        stream ? "out" : "stream");
    }
    e->stream = stream;
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, e};
    return ARRAKIS_OK;
}
