/* SPDX-License-Identifier: Apache-2.0 */
/* usage: client_tool [OPTION=VALUE]... count
 *        client_tool [OPTION=VALUE]... stream NAME...
 *
 * A client with options that the program has none for: url, token, token-host, insecure (1), ca, cert, key,
 * timeout and stall (seconds), largest (bytes of a message), start and end (GPS ns). Prints the count, or each block's time. */
#include <arrakis/arrakis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    fprintf(stderr, "%d: %s\n", (int)level, message);
}

static int64_t read_seconds(const char *text)
{
    return (int64_t)(strtod(text, NULL) * ARRAKIS_SECOND_NS);
}

static const char *token_host;

/* false: no such option. */
static bool set_option(arrakis_connection *to, arrakis_client_options *client,
                       arrakis_request *request, const char *text)
{
    const struct {
        const char *name;
        const char **text;
        int64_t *seconds, *ns;
        bool *flag;
    } options[] = {
        {"url=", &to->url, NULL, NULL, NULL},
        {"token=", &to->token, NULL, NULL, NULL},
        {"token-host=", &token_host, NULL, NULL, NULL},
        {"insecure=", NULL, NULL, NULL, &to->insecure_token},
        {"ca=", &to->ca_file, NULL, NULL, NULL},
        {"cert=", &to->cert_file, NULL, NULL, NULL},
        {"key=", &to->key_file, NULL, NULL, NULL},
        {"timeout=", NULL, &to->request_timeout_ns, NULL, NULL},
        {"stall=", NULL, &client->stall_timeout_ns, NULL, NULL},
        {"largest=", NULL, NULL, &client->max_message_bytes, NULL},
        {"start=", NULL, NULL, &request->start_ns, NULL},
        {"end=", NULL, NULL, &request->end_ns, NULL},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        size_t length = strlen(options[i].name);
        if (strncmp(text, options[i].name, length) != 0)
            continue;
        if (options[i].text)
            *options[i].text = text + length;
        else if (options[i].seconds)
            *options[i].seconds = read_seconds(text + length);
        else if (options[i].ns)
            *options[i].ns = strtoll(text + length, NULL, 10);
        else
            *options[i].flag = text[length] == '1';
        return true;
    }
    return false;
}

static arrakis_status print_count(arrakis_client *client, arrakis_error *err)
{
    uint64_t count;
    arrakis_status rc = arrakis_client_count(client, NULL, &count, err);
    if (rc == ARRAKIS_OK)
        printf("%llu\n", (unsigned long long)count);
    return rc;
}

static arrakis_status print_blocks(arrakis_client *client, const char *const *names, size_t count,
                                   const arrakis_request *request, arrakis_error *err)
{
    arrakis_stream *stream;
    arrakis_status rc = arrakis_client_stream(client, &stream, names, count, request, err);
    while (rc >= 0 && rc != ARRAKIS_DONE) {
        arrakis_block *block;
        rc = arrakis_stream_next(stream, -1, &block, err);
        if (rc != ARRAKIS_OK)
            continue;
        printf("%lld\n", (long long)arrakis_block_start_ns(block));
        fflush(stdout);
        arrakis_block_unref(block);
    }
    arrakis_stream_close(stream);
    return rc;
}

int main(int argc, char **argv)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    int at = 1;
    while (at < argc && set_option(&to, &options, &request, argv[at]))
        at++;
    if (token_host) {
        to.token_hosts = &token_host;
        to.token_host_count = 1;
    }
    bool count = at + 1 == argc && strcmp(argv[at], "count") == 0;
    if (!count && (at + 1 >= argc || strcmp(argv[at], "stream") != 0)) {
        fprintf(stderr, "usage: %s [OPTION=VALUE]... count | stream NAME...\n", argv[0]);
        return 2;
    }
    arrakis_log_set(ARRAKIS_LOG_DEBUG, print_log, NULL);
    arrakis_error err = {ARRAKIS_OK, ""};
    arrakis_client *client = NULL;
    arrakis_status rc = arrakis_client_open(&client, &to, &options, &err);
    if (rc >= 0)
        rc = count ? print_count(client, &err)
                   : print_blocks(client, (const char *const *)argv + at + 1,
                                  (size_t)(argc - at - 1), &request, &err);
    arrakis_client_close(client);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", arrakis_status_name(rc), err.message);
    return rc < 0;
}
