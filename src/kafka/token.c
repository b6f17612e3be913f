/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/token.h"

#include "base/error.h"
#include "base/log.h"
#include "base/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The lifetime of a token that does not have one. */
static const int64_t default_lifetime_ns = 600 * ARRAKIS_SECOND_NS;

/* ------------------------------------------------------------------ a token */

/* Check what librdkafka would otherwise quote in an error. */
static arrakis_status check_token(const char *text, int64_t *expires_ns, arrakis_error *err)
{
    int64_t now_ns = arrakis_gps_now_ns();
    if (!*text || strnlen(text, ARK_TOKEN_SIZE_MAX) == ARK_TOKEN_SIZE_MAX)
        return ark_fail(err, ARRAKIS_EAUTH,
                        *text ? "the token is too long" : "the token is empty");
    if (!ark_token_is_clean(text))
        return ark_fail(err, ARRAKIS_EAUTH, "the token has characters that no token has");
    if (*expires_ns == ARRAKIS_UNSET)
        *expires_ns = ark_token_expiry(text);
    if (*expires_ns == ARRAKIS_UNSET)
        *expires_ns = now_ns + default_lifetime_ns;
    if (*expires_ns > now_ns)
        return ARRAKIS_OK;
    char when[32];
    arrakis_time_format(when, *expires_ns);
    return ark_fail(err, ARRAKIS_EAUTH, "the token has expired, at %s", when);
}

static arrakis_status ask_source(ark_token_gate *gate, char *text, int64_t *expires_ns,
                                 arrakis_error *err)
{
    *err = (arrakis_error){.status = ARRAKIS_OK};
    arrakis_status rc =
        gate->source.fn(text, ARK_TOKEN_SIZE_MAX, expires_ns, gate->source.opaque, err);
    if (rc == ARRAKIS_OK)
        return check_token(text, expires_ns, err);
    err->message[sizeof err->message - 1] = '\0'; /* the function of the user wrote it */
    return *err->message ? ARRAKIS_EAUTH
                         : ark_fail(err, ARRAKIS_EAUTH, "the program returned no token");
}

void ark_kafka_token_refresh(ark_token_gate *gate, rd_kafka_t *rk)
{
    if (!ark_token_gate_enter(gate))
        return; /* the gate is being closed */
    arrakis_error why;
    char text[256];
    int64_t expires_ns = ARRAKIS_UNSET;
    char *value = calloc(1, ARK_TOKEN_SIZE_MAX);
    arrakis_status rc =
        value ? ask_source(gate, value, &expires_ns, &why) : ark_no_memory(&why, "a token");
    ark_token_gate_leave(gate);
    if (rc == ARRAKIS_OK &&
        rd_kafka_oauthbearer_set_token(rk, value, arrakis_gps_to_unix_ns(expires_ns) / 1000000,
                                       "arrakis", NULL, 0, text, sizeof text) != 0)
        rc = ark_fail(&why, ARRAKIS_EAUTH, "%s", text);
    if (rc < 0)
        rd_kafka_oauthbearer_set_token_failure(rk, why.message);
    else
        ark_log_trace(ARK_LOG_CONNECT, "%s has a token for %.0f s", rd_kafka_name(rk),
                      (double)(expires_ns - arrakis_gps_now_ns()) * 1e-9);
    free(value);
}

/* ------------------------------------------------------------------ configurations */

static bool is_set(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[128] = "";
    size_t size = sizeof text;
    return rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK &&
           strcasecmp(text, value) == 0;
}

arrakis_status ark_kafka_token_check(const rd_kafka_conf_t *conf, bool given, arrakis_error *err)
{
    bool sasl = is_set(conf, "security.protocol", "sasl_plaintext") ||
                is_set(conf, "security.protocol", "sasl_ssl");
    bool by_token = sasl && is_set(conf, "sasl.mechanisms", "OAUTHBEARER");
    if (given && !by_token)
        return ark_fail(
            err, ARRAKIS_EINVAL,
            "a token is given for logins at brokers (kafka_token_fn), and property %s is "
            "not %s: it would not be used",
            sasl ? "sasl.mechanism" : "security.protocol",
            sasl ? "OAUTHBEARER" : "sasl_ssl or sasl_plaintext");
    if (!by_token || given || is_set(conf, "sasl.oauthbearer.method", "oidc") ||
        is_set(conf, "enable.sasl.oauthbearer.unsecure.jwt", "true"))
        return ARRAKIS_OK;
    return ark_fail(
        err, ARRAKIS_EINVAL,
        "property sasl.mechanism is OAUTHBEARER, and there is no token: expected a "
        "kafka_token_fn (--kafka-token-file), or property sasl.oauthbearer.method oidc and "
        "what belongs to it");
}

/* ------------------------------------------------------------------ files */

arrakis_status arrakis_token_from_file(char *text, size_t size, int64_t *expires_ns, void *path,
                                       arrakis_error *err)
{
    (void)expires_ns; /* the token has its own expiry */
    if (!text || !size || !path)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_token_from_file: %s is NULL",
                        text && size ? "path" : "text");
    char *token = ark_token_load(path, false);
    if (!token)
        return ark_fail(err, ARRAKIS_EIO, "token file %.300s: %s", (const char *)path,
                        errno ? strerror(errno) : "expected a file with a token in it");
    arrakis_status rc = ARRAKIS_OK;
    if (strlen(token) < size)
        memcpy(text, token, strlen(token) + 1);
    else
        rc = ark_fail(err, ARRAKIS_EIO,
                      "token file %.300s: a token of %zu bytes, expected under %zu",
                      (const char *)path, strlen(token), size);
    free(token);
    return rc;
}
