/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark programs share: arguments `name=value`, clocks, memory, the end of a run. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRIDE_NS INT64_C(62500000)
/* UTC - GPS since 2017 */
#define UNIX_FROM_GPS_NS (INT64_C(315964782) * 1000000000)

void bench_begin(int argc, char **argv);
/* The value of an argument; `otherwise` if it is not given. NULL: it must be given. */
const char *bench_text(const char *name, const char *otherwise);
int64_t bench_number(const char *name, int64_t otherwise);

/* set=NAME=VALUE,NAME=VALUE: librdkafka properties to try. The i-th of them; false: there are
 * fewer. */
bool bench_property(size_t i, char name[64], char value[64]);

/* Print a message and exit: a benchmark that fails has no figures. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *bench_alloc(size_t size);
/* The names of `count` channels of flight_server.py. */
const char **bench_names(size_t count);
/* The first lines of a file. */
const char **bench_lines(const char *path, size_t count);

int64_t bench_clock_ns(void); /* CLOCK_MONOTONIC */
int64_t bench_real_ns(void);  /* CLOCK_REALTIME */
double bench_cpu_s(void);     /* user and system, all threads of the process */
long bench_peak_kb(void);     /* VmHWM */

/* Wall and CPU time of a part of the run. */
typedef struct bench_span {
    int64_t wall_ns;
    double cpu_s;
    double thread_s; /* the part of cpu_s of the calling thread */
} bench_span;

bench_span bench_start(void);
/* The times since `start`. */
bench_span bench_stop(bench_span start);

#endif
