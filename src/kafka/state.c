/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/state.h"

const char *ark_kafka_state_topic(const ark_kafka_reader *kafka, size_t input)
{
    return rd_kafka_topic_name(kafka->partitions[input].topic);
}

int64_t ark_kafka_state_unix_ms(int64_t gps_ns)
{
    return arrakis_gps_to_unix_ns(gps_ns) / 1000000;
}

rd_kafka_topic_partition_list_t *ark_kafka_state_list(const ark_kafka_reader *kafka,
                                                      const bool *wanted, int64_t offset)
{
    size_t count = kafka->head.input_count;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        if (wanted ? wanted[i] : atomic_load(&kafka->partitions[i].assigned)) {
            rd_kafka_topic_partition_t *entry =
                rd_kafka_topic_partition_list_add(list, ark_kafka_state_topic(kafka, i), 0);
            entry->offset = offset;
            entry->opaque = &kafka->partitions[i];
        }
    return list;
}

void ark_kafka_state_put_back(ark_kafka_reader *kafka)
{
    if (!kafka->holding)
        return;
    const rd_kafka_message_t *message = kafka->messages[kafka->message_at];
    atomic_store(&kafka->partitions[ark_kafka_state_input_of(message)].position, message->offset);
}

void ark_kafka_state_drop_messages(ark_kafka_reader *kafka)
{
    while (kafka->message_at < kafka->message_count)
        ark_kafka_state_release(kafka);
}

int64_t ark_kafka_state_deadline(const ark_kafka_reader *kafka)
{
    return !kafka->head.begun_ns || kafka->timeout_ns > ARRAKIS_TIME_MAX_NS
               ? 0
               : kafka->head.begun_ns + 2 * kafka->timeout_ns;
}
