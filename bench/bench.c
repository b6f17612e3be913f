/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int argument_count;
static char **arguments;

void bench_begin(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
}

const char *bench_text(const char *name, const char *otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < argument_count; i++)
        if (!strncmp(arguments[i], name, length) && arguments[i][length] == '=')
            return arguments[i] + length + 1;
    if (!otherwise)
        bench_fail("%s=... is missing", name);
    return otherwise;
}

int64_t bench_number(const char *name, int64_t otherwise)
{
    const char *text = bench_text(name, "");
    return *text ? strtoll(text, NULL, 10) : otherwise;
}

bool bench_property(size_t i, char name[64], char value[64])
{
    const char *at = bench_text("set", "");
    for (; i && *at; i--)
        at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',');
    return sscanf(at, "%63[^=]=%63[^,]", name, value) == 2;
}

void bench_fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", arguments[0]);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    exit(1);
}

void *bench_alloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        bench_fail("out of memory for %zu bytes", size);
    return memory;
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t bench_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_real_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

double bench_cpu_s(void)
{
    /* finer than getrusage on kernels that count ticks, and of all threads as well */
    return (double)read_clock(CLOCK_PROCESS_CPUTIME_ID) * 1e-9;
}

long bench_peak_kb(void)
{
    char line[128];
    long peak = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1)
            break;
    if (file)
        fclose(file);
    return peak;
}

bench_span bench_start(void)
{
    double thread_s = (double)read_clock(CLOCK_THREAD_CPUTIME_ID) * 1e-9;
    return (bench_span){bench_clock_ns(), bench_cpu_s(), thread_s};
}

bench_span bench_stop(bench_span start)
{
    bench_span now = bench_start();
    return (bench_span){now.wall_ns - start.wall_ns, now.cpu_s - start.cpu_s,
                        now.thread_s - start.thread_s};
}

const char **bench_names(size_t count)
{
    enum { SIZE = 32 };
    const char **names = bench_alloc(count * sizeof *names);
    char *text = bench_alloc(count * SIZE);
    for (size_t i = 0; i < count; i++) {
        snprintf(text + i * SIZE, SIZE, "X1:BENCH-FLIGHT_CHANNEL_%06zu", i);
        names[i] = text + i * SIZE;
    }
    return names;
}

const char **bench_lines(const char *path, size_t count)
{
    enum { SIZE = 256 };
    const char **lines = bench_alloc(count * sizeof *lines);
    char *text = bench_alloc(count * SIZE);
    FILE *file = fopen(path, "r");
    for (size_t i = 0; i < count; i++) {
        char *line = text + i * SIZE;
        if (!file || !fgets(line, SIZE, file))
            bench_fail("%s has %zu lines, expected %zu", path, i, count);
        line[strcspn(line, "\n")] = '\0';
        lines[i] = line;
    }
    fclose(file);
    return lines;
}
