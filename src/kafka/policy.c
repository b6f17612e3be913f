/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/policy.h"

#include "base/error.h"
#include "kafka/brokers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------------ what a server may set */

/* Properties that replace each other. */
typedef enum family {
    ALONE, /* not about security */
    PROTOCOL,
    MECHANISM,
    USERNAME,
    PASSWORD,
    AUTHORITY, /* who signs the certificates of brokers */
} family;

typedef enum kind { WORD, NUMBER, TEXT, PEM } kind;

#define WORDS(words) WORD, " " words " ", 0, 0
#define NUMBERS(least, most) NUMBER, NULL, least, most
#define BYTES(most) TEXT, NULL, 0, most

/* All properties that a server may set: none with a file, program, library, URL or group, and none
 * that weakens a check. */
static const struct allowed {
    const char *name;
    family family;
    kind kind;
    const char *words;   /* the allowed values, each between blanks */
    int64_t least, most; /* of a number, or of the bytes of a text */
} allowed[] = {
    {"bootstrap.servers", ALONE, BYTES(4096)},
    {"metadata.broker.list", ALONE, BYTES(4096)},
    {"acks", ALONE, WORDS("all -1")},
    {"request.required.acks", ALONE, WORDS("all -1")},
    {"enable.idempotence", ALONE, WORDS("true")},
    {"compression.codec", ALONE, WORDS("none gzip snappy lz4 zstd")},
    {"compression.type", ALONE, WORDS("none gzip snappy lz4 zstd")},
    {"compression.level", ALONE, NUMBERS(-1, 12)},
    {"linger.ms", ALONE, NUMBERS(0, 1000)},
    {"queue.buffering.max.ms", ALONE, NUMBERS(0, 1000)},
    {"batch.size", ALONE, NUMBERS(1, 100000000)},
    {"batch.num.messages", ALONE, NUMBERS(1, 1000000)},
    {"message.max.bytes", ALONE, NUMBERS(1000, 100000000)},
    {"message.timeout.ms", ALONE, NUMBERS(2000, 300000)},
    {"delivery.timeout.ms", ALONE, NUMBERS(2000, 300000)},
    {"max.in.flight", ALONE, NUMBERS(1, 5)},
    {"max.in.flight.requests.per.connection", ALONE, NUMBERS(1, 5)},
    {"retries", ALONE, NUMBERS(1, INT32_MAX)},
    {"message.send.max.retries", ALONE, NUMBERS(1, INT32_MAX)},
    {"retry.backoff.ms", ALONE, NUMBERS(1, 1000)},
    {"security.protocol", PROTOCOL,
     WORDS("plaintext ssl sasl_plaintext sasl_ssl PLAINTEXT SSL SASL_PLAINTEXT SASL_SSL")},
    {"sasl.mechanism", MECHANISM, WORDS("PLAIN SCRAM-SHA-256 SCRAM-SHA-512")},
    {"sasl.mechanisms", MECHANISM, WORDS("PLAIN SCRAM-SHA-256 SCRAM-SHA-512")},
    {"sasl.username", USERNAME, BYTES(1024)},
    {"sasl.password", PASSWORD, BYTES(1024)},
    {"ssl.ca.pem", AUTHORITY, PEM, NULL, 0, 65536},
};

static bool begins_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static family family_of(const char *name)
{
    if (strcmp(name, "ssl.ca.location") == 0)
        return AUTHORITY;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strcmp(name, allowed[i].name) == 0)
            return allowed[i].family;
    return ALONE;
}

/* Whether a property protects a connection or is part of a login. */
static bool is_security(const char *name)
{
    static const char *const beginnings[] = {"security.", "sasl.",        "ssl.",
                                             "ssl_",      "enable.sasl.", "enable.ssl."};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (begins_with(name, beginnings[i]))
            return true;
    return false;
}

static bool is_broker_list(const char *name)
{
    return strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0;
}

static bool is_word(const char *value, const char *words)
{
    size_t length = strlen(value);
    for (const char *at = words; length && (at = strstr(at, value)); at++)
        if (at > words && at[-1] == ' ' && at[length] == ' ' && !strchr(value, ' '))
            return true;
    return false;
}

static bool is_number(const char *value, int64_t least, int64_t most)
{
    size_t sign = *value == '-', digits = strspn(value + sign, "0123456789");
    if (!digits || digits > 10 || value[sign + digits])
        return false;
    long long number = strtoll(value, NULL, 10);
    return number >= least && number <= most;
}

