/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/session.h"

#include "base/error.h"
#include "base/log.h"
#include "flight/auth.h"
#include "flight/transport_load.h"
#include "flight/url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory for small messages of other calls, besides one of the largest size. */
#define FRAMING_ROOM ((size_t)64 << 20)

static arrakis_status set_authorization(ark_session *session, const ark_url *url,
                                        const ark_connect_options *options, const ark_session *by,
                                        arrakis_error *err)
{
    char *scope = NULL;
    ark_url named_by;
    if (by && ark_url_parse(&named_by, by->url, err) < 0)
        return ARRAKIS_EINVAL;
    if (options->publisher_id && asprintf(&scope, "arrakis.create:/%s", options->publisher_id) < 0)
        return ark_no_memory(err, "%.200s", session->url);
    const ark_auth_request request = {
        .token = options->token,
        .allow_plain = options->insecure_token,
        .publishing = options->publisher_id != NULL,
        .scope = options->publisher_id ? scope : "arrakis.read",
        .named_by = by ? &named_by : NULL,
        .had_token = by && by->authorization,
        .hosts = options->token_hosts,
    };
    char *token;
    arrakis_status rc = ark_auth_find(&token, &request, url, err);
    free(scope);
    if (token && asprintf(&session->authorization, "Bearer %s", token) < 0) {
        session->authorization = NULL;
        rc = ark_no_memory(err, "%.200s", session->url);
    }
    free(token);
    return rc;
}

static arrakis_status connect_server(ark_session *session, const char *text,
                                     ark_connect_options *options, const ark_session *by,
                                     arrakis_error *err)
{
    ark_url url;
    char name[ARK_URL_SIZE];
    arrakis_status rc = ark_url_parse(&url, text, err);
    if (rc < 0 || (rc = ark_transport_load(&session->transport, err)) < 0)
        return rc;
    ark_url_text(name, sizeof name, &url);
    if (!(session->url = strdup(name)))
        return ark_no_memory(err, "%.200s", text);
    ARK_TRY(set_authorization(session, &url, options, by, err));
    session->max_message = options->max_message;
    const ark_transport_options transport = {
        .target = url.target,
        .tls = url.tls,
        .roots_pem = options->roots_pem,
        .cert_pem = options->cert_pem,
        .key_pem = options->key_pem,
        .user_agent = "libarrakis/" ARRAKIS_VERSION,
        .memory_max = (size_t)options->max_message + FRAMING_ROOM,
        .beside = by ? by->channel : NULL,
    };
    ark_log_trace(ARK_LOG_CONNECT, "%s: a connection%s, %s token", session->url,
                  url.tls ? " by TLS" : "", session->authorization ? "with a" : "without a");
    return session->transport->open(&session->channel, &transport, err);
}

arrakis_status ark_session_open(ark_session **out, const char *url, ark_connect_options *options,
                                arrakis_error *err)
{
    return ark_session_open_named(out, url, options, NULL, err);
}

arrakis_status ark_session_open_named(ark_session **out, const char *url,
                                      ark_connect_options *options, const ark_session *by,
                                      arrakis_error *err)
{
    *out = NULL;
    ark_session *session = calloc(1, sizeof *session);
    if (!session)
        return ark_no_memory(err, "%.200s", url);
    atomic_init(&session->refs, 1);
    arrakis_status rc = connect_server(session, url, options, by, err);
    if (rc < 0) {
        ark_session_unref(session);
        return rc;
    }
    *out = session;
    return ARRAKIS_OK;
}

ark_session *ark_session_ref(ark_session *session)
{
    assert(atomic_load(&session->refs) > 0);
    atomic_fetch_add(&session->refs, 1);
    return session;
}

void ark_session_unref(ark_session *session)
{
    assert(!session || atomic_load(&session->refs) > 0);
    if (!session || atomic_fetch_sub(&session->refs, 1) > 1)
        return;
    if (session->channel)
        session->transport->close(session->channel);
    free(session->url);
    free(session->authorization);
    free(session);
}
