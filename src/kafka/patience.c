/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/patience.h"

ark_kafka_patience ark_kafka_patience_begin(int64_t now_ns)
{
    return (ark_kafka_patience){ARK_KAFKA_PATIENCE_FIRST_NS, now_ns, INT64_MAX};
}

bool ark_kafka_patience_is_over(ark_kafka_patience *patience, const ark_kafka_heard *heard,
                                int64_t now_ns)
{
    if (heard->silent) {
        patience->good_ns = INT64_MAX;
        return now_ns - patience->renewed_ns >= patience->ns;
    }
    if (!heard->leader)
        return false; /* nothing was asked of the handle */
    if (patience->good_ns == INT64_MAX)
        patience->good_ns = now_ns;
    if (now_ns - patience->good_ns >= ARK_KAFKA_PATIENCE_GOOD_NS)
        patience->ns = ARK_KAFKA_PATIENCE_FIRST_NS;
    return false;
}

void ark_kafka_patience_renewed(ark_kafka_patience *patience, int64_t now_ns)
{
    patience->renewed_ns = now_ns;
    patience->good_ns = INT64_MAX;
    if (patience->ns < ARK_KAFKA_PATIENCE_LONGEST_NS)
        patience->ns *= 2;
}
