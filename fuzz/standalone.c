/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without libFuzzer, with any compiler.
 *
 *     fuzz_x [--mutations N] [--seed S] [--first I] FILE|DIRECTORY...
 *
 * Every file is run once. Then N inputs are made of the files, and of what the target makes itself
 * (arrow_make.h), by random changes and run. Input I
 * depends on the seed, I and the files alone: `--first I --mutations 1` runs it again. When one
 * ends the program its bytes are left in `crash-<seed>-<I>`, or in `crash-<file>`.
 */
#include "arrow_make.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MAX_SIZE = 1 << 20, /* bytes an input may grow to */
    MAX_SECONDS = 60,   /* for 1,024 inputs, or for one file */
};

typedef struct input {
    uint8_t *data;
    size_t size;
} input;

static input *corpus;
static size_t corpus_count;

/* ---- what is running, for when it ends the program */

static input running;
static char running_name[512];

/* Only async-signal-safe calls. */
static void save_running(void)
{
    static volatile sig_atomic_t saved;
    if (saved || !running.data)
        return;
    saved = 1;
    int fd = open(running_name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool whole = fd >= 0 && write(fd, running.data, running.size) == (ssize_t)running.size;
    const char *text = whole ? "the input is in " : "the input could not be saved as ";
    if (write(2, text, strlen(text)) < 0 || write(2, running_name, strlen(running_name)) < 0 ||
        write(2, "\n", 1) < 0)
        return;
}

static void on_signal(int number)
{
    save_running();
    signal(number, SIG_DFL);
    raise(number);
}

/* The sanitizers' own hooks, absent without them. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
const char *__asan_default_options(void) __attribute__((visibility("default")));

/* A length field that is used without a check would cause a large allocation. */
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=64:quarantine_size_mb=16";
}

static void watch(void)
{
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(save_running);
    else
        signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
}

/* Run a copy that ends where its allocation ends. */
static void run(const uint8_t *data, size_t size)
{
    running.data = malloc(size ? size : 1);
    running.size = size;
    if (!running.data)
        abort();
    memcpy(running.data, data, size);
    LLVMFuzzerTestOneInput(running.data, size);
    free(running.data);
    running.data = NULL;
}

/* ---- random changes */

static uint64_t state;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t limit)
{
    return limit ? (size_t)(next_random() % limit) : 0;
}

/* An offset for a number of `width` bytes: mostly an aligned one. */
static size_t number_place(const input *in, size_t width)
{
    size_t at = below(in->size - width + 1);
    return below(4) ? at - at % width : at;
}

static void flip_bit(input *in)
{
    size_t at = below(in->size);
    in->data[at] = (uint8_t)(in->data[at] ^ 1u << below(8));
}

static void set_byte(input *in)
{
    in->data[below(in->size)] = (uint8_t)next_random();
}

static uint64_t odd_number(const input *in)
{
    static const uint64_t odd[] = {
        0,
        1,
        2,
        7,
        8,
        16,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7ffffffe,
        0x7fffffff,
        0x80000000,
        0xfffffffe,
        0xffffffff,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xfffffffffffffff8,
        0xffffffffffffffff,
    };
    size_t pick = below(sizeof odd / sizeof *odd + 2);
    return pick < sizeof odd / sizeof *odd ? odd[pick] : in->size + next_random() % 17 - 8;
}

/* Overwrite a number, or move it a little. */
static void change_number(input *in)
{
    size_t width = (size_t)1 << below(4);
    if (in->size < width)
        return;
    size_t at = number_place(in, width);
    uint64_t value = 0;
    memcpy(&value, in->data + at, width);
    value = below(2) ? odd_number(in) : value + next_random() % 33 - 16;
    memcpy(in->data + at, &value, width);
}

/* Copy a number to another offset, such as the offset of one table into the next. */
static void copy_number(input *in)
{
    size_t width = (size_t)1 << below(4);
    if (in->size < width)
        return;
    size_t to = number_place(in, width), from = number_place(in, width);
    memmove(in->data + to, in->data + from, width);
}

static void cut_end(input *in)
{
    in->size = below(in->size + 1);
}

static void remove_some(input *in)
{
    size_t at = below(in->size), count = 1 + below(in->size - at);
    count = below(4) ? 1 + below(count < 16 ? count : 16) : count;
    memmove(in->data + at, in->data + at + count, in->size - at - count);
    in->size -= count;
}

