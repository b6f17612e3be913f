/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/status.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* gRPC's codes, and those of Arrow's trailer that say more. */
enum {
    GRPC_OK,
    GRPC_CANCELED,
    GRPC_UNKNOWN,
    GRPC_INVALID,
    GRPC_DEADLINE,
    GRPC_NOT_FOUND,
    GRPC_PERMISSION = 7,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
};
enum { ARROW_KEY_ERROR = 2, ARROW_INVALID = 4 };

/* A channel or a span that the server does not have. It comes with the code of a server that is
 * overloaded, and arrakis-server gives no trailer that would say more: its text alone tells the two
 * apart. One that says it otherwise gives ESERVER. */
static bool says_not_here(const char *message)
{
    return strstr(message, " not available on this server") != NULL;
}

static arrakis_status from_code(const ark_call_status *status)
{
    int arrow = (int)strtol(status->arrow_code, NULL, 10);
    switch (status->code) {
    case GRPC_UNAUTHENTICATED:
    case GRPC_PERMISSION:
        return ARRAKIS_EAUTH;
    case GRPC_NOT_FOUND:
        return ARRAKIS_ENOTFOUND;
    case GRPC_INVALID:
        return ARRAKIS_EINVAL;
    case GRPC_DEADLINE:
        return ARRAKIS_EDEADLINE;
    case GRPC_UNIMPLEMENTED:
        return ARRAKIS_EUNSUPPORTED;
    case GRPC_UNAVAILABLE:
        return status->local                    ? ARRAKIS_ECONNECT
               : says_not_here(status->message) ? ARRAKIS_ENOTFOUND
                                                : ARRAKIS_ESERVER;
    default:
        return arrow == ARROW_KEY_ERROR ? ARRAKIS_ENOTFOUND
               : arrow == ARROW_INVALID ? ARRAKIS_EINVAL
                                        : ARRAKIS_ESERVER;
    }
}

/* What follows is where in the server's program it happened. */
static int message_length(const char *message)
{
    const char *detail = strstr(message, " Detail: ");
    size_t length = detail ? (size_t)(detail - message) : strlen(message);
    while (length && strchr(" .:\n", message[length - 1]))
        length--;
    return length < 400 ? (int)length : 400;
}

arrakis_status ark_flight_status(const ark_call_status *status, const char *url,
                                 arrakis_error *err)
{
    if (status->code == GRPC_OK)
        return ARRAKIS_OK;
    arrakis_status rc = from_code(status);
    int length = message_length(status->message);
    if (!length)
        return ark_fail(err, rc, "%s: error %d without a message", url, status->code);
    return ark_fail(err, rc, "%.100s: %.*s", url, length, status->message);
}
