/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "interrupt.h"
#include "out.h"
#include "screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static void format_error(struct out *out, const char *format, va_list args)
{
    char line[2048];
    vsnprintf(line, sizeof line, format, args);
    out_text(out, "arrakis-cli: ");
    out_plain(out, line);
}

static void print_error(const char *format, va_list args)
{
    struct out out = {.fd = STDERR_FILENO};
    format_error(&out, format, args);
    out_char(&out, '\n');
    out_flush(&out);
    out_free(&out);
}

int fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    return EXIT_FAILURE;
}

int fail_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    fprintf(stderr, "'arrakis-cli %s%s--help' tells more.\n", command ? command : "",
            command ? " " : "");
    return EXIT_USAGE;
}

int finish(arrakis_status status, const arrakis_error *err)
{
    if (status >= 0 || interrupt_seen())
        return EXIT_SUCCESS;
    return fail("%s", *err->message ? err->message : arrakis_status_text(status));
}

/* ---------------------------------------------------------------- log */

static const char *const level_names[] = {"ERROR", "WARNING", "INFO", "DEBUG"};

/* End a line and print it beside the frame on the screen. */
static void print_line(struct out *out)
{
    out_char(out, '\n');
    screen_make_way();
    out_flush(out);
    screen_go_on();
    out_free(out);
}

static void log_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    char when[32];
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    struct out out = {.fd = STDERR_FILENO};
    out_format(&out, "%s,%03ld %s ", when, now.tv_nsec / 1000000, level_names[level]);
    out_plain(&out, message);
    print_line(&out);
}

/* Up to which level is logged. */
static arrakis_log_level log_level = ARRAKIS_LOG_INFO;

void report_info(const char *format, ...)
{
    if (log_level < ARRAKIS_LOG_INFO)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_line(ARRAKIS_LOG_INFO, line, NULL);
}

void report_error(const char *format, ...)
{
    struct out out = {.fd = STDERR_FILENO};
    va_list args;
    va_start(args, format);
    format_error(&out, format, args);
    va_end(args);
    print_line(&out);
}

void report_line(const char *line)
{
    struct out out = {.fd = STDERR_FILENO};
    out_text(&out, line);
    print_line(&out);
}

static arrakis_log_level level_from_environment(void)
{
    const char *name = getenv("ARRAKIS_LOG_LEVEL");
    if (!name || !*name)
        return ARRAKIS_LOG_INFO;
    for (int i = ARRAKIS_LOG_ERROR; i <= ARRAKIS_LOG_DEBUG; i++)
        if (strcasecmp(name, level_names[i]) == 0)
            return (arrakis_log_level)i;
    if (strcasecmp(name, "critical") == 0)
        return ARRAKIS_LOG_ERROR;
    fprintf(stderr, "arrakis-cli: ARRAKIS_LOG_LEVEL is none of DEBUG, INFO, WARNING, ERROR: "
                    "taken as INFO\n");
    return ARRAKIS_LOG_INFO;
}

int report_log(bool quiet, bool verbose, const char *debug)
{
    arrakis_error err;
    arrakis_log_level level = debug || verbose ? ARRAKIS_LOG_DEBUG
                              : quiet          ? ARRAKIS_LOG_WARNING
                                               : level_from_environment();
    if (arrakis_log_set_debug(debug, &err) < 0)
        return fail_usage(NULL, "--debug: %s", err.message);
    log_level = level;
    arrakis_log_set(level, log_line, NULL);
    return 0;
}
