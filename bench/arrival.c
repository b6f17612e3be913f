/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program: notes when each piece of what a broker sent came out of the socket, and
 * writes these times to the file that BENCH_ARRIVALS names when the program ends. So what a program
 * takes from there to a block in hand is told apart from the order in which a broker answers. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { MOST = 1 << 18 };
static long long arrivals[MOST];
static atomic_size_t count;
static ssize_t (*receive)(int, struct msghdr *, int);

static void __attribute__((constructor)) begin(void)
{
    *(void **)&receive = dlsym(RTLD_NEXT, "recvmsg");
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t size = receive(fd, message, flags);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    size_t i = size > 0 ? atomic_fetch_add(&count, 1) : MOST;
    if (i < MOST)
        arrivals[i] = now.tv_sec * 1000000000LL + now.tv_nsec;
    return size;
}

static void __attribute__((destructor)) end(void)
{
    const char *path = getenv("BENCH_ARRIVALS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file)
        return;
    for (size_t i = 0; i < MOST && arrivals[i]; i++)
        fprintf(file, "%lld\n", arrivals[i]);
    fclose(file);
}