/* Whether a text has no control characters. */
static bool is_text(const char *value)
{
    for (; *value; value++)
        if ((unsigned char)*value < ' ' || *value == 0x7f)
            return false;
    return true;
}

/* Whether a text is certificates, without the headers for which OpenSSL asks for a pass phrase. */
static bool is_pem(const char *value)
{
    return begins_with(value, "-----BEGIN CERTIFICATE-----") &&
           !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789+/=- \r\n")];
}

static arrakis_status check_value(const struct allowed *rule, const char *value,
                                  arrakis_error *err)
{
    const char *name = rule->name;
    size_t size = strlen(value);
    if (rule->kind == WORD && !is_word(value, rule->words))
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %s to \"%.40s\"; a server may set it to one "
                        "of:%.*s",
                        name, value, (int)strlen(rule->words) - 1, rule->words);
    if (rule->kind == NUMBER && !is_number(value, rule->least, rule->most))
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %s to \"%.40s\"; a server may set it to "
                        "%" PRId64 " to %" PRId64,
                        name, value, rule->least, rule->most);
    if ((rule->kind == TEXT || rule->kind == PEM) && size > (size_t)rule->most)
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %s to %zu bytes, over the limit of %" PRId64,
                        name, size, rule->most);
    if (rule->kind == TEXT && !is_text(value))
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %s to a text with a control character", name);
    if (rule->kind == PEM && !is_pem(value))
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %s to something else than certificates in PEM",
                        name);
    return ARRAKIS_OK;
}

/* The last property of the user in a family; for security, the first. */
static const arrakis_property *find_family(const ark_properties *properties, family wanted)
{
    for (size_t i = properties->count; i-- > 0;)
        if (family_of(properties->list[i].name) == wanted)
            return &properties->list[i];
    return NULL;
}

static const arrakis_property *find_security(const ark_properties *properties)
{
    for (size_t i = 0; i < properties->count; i++)
        if (is_security(properties->list[i].name))
            return &properties->list[i];
    return NULL;
}

arrakis_status ark_kafka_policy_property(bool *taken, const char *name, const char *value,
                                         const ark_properties *users, arrakis_error *err)
{
    const struct allowed *rule = NULL;
    *taken = false;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed && !rule; i++)
        if (strcmp(name, allowed[i].name) == 0)
            rule = &allowed[i];
    if (!rule)
        return ark_fail(err, ARRAKIS_ESERVER,
                        "the server sets property %.100s, which is for users alone", name);
    ARK_TRY(check_value(rule, value, err));
    const arrakis_property *security = find_security(users);
    *taken = rule->family == ALONE || !security;
    if (*taken || find_family(users, rule->family))
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_ESERVER,
                    "the server sets property %s, and the user %.100s: the user's properties of "
                    "security count alone, and need %s among them",
                    name, security->name, name);
}

arrakis_status ark_kafka_policy_login(const ark_properties *servers, const ark_properties *users,
                                      arrakis_error *err)
{
    const arrakis_property *protocol = find_family(servers, PROTOCOL);
    if (!protocol || strncasecmp(protocol->value, "sasl_", 5) != 0 ||
        find_family(users, PROTOCOL) || find_family(servers, MECHANISM))
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_ESERVER,
                    "the server sets property security.protocol to %s without a sasl.mechanism: "
                    "GSSAPI, which librdkafka takes then, is for users alone",
                    protocol->value);
}

/* ------------------------------------------------------------------ where users log in */

/* Whether a property of `ssl.` is not secret: the others are keys, certificates of the user, or
 * not known yet. */
