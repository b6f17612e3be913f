/* SPDX-License-Identifier: Apache-2.0 */
#include "fork.h"

#include <pthread.h>
#include <stdatomic.h>

static pyark_process here;
static atomic_uint open_count; /* closed by any thread, without the GIL too */
static bool inherited;

static void fork_in_child(void)
{
    here++;
    if (atomic_exchange(&open_count, 0) > 0)
        inherited = true;
}

int pyark_fork_watch(void)
{
    if (pthread_atfork(NULL, NULL, fork_in_child) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

int pyark_fork_check(void)
{
    if (!inherited)
        return 0;
    PyErr_SetString(PyExc_RuntimeError,
                    "this process was forked while its parent had a client, stream, reader or "
                    "publisher open: use multiprocessing's \"spawn\" or \"forkserver\", or fork "
                    "before anything is opened");
    return -1;
}

pyark_process pyark_fork_opened(void)
{
    atomic_fetch_add(&open_count, 1);
    return here;
}

void pyark_fork_closed(pyark_process process)
{
    if (process == here)
        atomic_fetch_sub(&open_count, 1);
}

bool pyark_fork_inherited(pyark_process process)
{
    return process != here;
}

pyark_process pyark_fork_here(void)
{
    return here;
}

int pyark_fork_refuse(const char *what)
{
    PyErr_Format(
        PyExc_RuntimeError,
        "this %s was opened before fork() and cannot be used in the child: open another "
        "one in a process that was started by multiprocessing's \"spawn\" or \"forkserver\"",
        what);
    return -1;
}
