/* SPDX-License-Identifier: Apache-2.0 */
/* Exports a stream by the Arrow C stream interface. */
#include "base/error.h"
#include "channel/channel.h"

#include <arrakis/arrow.h>

#include <errno.h>
#include <stdlib.h>

typedef struct exported {
    arrakis_stream *stream;
    arrakis_block *block;      /* not exported yet, because there was no memory for it */
    arrakis_channels *columns; /* those of the schema */
    arrakis_error error;       /* of the last call */
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
    return to_errno(arrakis_channels_export_schema(e->columns, out, &e->error));
}

/* A schema holds for all of an Arrow stream: a stream that follows channels to another type or rate ends there. */
static arrakis_status check_columns(exported *e)
{
    const arrakis_channels *now = arrakis_block_channels(e->block);
    for (size_t i = 0; now != e->columns && i < arrakis_channels_count(now); i++) {
        const arrakis_channel_info was = ark_info(arrakis_channels_get(e->columns, i));
        const arrakis_channel_info is = ark_info(arrakis_channels_get(now, i));
        if (was.dtype != is.dtype || was.sample_rate != is.sample_rate)
            return ark_fail(&e->error, ARRAKIS_ECHANGED,
                            "channel '%.200s' was %s at %g Hz and is %s at %g Hz: an Arrow stream "
                            "has one schema",
                            is.name, arrakis_dtype_name(was.dtype), was.sample_rate,
                            arrakis_dtype_name(is.dtype), is.sample_rate);
    }
    return ARRAKIS_OK;
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
        rc = check_columns(e);
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
    arrakis_channels_unref(e->columns);
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
    e->columns = arrakis_channels_ref(arrakis_stream_channels(stream));
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, e};
    return ARRAKIS_OK;
}
