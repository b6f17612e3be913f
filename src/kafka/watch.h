/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks the brokers, and the handle with which it asks. */
#ifndef ARK_KAFKA_WATCH_H
#define ARK_KAFKA_WATCH_H

#include "kafka/query.h"
#include "kafka/state.h"

#include <arrakis/arrakis.h>

#include <librdkafka/rdkafka.h>

/* `run`: the function of the thread, called with the reader. */
void ark_kafka_watch_init(ark_kafka_watch *watch, void *(*run)(void *kafka));
/* Start the thread, or wake it to look at what has been set in the monitor. */
arrakis_status ark_kafka_watch_start(ark_kafka_reader *kafka, arrakis_error *err);
/* Note that the login of the reader has been refused: the thread checks later whether it still
 * is. */
void ark_kafka_watch_login(ark_kafka_reader *kafka);
/* Check whether any broker still answers the connections of the reader. Runs in the thread of the
 * watch. */
void ark_kafka_watch_check_login(ark_kafka_reader *kafka);
/* End the reader with this error, once all messages have been taken. Runs in the thread of the
 * watch. */
void ark_kafka_watch_refuse(ark_kafka_reader *kafka, const arrakis_error *why);
/* What a question about the ends has brought, for the login of the handle that asks. Runs in the
 * watch's thread. */
void ark_kafka_watch_heard(ark_kafka_reader *kafka, const ark_kafka_heard *heard);
/* An asker whose questions do not wait behind the reader's fetching, to be given back. Any thread;
 * what cancels it is the caller's to set, since the reader's own cancel comes and goes. */
arrakis_status ark_kafka_watch_borrow(ark_kafka_reader *kafka, ark_kafka_asker *out,
                                      arrakis_error *err);
void ark_kafka_watch_give_back(ark_kafka_reader *kafka);
/* Put a new handle in the place of the one that the thread has borrowed, and asks by; the old one
 * closes in the background. false: there is none, since somebody else asks by the old one, the one
 * before it has not closed yet, or none can be made. The thread alone. */
bool ark_kafka_watch_replace(ark_kafka_reader *kafka, ark_kafka_asker *ask);
/* Tell the thread to end; then wait for it, which may take seconds, and free what it used. */
void ark_kafka_watch_stop(ark_kafka_reader *kafka);
void ark_kafka_watch_clear(ark_kafka_reader *kafka);

#endif
