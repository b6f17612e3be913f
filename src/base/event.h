/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that is readable from ark_event_set() to ark_event_clear(). */
#ifndef ARK_BASE_EVENT_H
#define ARK_BASE_EVENT_H

/* A non-blocking eventfd, to which librdkafka may write, too; -1: the system has no descriptor
 * left. */
int ark_event_open(void);
void ark_event_clear(int fd);
/* Async-signal-safe; keeps errno. */
void ark_event_set(int fd);

#endif
