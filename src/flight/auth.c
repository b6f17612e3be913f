/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/auth.h"

#include "base/error.h"
#include "base/log.h"
#include "base/token.h"
#include "flight/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value ? ark_token_strip(value) : NULL;
}

static char *from_named_file(const char *name)
{
    const char *path = getenv(name);
    return path && *path ? ark_token_load(path, false) : NULL;
}

static char *from_directory(const char *directory)
{
    char path[4096];
    int n = directory && *directory
                ? snprintf(path, sizeof path, "%s/bt_u%lu", directory, (unsigned long)geteuid())
                : -1;
    return n > 0 && (size_t)n < sizeof path ? ark_token_load(path, true) : NULL;
}

/* Whether a token that was found fits the request. Logs why not, but never the token. */
static bool is_usable(const char *token, const char *where, const ark_auth_request *request,
                      const ark_url *url)
{
    static const char *const why[] = {[ARK_TOKEN_EXPIRED] = "has expired",
                                      [ARK_TOKEN_ELSEWHERE] = "is for another audience",
                                      [ARK_TOKEN_NARROW] = "lacks the scope"};
    if (!ark_token_is_clean(token)) {
        ark_log(ARRAKIS_LOG_WARNING,
                "ignoring the token from %s: it contains characters that no token has", where);
        return false;
    }
    ark_token_fit fit = ark_token_check(token, url->host, request->scope, time(NULL));
    if (fit == ARK_TOKEN_FITS || fit == ARK_TOKEN_OPAQUE)
        return true;
    ark_log(fit == ARK_TOKEN_EXPIRED ? ARRAKIS_LOG_WARNING : ARRAKIS_LOG_DEBUG,
            "ignoring the token from %s: it %s (%s, %s)", where, why[fit], url->host,
            request->scope);
    return false;
}

/* Bearer-token discovery of the WLCG: the first location that has a token counts. */
static char *discover_token(const ark_auth_request *request, const ark_url *url)
{
    const char *connections[] = {"BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR", "/tmp"};
    for (size_t i = 0; i < sizeof connections / sizeof *connections; i++) {
        char *token = i == 0   ? from_environment(connections[i])
                      : i == 1 ? from_named_file(connections[i])
                               : from_directory(i == 2 ? getenv(connections[i]) : connections[i]);
        if (token && is_usable(token, connections[i], request, url))
            return token;
        free(token);
    }
    return NULL;
}

static bool is_private(const ark_auth_request *request, const ark_url *url)
{
    return url->tls || request->allow_plain || ark_url_is_loopback(url);
}

/* A token that the user gave. It is an error if it cannot be sent. */
static arrakis_status use_given(char **out, const char *token, const ark_auth_request *request,
                                const ark_url *url, arrakis_error *err)
{
    if (!ark_token_is_clean(token))
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the token has a blank or another character in it that no token has");
    if (!request->named_by && !is_private(request, url))
        return ark_fail(
            err, ARRAKIS_EAUTH,
            "a token would go to %.200s over a plain connection, where others can read "
            "it: use grpc+tls://, or insecure_token if that is meant",
            url->target);
    *out = strdup(token);
    return *out ? ARRAKIS_OK : ark_no_memory(err, "a token");
}

/* The token for a server that may have one. */
static arrakis_status choose_token(char **out, const ark_auth_request *request, const ark_url *url,
                                   arrakis_error *err)
{
    if (request->token)
        return *request->token ? use_given(out, request->token, request, url, err) : ARRAKIS_OK;
    const char *given = request->publishing ? getenv("ARRAKIS_TOKEN") : NULL;
    if (given && *given)
        return use_given(out, given, request, url, err);
    *out = discover_token(request, url);
    return ARRAKIS_OK;
}

/* Whether a location that a server named may have the token, too. */
static bool may_follow(const char *token, const ark_auth_request *request, const ark_url *url)
{
    return ark_url_same_host(request->named_by, url) ||
           ark_hosts_have(request->hosts, url->host) || ark_token_names(token, url->host);
}

arrakis_status ark_auth_find(char **out, const ark_auth_request *request, const ark_url *url,
                             arrakis_error *err)
{
    *out = NULL;
    if (request->named_by && !request->had_token)
        return ARRAKIS_OK;
    arrakis_status rc = choose_token(out, request, url, err);
    if (rc < 0 || !*out)
        return rc;
    bool follows = !request->named_by || may_follow(*out, request, url);
    if (follows && is_private(request, url))
        return ARRAKIS_OK;
    if (follows)
        ark_log(ARRAKIS_LOG_WARNING,
                "there is a token, but it is not sent: the connection to %s is plain",
                url->target);
    else
        ark_log(ARRAKIS_LOG_WARNING,
                "the token is not sent to %s, which %s names: it is another host, is not in the "
                "token's audience, and not among token_hosts",
                url->target, request->named_by->target);
    free(*out);
    *out = NULL;
    return ARRAKIS_OK;
}
