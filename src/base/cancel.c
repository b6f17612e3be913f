/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include "base/error.h"
#include "base/event.h"

#include <stdlib.h>
#include <unistd.h>

struct arrakis_cancel {
    atomic_uint refs;
    atomic_bool set;
    int fd; /* eventfd; never read, so once set it stays readable */
    pid_t owner;
};

arrakis_status arrakis_cancel_new(arrakis_cancel **out, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_cancel_new: out is NULL");
    *out = NULL;
    arrakis_cancel *cancel = calloc(1, sizeof *cancel);
    if (!cancel)
        return ark_no_memory(err, "a cancel");
    atomic_init(&cancel->refs, 1);
    cancel->owner = getpid();
    cancel->fd = ark_event_open();
    if (cancel->fd < 0) {
        free(cancel);
        return ark_fail(err, ARRAKIS_EIO, "a cancel: no descriptor for events");
    }
    *out = cancel;
    return ARRAKIS_OK;
}

void arrakis_cancel_set(arrakis_cancel *cancel)
{
    if (!cancel)
        return;
    atomic_store(&cancel->set, true);
    if (getpid() == cancel->owner) /* a forked child shares the descriptor, and not the flag */
        ark_event_set(cancel->fd);
}

bool arrakis_cancel_is_set(const arrakis_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->set, memory_order_relaxed);
}

int arrakis_cancel_fd(const arrakis_cancel *cancel)
{
    return cancel ? cancel->fd : -1;
}

arrakis_cancel *arrakis_cancel_ref(arrakis_cancel *cancel)
{
    if (cancel)
        atomic_fetch_add_explicit(&cancel->refs, 1, memory_order_relaxed);
    return cancel;
}

void arrakis_cancel_unref(arrakis_cancel *cancel)
{
    if (!cancel || atomic_fetch_sub(&cancel->refs, 1) > 1)
        return;
    close(cancel->fd);
    free(cancel);
}

const atomic_bool *ark_cancel_flag(const arrakis_cancel *cancel)
{
    return cancel ? &cancel->set : NULL;
}

arrakis_status ark_cancel_check(const arrakis_cancel *cancel, const char *what, arrakis_error *err)
{
    return arrakis_cancel_is_set(cancel) ? ark_fail(err, ARRAKIS_ECANCELED, "%s: canceled", what)
                                         : ARRAKIS_OK;
}
