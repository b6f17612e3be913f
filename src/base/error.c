/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "base/plain_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(arrakis_error) == 512, "arrakis_error is frozen");

arrakis_status ark_fail(arrakis_error *err, arrakis_status status, const char *format, ...)
{
    assert(status < 0);
    if (err) {
        err->status = status;
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        ark_plain_text(err->message);
    }
    return status;
}

arrakis_status ark_no_memory(arrakis_error *err, const char *what, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return ark_fail(err, ARRAKIS_ENOMEM, "%.480s: out of memory", text);
}

arrakis_status ark_fail_within(arrakis_error *err, arrakis_status status, const char *format, ...)
{
    assert(status < 0);
    if (err) {
        char text[sizeof err->message];
        memcpy(text, err->message, sizeof text);
        va_list args;
        va_start(args, format);
        int n = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof err->message)
            snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", text);
        ark_plain_text(err->message);
        err->status = status;
    }
    return status;
}

const char *arrakis_status_name(arrakis_status status)
{
    switch (status) {
#define CASE(name, value, text)                                                                   \
    case value:                                                                                   \
        return "ARRAKIS_" #name;
        ARRAKIS_STATUS_MAP(CASE)
#undef CASE
    }
    return "ARRAKIS_?";
}

const char *arrakis_status_text(arrakis_status status)
{
    switch (status) {
#define CASE(name, value, text)                                                                   \
    case value:                                                                                   \
        return text;
        ARRAKIS_STATUS_MAP(CASE)
#undef CASE
    }
    return "unknown status";
}

bool arrakis_status_retriable(arrakis_status status)
{
    return status == ARRAKIS_TIMEOUT || status == ARRAKIS_ENOMEM || status == ARRAKIS_ECONNECT ||
           status == ARRAKIS_EBROKER || status == ARRAKIS_EDEADLINE || status == ARRAKIS_ECHANGED;
}

void arrakis_free(void *text)
{
    free(text);
}

const char *arrakis_version(void)
{
    return ARRAKIS_VERSION;
}