/* Insert a piece of any input, or write it over what is there. */
static void insert(input *in)
{
    const input *from = &corpus[below(corpus_count)];
    if (from->size == 0)
        return;
    size_t start = below(from->size), count = 1 + below(from->size - start);
    size_t at = below(in->size + 1);
    if (below(2)) {
        if (count > MAX_SIZE - in->size)
            return;
        memmove(in->data + at + count, in->data + at, in->size - at);
        in->size += count;
    } else if (count > in->size - at) {
        count = in->size - at;
    }
    memcpy(in->data + at, from->data + start, count);
}

static void change(input *in)
{
    static void (*const changes[])(input *) = {
        flip_bit,      set_byte,    change_number, change_number, change_number,
        change_number, copy_number, copy_number,   insert,
    };
    static void (*const rare[])(input *) = {cut_end, remove_some};
    size_t times = 1;
    while (times < 16 && below(2))
        times++;
    while (times-- > 0 && in->size > 0) {
        if (below(16) == 0)
            rare[below(sizeof rare / sizeof *rare)](in);
        else
            changes[below(sizeof changes / sizeof *changes)](in);
    }
}

static void run_mutation(uint8_t *room, uint64_t seed, uint64_t number)
{
    state = seed;
    state = next_random() ^ number;
    const input *from = &corpus[below(corpus_count)];
    input in = {room, ark_fuzz_make && below(2) ? ark_fuzz_make(room, MAX_SIZE, below) : 0};
    if (in.size == 0) {
        in.size = from->size;
        memcpy(room, from->data, from->size);
        change(&in);
    } else if (below(4)) {
        change(&in);
    }
    snprintf(running_name, sizeof running_name, "crash-%" PRIu64 "-%" PRIu64, seed, number);
    run(in.data, in.size);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_mutations(uint64_t seed, uint64_t first, uint64_t count)
{
    uint8_t *room = malloc(MAX_SIZE);
    if (!room)
        abort();
    double start = seconds();
    for (uint64_t i = 0; i < count; i++) {
        if (i % 1024 == 0)
            alarm(MAX_SECONDS);
        run_mutation(room, seed, first + i);
    }
    alarm(0);
    free(room);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " mutations from %" PRIu64 " of seed %" PRIu64
           " in %.1f s, at most %ld MB\n",
           count, first, seed, seconds() - start, usage.ru_maxrss / 1024);
}

/* ---- the corpus */

static void keep(uint8_t *data, size_t size)
{
    input *grown = realloc(corpus, (corpus_count + 1) * sizeof *corpus);
    if (!grown)
        abort();
    corpus = grown;
    corpus[corpus_count++] = (input){data, size};
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(MAX_SIZE);
    if (!file || !data) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        free(data);
        if (file)
            fclose(file);
        return 1;
    }
    size_t size = fread(data, 1, MAX_SIZE, file);
    fclose(file);
    const char *name = strrchr(path, '/');
    snprintf(running_name, sizeof running_name, "crash-%s", name ? name + 1 : path);
    alarm(MAX_SECONDS);
    run(data, size);
    alarm(0);
    uint8_t *fitting = realloc(data, size ? size : 1);
    keep(fitting ? fitting : data, size);
    return 0;
}

static int run_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    int failed = count < 0;
    if (failed)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            failed |= run_file(file);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return failed;
}

static int run_path(const char *path)
{
    struct stat what;
    if (stat(path, &what) == 0 && S_ISDIR(what.st_mode))
        return run_directory(path);
    return run_file(path);
}

/* Reads "--name N" at argv[*i]; false when it is something else. */
static bool option(char **argv, int *i, const char *name, uint64_t *value)
{
    if (strcmp(argv[*i], name) != 0 || !argv[*i + 1])
        return false;
    *value = strtoull(argv[++*i], NULL, 10);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t mutations = 0, seed = 1, first = 0;
    int failed = 0;
    watch();
    for (int i = 1; i < argc; i++) {
        if (option(argv, &i, "--mutations", &mutations) || option(argv, &i, "--seed", &seed) ||
            option(argv, &i, "--first", &first))
            continue;
        failed |= run_path(argv[i]);
    }
    if (corpus_count == 0) {
        fprintf(stderr, "usage: %s [--mutations N] [--seed S] [--first I] FILE|DIRECTORY...\n",
                argv[0]);
        return 2;
    }
    printf("%zu inputs\n", corpus_count);
    if (mutations > 0)
        run_mutations(seed, first, mutations);
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].data);
    free(corpus);
    return failed;
}
