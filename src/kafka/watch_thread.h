/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the brokers: for missing topics, for the ends of the log, for offsets to skip to. */
#ifndef ARK_KAFKA_WATCH_THREAD_H
#define ARK_KAFKA_WATCH_THREAD_H

#include <arrakis/arrakis.h>

/* The function of the thread, for ark_kafka_watch_init(). */
void *ark_kafka_watch_thread(void *kafka);

#endif
