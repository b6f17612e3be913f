/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/connect_options.h"

#include "base/error.h"
#include "flight/hosts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files in which systems have the certificates that they trust. */
static const char *const root_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian and its derivatives */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora and its derivatives */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",                  /* Alpine */
};
#define PEM_SIZE_MAX ((size_t)16 << 20)

/* One second of 8,000 channels of 16,384 Hz in double precision: far more than a site sends in one
 * message. */
#define DEFAULT_MAX_MESSAGE (INT64_C(1) << 30)

static arrakis_status read_file(char **out, const char *path, arrakis_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return ark_fail(err, ARRAKIS_EIO, "%.300s: %s", path, strerror(errno));
    size_t size = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text && size < PEM_SIZE_MAX) {
        size_t got = fread(text + size, 1, capacity - size - 1, file);
        size += got;
        if (!got)
            break;
        if (capacity - size == 1) {
            char *more = realloc(text, capacity *= 2);
            if (!more)
                free(text);
            text = more;
        }
    }
    bool failed = ferror(file);
    fclose(file);
    if (!text)
        return ark_no_memory(err, "%.300s", path);
    text[size] = '\0';
    *out = text;
    if (failed || size >= PEM_SIZE_MAX)
        return ark_fail(err, ARRAKIS_EIO, "%.300s: cannot be read as certificates", path);
    return ARRAKIS_OK;
}

/* Read a file that the user named; its contents must begin with `what`. gRPC itself accepts any
 * contents, and reports what it cannot use as a missing address. */
static arrakis_status read_pem(char **out, const char *path, const char *what, arrakis_error *err)
{
    if (!path)
        return ARRAKIS_OK;
    arrakis_status rc = read_file(out, path, err);
    if (rc == ARRAKIS_OK && !strstr(*out, what))
        rc = ark_fail(err, ARRAKIS_EINVAL, "%.300s: there is no '%s' in it", path, what);
    return rc;
}

/* Read the certificates that the system trusts. Without any, gRPC uses its own. */
static void read_system_roots(ark_connect_options *connect)
{
    for (size_t i = 0; i < sizeof root_files / sizeof *root_files && !connect->roots_pem; i++)
        if (read_file(&connect->roots_pem, root_files[i], NULL) < 0) {
            free(connect->roots_pem);
            connect->roots_pem = NULL;
        }
}

static arrakis_status fill_options(ark_connect_options *connect, const arrakis_connection *o,
                                   const char *publisher_id, arrakis_error *err)
{
    if (!o->cert_file != !o->key_file)
        return ark_fail(err, ARRAKIS_EINVAL, "a client certificate needs both: %s is not given",
                        o->cert_file ? "key_file" : "cert_file");
    ARK_TRY(ark_hosts_join(&connect->token_hosts, o->token_hosts, o->token_host_count, err));
    if ((o->token && !(connect->token = strdup(o->token))) ||
        (publisher_id && !(connect->publisher_id = strdup(publisher_id))))
        return ark_no_memory(err, "opening a client");
    connect->insecure_token = o->insecure_token;
    arrakis_status rc =
        read_pem(&connect->roots_pem, o->ca_file, "-----BEGIN CERTIFICATE-----", err);
    if (rc == ARRAKIS_OK)
        rc = read_pem(&connect->cert_pem, o->cert_file, "-----BEGIN CERTIFICATE-----", err);
    if (rc == ARRAKIS_OK)
        rc = read_pem(&connect->key_pem, o->key_file, "PRIVATE KEY-----", err);
    if (rc == ARRAKIS_OK && !o->ca_file && o->url && strncasecmp(o->url, "grpc+tls:", 9) == 0)
        read_system_roots(connect);
    return rc;
}

arrakis_status ark_connect_options_new(ark_connect_options **out,
                                       const arrakis_connection *connection,
                                       int64_t max_message_bytes, const char *publisher_id,
                                       arrakis_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ark_no_memory(err, "opening a client");
    atomic_init(&(*out)->refs, 1);
    (*out)->max_message = max_message_bytes == ARRAKIS_UNSET            ? DEFAULT_MAX_MESSAGE
                          : max_message_bytes > (int64_t)(SIZE_MAX / 4) ? (int64_t)(SIZE_MAX / 4)
                                                                        : max_message_bytes;
    arrakis_status rc = fill_options(*out, connection, publisher_id, err);
    if (rc < 0) {
        ark_connect_options_unref(*out);
        *out = NULL;
    }
    return rc;
}

ark_connect_options *ark_connect_options_ref(ark_connect_options *options)
{
    assert(atomic_load(&options->refs) > 0);
    atomic_fetch_add(&options->refs, 1);
    return options;
}

void ark_connect_options_unref(ark_connect_options *options)
{
    assert(!options || atomic_load(&options->refs) > 0);
    if (!options || atomic_fetch_sub(&options->refs, 1) > 1)
        return;
    free(options->token);
    free(options->token_hosts);
    free(options->publisher_id);
    free(options->roots_pem);
    free(options->cert_pem);
    free(options->key_pem);
    free(options);
}
