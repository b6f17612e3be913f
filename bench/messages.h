/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a workload, as a publisher writes them. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "arrow/ipc.h"
#include "arrow/write.h"
#include "base/buffer.h"
#include "workload.h"

/* The message of a partition for one stride. `samples` is scratch for all its samples. */
static inline void message_write(ark_buffer *out, const workload *w, size_t partition,
                                 size_t stride, int64_t time_ns, uint8_t *samples,
                                 arrakis_series *series, uint32_t *ids)
{
    size_t size = arrakis_dtype_size(w->dtype);
    workload_samples(w, partition, stride, samples);
    for (size_t i = 0; i < w->channels; i++) {
        ids[i] = (uint32_t)i;
        series[i] = (arrakis_series){samples + i * w->samples * size, NULL, w->samples, w->dtype};
    }
    arrakis_error err;
    if (ark_write_rows(out, w->dtype, time_ns, w->channels, ids, series, &err) < 0)
        bench_fail("%s", err.message);
}

#endif
