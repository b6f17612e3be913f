/* SPDX-License-Identifier: Apache-2.0 */
/* What a forked child may use: nothing that its parent had open, so it gets an error instead of a hang. */
#ifndef PYARK_FORK_H
#define PYARK_FORK_H

#include "binding.h"

/* Which process this is: changes in every forked child. */
typedef unsigned pyark_process;

int pyark_fork_watch(void);
/* -1 in a child that was forked while its parent had something open: nothing may be opened there. */
int pyark_fork_check(void);
/* Counts what is open in this process. */
pyark_process pyark_fork_opened(void);
void pyark_fork_closed(pyark_process process);
/* Whether what was opened, or made, in `process` was inherited by fork(). */
bool pyark_fork_inherited(pyark_process process);
pyark_process pyark_fork_here(void);
/* Sets the exception for the use of what was inherited. Returns -1. */
int pyark_fork_refuse(const char *what);

#endif
