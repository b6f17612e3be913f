/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the brokers: for topics that are missing, for the ends of the log, for a place to skip to. */
#ifndef ARK_KAFKA_WATCH_THREAD_H
#define ARK_KAFKA_WATCH_THREAD_H

#include <arrakis/arrakis.h>

/* What the thread of ark_kafka_watch_init() does. */
void *ark_kafka_watch_thread(void *kafka);

#endif
