/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic with strides. */
#ifndef ARK_CHANNEL_STRIDE_H
#define ARK_CHANNEL_STRIDE_H

#include <arrakis/arrakis.h>

/* The multiple of `step` at or before t, which may be negative. */
static inline int64_t ark_stride_floor(int64_t t, int64_t step)
{
    int64_t rest = t % step;
    return t - (rest < 0 ? rest + step : rest);
}

/* The multiple of `step` at or after t. */
static inline int64_t ark_stride_ceil(int64_t t, int64_t step)
{
    return ark_stride_floor(t + step - 1, step);
}

/* Least common multiple of two strides; -1: it is over a day, so the strides do not fit
 * together. */
int64_t ark_stride_lcm(int64_t a_ns, int64_t b_ns);
/* The least common multiple of the strides of channels. EINVAL names a channel without one. */
arrakis_status ark_stride_of(int64_t *stride_ns, const arrakis_channels *channels,
                             arrakis_error *err);

#endif
