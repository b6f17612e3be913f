/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation that fails, or all large ones, in a program that includes this: malloc and its
 * like are replaced. The leaks that a sanitizer finds at the end count. */
#ifndef ARK_TEST_ALLOCATION_H
#define ARK_TEST_ALLOCATION_H

#include "support.h"

void *__interceptor_malloc(size_t size) __attribute__((weak)); /* with a sanitizer */
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
void *__libc_malloc(size_t size); /* without */
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static long until_failure = -1;     /* allocations; negative: none fails */
static size_t too_large = SIZE_MAX; /* bytes; an allocation of as many or more fails */
static bool failed;

static bool fails_now(size_t size)
{
    if (size >= too_large) {
        failed = true;
        return true;
    }
    if (until_failure < 0)
        return false;
    bool now = until_failure-- == 0;
    failed = failed || now;
    return now;
}

/* For libraries too. */
#pragma GCC visibility push(default)

void *malloc(size_t size)
{
    if (fails_now(size))
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (fails_now(count * size))
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (fails_now(size))
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(old, size) : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t all;
    return __builtin_mul_overflow(count, size, &all) ? NULL : realloc(old, all);
}

/* strdup's own allocation may be out of reach; this one is not. */
char *strdup(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

#pragma GCC visibility pop

/* Make what is done fail at its first allocation, then at its second, and so on until none fails.
 * `run` checks what it gets, and returns the status. A failure is ENOMEM, or `other` where a
 * library in between does not report the reason. Something has to allocate `least` times. */
static inline void fail_each_allocation(arrakis_status (*run)(void *opaque), void *opaque,
                                        long least, arrakis_status other)
{
    for (long n = 0;; n++) {
        failed = false;
        until_failure = n;
        arrakis_status rc = run(opaque);
        until_failure = -1;
        if (!failed) {
            assert_int_equal(rc, ARRAKIS_OK);
            if (n < least)
                fail_msg("%ld allocations only", n);
            return;
        }
        if (rc != ARRAKIS_OK && rc != ARRAKIS_ENOMEM && rc != other)
            fail_msg("allocation %ld: %s", n, arrakis_status_name(rc));
    }
}

#endif