static bool is_public(const char *name)
{
    static const char *const names[] = {
        "ssl.ca.location",  "ssl.ca.pem",        "ssl.ca.certificate.stores",
        "ssl.crl.location", "ssl.cipher.suites", "ssl.curves.list",
        "ssl.sigalgs.list", "ssl.providers",     "ssl.endpoint.identification.algorithm",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Whether a property is part of a login; a SASL protocol alone may use a Kerberos ticket. Any
 * protocol other than the two without a login counts as SASL, however librdkafka reads it. */
static bool is_secret(const arrakis_property *property)
{
    const char *name = property->name;
    if (strcmp(name, "security.protocol") == 0)
        return strcasecmp(property->value, "plaintext") != 0 &&
               strcasecmp(property->value, "ssl") != 0;
    return begins_with(name, "sasl.") || begins_with(name, "enable.sasl.") ||
           begins_with(name, "ssl_") || (begins_with(name, "ssl.") && !is_public(name));
}

/* The host and port of an entry of a broker list. */
typedef struct host_port {
    const char *host;
    size_t host_size;
    unsigned long port; /* 0: none */
} host_port;

static host_port place_of(const char *entry, size_t size)
{
    const char *scheme = memmem(entry, size, "://", 3), *end = entry + size;
    const char *host = scheme ? scheme + 3 : entry;
    const char *colon = memrchr(host, ':', (size_t)(end - host));
    if (colon && *host == '[' && memchr(colon, ']', (size_t)(end - colon)))
        colon = NULL; /* part of an IPv6 address */
    return (host_port){host, (size_t)((colon ? colon : end) - host),
                       colon ? strtoul(colon + 1, NULL, 10) : 0};
}

static bool matches_broker(const char *pattern, const host_port *broker)
{
    bool below = begins_with(pattern, "*.");
    const char *text = pattern + below; /* ".DOMAIN" */
    const host_port wanted = place_of(text, strlen(text));
    unsigned long port = broker->port ? broker->port : 9092; /* the default of librdkafka */
    if (wanted.port && wanted.port != port)
        return false;
    if (below ? broker->host_size <= wanted.host_size : broker->host_size != wanted.host_size)
        return false;
    return strncasecmp(broker->host + broker->host_size - wanted.host_size, wanted.host,
                       wanted.host_size) == 0;
}

arrakis_status ark_kafka_policy_patterns(const ark_allowed_brokers *list, arrakis_error *err)
{
    if (list->count && !list->patterns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "allowed_broker_count is %zu, and allowed_brokers is "
                        "NULL",
                        list->count);
    for (size_t i = 0; i < list->count; i++) {
        const char *pattern = list->patterns[i];
        if (!pattern)
            return ark_fail(err, ARRAKIS_EINVAL, "allowed broker %zu is NULL", i);
        const char *host = begins_with(pattern, "*.") ? pattern + 2 : pattern;
        const char *fault = strstr(host, "://") ? "it has a protocol"
                                                : ark_kafka_brokers_fault(host, strlen(host));
        if (fault)
            return ark_fail(err, ARRAKIS_EINVAL,
                            "allowed broker \"%.100s\": %s; expected HOST, HOST:PORT, *.DOMAIN or "
                            "*.DOMAIN:PORT",
                            pattern, fault);
    }
    return ARRAKIS_OK;
}

/* Whether an entry has a protocol, which a server must not choose. */
static bool has_protocol(const char *entry, size_t size)
{
    return memmem(entry, size, "://", 3) && strncasecmp(entry, "kafka://", 8) != 0;
}

/* The first entry of a broker list that no pattern allows; NULL: there is none. */
static const char *find_stranger(const char *brokers, const ark_allowed_brokers *list,
                                 size_t *size)
{
    for (const char *entry = brokers;; entry += *size + 1) {
        *size = strcspn(entry, ",");
        const host_port broker = place_of(entry, *size);
        bool known = false;
        for (size_t i = 0; i < list->count && !known && !has_protocol(entry, *size); i++)
            known = matches_broker(list->patterns[i], &broker);
        if (!known)
            return entry;
        if (!entry[*size])
            return NULL;
    }
}

arrakis_status ark_kafka_policy_brokers(const char *brokers, const ark_properties *users,
                                        const ark_allowed_brokers *list, arrakis_error *err)
{
    arrakis_status rc = ark_kafka_brokers_check(brokers, err);
    const arrakis_property *secret = NULL;
    for (size_t i = 0; rc == ARRAKIS_OK && i < users->count; i++) {
        if (is_broker_list(users->list[i].name))
            return ARRAKIS_OK; /* the property of the user replaces that of the server */
        if (!secret && is_secret(&users->list[i]))
            secret = &users->list[i];
    }
    size_t size;
    const char *stranger = secret ? find_stranger(brokers, list, &size) : NULL;
    if (!stranger)
        return rc;
    return ark_fail(err, ARRAKIS_EAUTH,
                    "broker \"%.*s\" is named by a server and is not allowed: property %.100s is "
                    "not used there (allowed_brokers, --allow-broker)",
                    size < 200 ? (int)size : 200, stranger, secret->name);
}
