/* SPDX-License-Identifier: Apache-2.0 */
/* An event descriptor: readable once it is set, until it is cleared. */
#ifndef ARK_BASE_EVENT_H
#define ARK_BASE_EVENT_H

/* An eventfd that does not block, for librdkafka to write to; and its draining. */
int ark_event_new(void);
void ark_event_clear(int fd);
/* Async-signal-safe; errno stays. */
void ark_event_set(int fd);

#endif
