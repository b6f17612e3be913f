/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program: notes when each piece of what a broker sent came out of the socket, in
 * the file that BENCH_ARRIVALS names. So what a program takes from there to a block in hand is told
 * apart from the order in which a broker answers. */
#include "times.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/socket.h>

static int64_t *arrivals; /* NULL: none are noted */
static atomic_size_t count;
static ssize_t (*receive)(int, struct msghdr *, int);

static void __attribute__((constructor)) begin(void)
{
    *(void **)&receive = dlsym(RTLD_NEXT, "recvmsg");
    arrivals = times_open("BENCH_ARRIVALS");
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t size = receive(fd, message, flags);
    int64_t now_ns = times_now();
    size_t i = size > 0 && arrivals ? atomic_fetch_add(&count, 1) : TIMES_MOST;
    if (i < TIMES_MOST)
        arrivals[i] = now_ns;
    return size;
}
