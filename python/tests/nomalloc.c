/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: allocations of the module and of the library, and nobody else's, fail when Python asks for it, and
 * those that are not freed yet are counted. nomemory.py loads and uses it.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

/* ------------------------------------------------------------------ whose they are */

static struct range {
    uintptr_t first, last;
} ours[2];

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* A wheel's library has a checksum in its name; what the library loads for servers and HDF5 is not looked at. */
static bool is_library(const char *path)
{
    const char *file = strrchr(path, '/');
    return file && begins(file, "/libarrakis") && !begins(file, "/libarrakis-grpc") &&
           !begins(file, "/libarrakis-hdf5");
}

static int find_range(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    bool library = is_library(info->dlpi_name);
    if (!library && !strstr(info->dlpi_name, "/_core.abi3.so"))
        return 0;
    struct range *r = &ours[library];
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && part->p_flags & PF_X)
            *r = (struct range){info->dlpi_addr + part->p_vaddr,
                                info->dlpi_addr + part->p_vaddr + part->p_memsz};
    }
    return 0;
}

static bool is_ours(void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (at >= ours[i].first && at < ours[i].last)
            return true;
    return false;
}

/* How many of the module and the library are known: 2. */
int nomalloc_find(void)
{
    dl_iterate_phdr(find_range, NULL);
    return (ours[0].last > 0) + (ours[1].last > 0);
}

/* ------------------------------------------------------------------ which of them fail */

static __thread bool armed;
static __thread long seen, first_failing, end_failing;

/* In this thread, from the first to the one before the last; 0: all from the first on. */
void nomalloc_set(long first, long last)
{
    seen = 0;
    first_failing = first;
    end_failing = last;
    armed = true;
}

void nomalloc_unset(void)
{
    armed = false;
}

/* How many there were meanwhile. */
long nomalloc_seen(void)
{
    return seen;
}

static bool fails(bool mine)
{
    if (!armed || !mine)
        return false;
    long n = seen++;
    return n >= first_failing && (end_failing == 0 || n < end_failing);
}

/* ------------------------------------------------------------------ those that are not freed yet */

#define SLOTS ((size_t)1 << 20)
#define GONE ((void *)1)
static void *held[SLOTS];
static long count;
static char lock;

static void enter(void)
{
    while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
        ;
}

static void leave(void)
{
    __atomic_clear(&lock, __ATOMIC_RELEASE);
}

static size_t slot_of(void *memory)
{
    return (uintptr_t)memory * UINT64_C(0x9e3779b97f4a7c15) >> 44;
}

static void *keep(void *memory, bool mine)
{
    if (!mine || !memory)
        return memory;
    enter();
    size_t i = slot_of(memory);
    while (held[i] && held[i] != GONE)
        i = (i + 1) % SLOTS;
    held[i] = memory;
    count++;
    leave();
    return memory;
}

static bool forget(void *memory)
{
    if (!memory || !count)
        return false;
    enter();
    size_t i = slot_of(memory);
    while (held[i] && held[i] != memory)
        i = (i + 1) % SLOTS;
    bool found = held[i];
    if (found) {
        held[i] = held[(i + 1) % SLOTS] ? GONE : NULL;
        count--;
    }
    leave();
    return found;
}

long nomalloc_held(void)
{
    return count;
}

/* ------------------------------------------------------------------ the functions themselves */

#define MINE is_ours(__builtin_return_address(0))

static void *grow(void *old, size_t size, bool mine)
{
    if (fails(mine))
        return NULL;
    bool was_held = forget(old);
    void *grown = __libc_realloc(old, size);
    if (!grown)
        keep(old, was_held);
    return keep(grown, mine || was_held);
}

static void *make(size_t size, bool mine)
{
    return fails(mine) ? NULL : keep(__libc_malloc(size), mine);
}

void *malloc(size_t size)
{
    return make(size, MINE);
}

void *calloc(size_t n, size_t size)
{
    bool mine = MINE;
    return fails(mine) ? NULL : keep(__libc_calloc(n, size), mine);
}

void *realloc(void *old, size_t size)
{
    return grow(old, size, MINE);
}

void *reallocarray(void *old, size_t n, size_t size)
{
    size_t all;
    return __builtin_mul_overflow(n, size, &all) ? NULL : grow(old, all, MINE);
}

char *strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = make(length + 1, MINE);
    if (copy)
        *(char *)mempcpy(copy, text, length) = 0;
    return copy;
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = make(size, MINE);
    return copy ? memcpy(copy, text, size) : NULL;
}

void free(void *memory)
{
    forget(memory);
    __libc_free(memory);
}
