/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain_text.h"
#include "kafka/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PEM "-----BEGIN CERTIFICATE-----\n"

static const ark_properties none = {NULL, 0};

static void assert_set(const char *name, const char *value)
{
    bool taken;
    arrakis_error err = {0};
    if (ark_kafka_policy_property(&taken, name, value, &none, &err) != ARRAKIS_OK)
        fail_msg("%s=%.40s: %s", name, value, err.message);
    assert_true(taken);
}

static void assert_refused(const char *name, const char *value)
{
    bool taken;
    arrakis_error err = {0};
    if (ark_kafka_policy_property(&taken, name, value, &none, &err) != ARRAKIS_ESERVER)
        fail_msg("%s=%.40s is taken", name, value);
    assert_false(taken);
    char shown[200]; /* as errors have it */
    snprintf(shown, sizeof shown, "%s", name);
    ark_plain_text(shown);
    if (!strstr(err.message, shown))
        fail_msg("\"%s\" does not name %s", err.message, shown);
}

static void what_a_server_may_set(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"bootstrap.servers", "a:1,b:2"},
        {"metadata.broker.list", "a"},
        {"acks", "all"},
        {"acks", "-1"},
        {"request.required.acks", "all"},
        {"enable.idempotence", "true"},
        {"compression.type", "zstd"},
        {"compression.codec", "none"},
        {"compression.level", "-1"},
        {"compression.level", "12"},
        {"linger.ms", "0"},
        {"linger.ms", "1000"},
        {"batch.size", "1000000"},
        {"batch.num.messages", "1"},
        {"message.max.bytes", "100000000"},
        {"message.timeout.ms", "2000"},
        {"delivery.timeout.ms", "300000"},
        {"max.in.flight", "5"},
        {"retries", "2147483647"},
        {"retry.backoff.ms", "100"},
        {"security.protocol", "sasl_ssl"},
        {"security.protocol", "SASL_PLAINTEXT"},
        {"sasl.mechanism", "PLAIN"},
        {"sasl.mechanisms", "SCRAM-SHA-512"},
        {"sasl.username", "Zo\xc3\xab; touch x #"},
        {"sasl.password", ""},
        {"ssl.ca.pem", PEM "QQ==\n-----END CERTIFICATE-----\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_set(cases[i][0], cases[i][1]);
}

static void what_no_server_may_set(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        /* other spellings of names that are allowed */
        {"", "1"},
        {"Acks", "all"},
        {"ACKS", "all"},
        {" acks", "all"},
        {"acks ", "all"},
        {"acks\n", "all"},
        {"topic.acks", "all"},
        {"default.topic.acks", "all"},
        {"linger_ms", "1"},
        {"sasl.mechanisms.", "PLAIN"},
        {"security", "ssl"},
        /* values that weaken or stall */
        {"acks", "0"},
        {"acks", "1"},
        {"acks", ""},
        {"acks", " "},
        {"acks", "all "},
        {"acks", "all -1"},
        {"acks", "al"},
        {"acks", "ALL"},
        {"enable.idempotence", "false"},
        {"compression.type", "inherit"},
        {"compression.level", "13"},
        {"compression.level", "-2"},
        {"linger.ms", "1001"},
        {"linger.ms", "-1"},
        {"linger.ms", "1e9"},
        {"linger.ms", "0x1"},
        {"linger.ms", " 1"},
        {"linger.ms", "+1"},
        {"linger.ms", "-"},
        {"linger.ms", ""},
        {"linger.ms", "4294967296"},
        {"linger.ms", "18446744073709551616"},
        {"message.timeout.ms", "0"},
        {"message.timeout.ms", "300001"},
        {"message.max.bytes", "100000001"},
        {"max.in.flight", "6"},
        {"security.protocol", "Sasl_Plaintext"},
        {"security.protocol", "sasl_plaintext "},
        {"security.protocol", "sasl"},
        {"security.protocol", "gssapi"},
        {"sasl.mechanism", "GSSAPI"},
        {"sasl.mechanisms", "GSSAPI"},
        {"sasl.mechanism", "gssapi"},
        {"sasl.mechanism", "GS2-KRB5"},
        {"sasl.mechanism", "PLAIN GSSAPI"},
        {"sasl.mechanism", "PLAIN,GSSAPI"},
        {"sasl.mechanism", "OAUTHBEARER"},
        {"sasl.mechanism", "plain"},
        {"sasl.mechanism", ""},
        {"sasl.username", "a\nb"},
        {"sasl.password", "\x7f"},
        {"ssl.ca.pem", "/etc/passwd"},
        {"ssl.ca.pem", ""},
        {"ssl.ca.pem", PEM "Proc-Type: 4,ENCRYPTED\n"},
        /* files, programs, libraries, URLs, groups, checks, logs */
        {"sasl.kerberos.principal", "x; touch PWNED #"},
        {"sasl.kerberos.keytab", "x"},
        {"sasl.kerberos.service.name", "x"},
        {"sasl.kerberos.kinit.cmd", "touch x"},
        {"sasl.oauthbearer.config", "x"},
        {"sasl.oauthbearer.method", "oidc"},
        {"sasl.oauthbearer.token.endpoint.url", "http://x"},
        {"sasl.oauthbearer.assertion.file", "x"},
        {"sasl.oauthbearer.assertion.private.key.file", "x"},
        {"sasl.oauthbearer.metadata.authentication.type", "azure_imds"},
        {"enable.sasl.oauthbearer.unsecure.jwt", "true"},
        {"ssl.ca.location", "x"},
        {"ssl.crl.location", "x"},
        {"ssl.key.location", "x"},
        {"ssl.key.pem", "x"},
        {"ssl.key.password", "x"},
        {"ssl.certificate.location", "x"},
        {"ssl.certificate.pem", "x"},
        {"ssl.keystore.location", "x"},
        {"ssl.keystore.password", "x"},
        {"ssl.engine.location", "x"},
        {"ssl.engine.id", "x"},
        {"ssl.providers", "x"},
        {"ssl.cipher.suites", "NULL"},
        {"ssl.endpoint.identification.algorithm", "none"},
        {"enable.ssl.certificate.verification", "false"},
        {"https.ca.location", "x"},
        {"plugin.library.paths", "x"},
        {"interceptors", "x"},
        {"group.id", "x"},
        {"group.instance.id", "x"},
        {"transactional.id", "x"},
        {"client.id", "x"},
        {"client.dns.lookup", "use_all_dns_ips"},
        {"debug", "all"},
        {"log_level", "7"},
        {"log.queue", "true"},
        {"statistics.interval.ms", "1"},
        {"enabled_events", "255"},
        {"test.mock.num.brokers", "3"},
        {"internal.termination.signal", "9"},
        {"socket.timeout.ms", "300000"},
        {"request.timeout.ms", "900000"},
        {"queue.buffering.max.kbytes", "1"},
        {"delivery.report.only.error", "true"},
        {"allow.auto.create.topics", "true"},
        {"topic.blacklist", ".*"},
        {"no.such.property", "1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i][0], cases[i][1]);
}

static void sizes_are_limited(void **state)
{
    (void)state;
    static const struct {
        const char *name, *begin;
        size_t most;
    } cases[] = {{"sasl.username", "", 1024},
                 {"sasl.password", "", 1024},
                 {"bootstrap.servers", "", 4096},
                 {"ssl.ca.pem", PEM, 65536}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = calloc(1, cases[i].most + 2);
        assert_non_null(text);
        memset(text, 'a', cases[i].most);
        memcpy(text, cases[i].begin, strlen(cases[i].begin));
        assert_set(cases[i].name, text);
        text[cases[i].most] = 'a';
        assert_refused(cases[i].name, text);
        free(text);
    }
}

/* Every name of the list is one of librdkafka's: none is there for nothing, or misspelled. */
static void librdkafka_takes_what_a_server_may_set(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"acks", "all"},           {"compression.type", "lz4"},        {"batch.size", "100000"},
        {"linger.ms", "1000"},     {"message.timeout.ms", "2000"},     {"retries", "1"},
        {"max.in.flight", "5"},    {"request.required.acks", "-1"},    {"compression.level", "-1"},
        {"retry.backoff.ms", "1"}, {"security.protocol", "plaintext"}, {"sasl.mechanism", "PLAIN"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        assert_int_equal(rd_kafka_conf_set(conf, cases[i][0], cases[i][1], text, sizeof text),
                         RD_KAFKA_CONF_OK);
        rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
        rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
        if (!rk)
            fail_msg("%s=%s: %s", cases[i][0], cases[i][1], text);
        rd_kafka_destroy(rk);
    }
}

/* ------------------------------------------------------------------ server and user together */

static arrakis_status set_with(bool *taken, const char *name, const char *value,
                               const arrakis_property *users, size_t count, arrakis_error *err)
{
    const ark_properties list = {users, count};
    return ark_kafka_policy_property(taken, name, value, &list, err);
}

static void security_is_one_side_s(void **state)
{
    (void)state;
    bool taken;
    arrakis_error err;
    static const arrakis_property cipher[] = {{"linger.ms", "1"}, {"ssl.cipher.suites", "x"}};
    assert_int_equal(set_with(&taken, "security.protocol", "ssl", cipher, 1, &err), ARRAKIS_OK);
    assert_true(taken);
    assert_int_equal(set_with(&taken, "security.protocol", "ssl", cipher, 2, &err),
                     ARRAKIS_ESERVER);
    assert_non_null(strstr(err.message, "ssl.cipher.suites"));
    assert_non_null(strstr(err.message, "security.protocol"));
    assert_int_equal(set_with(&taken, "acks", "all", cipher, 2, &err), ARRAKIS_OK);
    assert_true(taken);

    /* the user's Kerberos, and a server's part in it */
    static const arrakis_property kerberos[] = {{"sasl.mechanisms", "GSSAPI"}};
    assert_int_equal(set_with(&taken, "security.protocol", "sasl_plaintext", kerberos, 1, &err),
                     ARRAKIS_ESERVER);
    assert_int_equal(set_with(&taken, "sasl.username", "x; touch y", kerberos, 1, &err),
                     ARRAKIS_ESERVER);
    assert_int_equal(set_with(&taken, "sasl.kerberos.principal", "x", kerberos, 1, &err),
                     ARRAKIS_ESERVER);
    assert_int_equal(set_with(&taken, "sasl.mechanism", "PLAIN", kerberos, 1, &err), ARRAKIS_OK);
    assert_false(taken);

    /* the user's password, and a server's protocol, user and authority */
    static const arrakis_property login[] = {
        {"sasl.password", "secret"}, {"security.protocol", "sasl_ssl"}, {"ssl.ca.location", "x"}};
    assert_int_equal(set_with(&taken, "security.protocol", "sasl_plaintext", login, 1, &err),
                     ARRAKIS_ESERVER);
    assert_null(strstr(err.message, "secret"));
    assert_int_equal(set_with(&taken, "security.protocol", "sasl_plaintext", login, 2, &err),
                     ARRAKIS_OK);
    assert_false(taken);
    assert_int_equal(set_with(&taken, "ssl.ca.pem", PEM, login, 2, &err), ARRAKIS_ESERVER);
    assert_int_equal(set_with(&taken, "ssl.ca.pem", PEM, login, 3, &err), ARRAKIS_OK);
    assert_false(taken);
    assert_int_equal(set_with(&taken, "sasl.username", "x", login, 3, &err), ARRAKIS_ESERVER);
}

static arrakis_status login_of(const arrakis_property *servers, size_t count,
                               const arrakis_property *users, size_t user_count)
{
    const ark_properties all = {servers, count}, own = {users, user_count};
    return ark_kafka_policy_login(&all, &own, NULL);
}

static void a_login_needs_a_mechanism(void **state)
{
    (void)state;
    static const arrakis_property plain[] = {{"security.protocol", "sasl_plaintext"},
                                             {"sasl.mechanisms", "PLAIN"}};
    static const arrakis_property late[] = {{"security.protocol", "plaintext"},
                                            {"security.protocol", "SASL_SSL"},
                                            {"security.protocol", "ssl"}};
    static const arrakis_property own[] = {{"security.protocol", "ssl"}};
    assert_int_equal(login_of(plain, 2, NULL, 0), ARRAKIS_OK);
    assert_int_equal(login_of(plain, 1, NULL, 0), ARRAKIS_ESERVER);
    assert_int_equal(login_of(late, 1, NULL, 0), ARRAKIS_OK);
    assert_int_equal(login_of(late, 2, NULL, 0), ARRAKIS_ESERVER);
    assert_int_equal(login_of(late, 3, NULL, 0), ARRAKIS_OK); /* the last one counts */
    assert_int_equal(login_of(plain, 1, own, 1), ARRAKIS_OK);
    assert_int_equal(login_of(NULL, 0, NULL, 0), ARRAKIS_OK);
}

/* ------------------------------------------------------------------ brokers */

static arrakis_status brokers_with(const char *brokers, const char *pattern,
                                   arrakis_property property, arrakis_error *err)
{
    const ark_properties users = {&property, 1};
    const ark_allowed_brokers list = {&pattern, pattern != NULL};
    return ark_kafka_policy_brokers(brokers, &users, &list, err);
}

static void logins_go_to_allowed_brokers_alone(void **state)
{
    (void)state;
    static const arrakis_property login = {"sasl.password", "secret"};
    static const struct {
        const char *brokers, *pattern;
        bool allowed;
    } cases[] = {
        {"a:1", NULL, false},
        {"a:1", "a:1", true},
        {"A:1", "a:1", true},
        {"a:1", "A", true},
        {"a:1", "a:2", false},
        {"a", "a:9092", true},
        {"a", "a:9093", false},
        {"a:1", "b", false},
        {"a:1", "aa", false},
        {"aa:1", "a", false},
        {"a.", "a", false},
        {"a:1,b:1", "a", false},
        {"b:1,a:1", "a", false},
        {"k.site.org:1", "*.site.org", true},
        {"k1.ca.SITE.org:1", "*.site.org:1", true},
        {"k.site.org:2", "*.site.org:1", false},
        {"site.org:1", "*.site.org", false},
        {"xsite.org:1", "*.site.org", false},
        {"k.site.org.evil:1", "*.site.org", false},
        {"evil:1", "*.site.org", false},
        {"[::1]:9092", "[::1]", true},
        {"[::1]", "[::1]:9092", true},
        {"[::1]:1", "[::1]:2", false},
        {"[::2]:1", "[::1]", false},
        {"SASL_SSL://a:1", "a:1", false},
        {"PLAINTEXT://a:1", "a:1", false},
        {"kafka://a:1", "a:1", true},
        {"SASL_SSL://b:1", "a:1", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        arrakis_error err = {0};
        arrakis_status rc = brokers_with(cases[i].brokers, cases[i].pattern, login, &err);
        if (rc != (cases[i].allowed ? ARRAKIS_OK : ARRAKIS_EAUTH))
            fail_msg("%s at %s: %d %s", cases[i].pattern, cases[i].brokers, rc, err.message);
        if (rc < 0) {
            assert_non_null(strstr(err.message, "sasl.password"));
            assert_non_null(strstr(err.message, "allow-broker"));
            assert_null(strstr(err.message, "secret"));
        }
    }
    arrakis_error err;
    assert_int_equal(brokers_with("good:1,evil:2", "good", login, &err), ARRAKIS_EAUTH);
    assert_non_null(strstr(err.message, "\"evil:2\""));
    assert_int_equal(brokers_with("a b", "a", login, &err), ARRAKIS_EINVAL);
}

static void what_is_a_login(void **state)
{
    (void)state;
    static const arrakis_property logins[] = {
        {"sasl.username", "x"},
        {"sasl.mechanisms", "GSSAPI"},
        {"sasl.kerberos.principal", "x"},
        {"sasl.oauthbearer.client.secret", "x"},
        {"sasl.not.known.yet", "x"},
        {"enable.sasl.oauthbearer.unsecure.jwt", "true"},
        {"security.protocol", "SASL_SSL"}, /* perhaps with a ticket of Kerberos */
        {"security.protocol", "sasl_plaintext"},
        {"security.protocol", " sasl_ssl"}, /* librdkafka may take blanks away */
        {"security.protocol", ""},
        {"ssl.key.location", "x"},
        {"ssl.key.pem", "x"},
        {"ssl.certificate.location", "x"},
        {"ssl.keystore.location", "x"},
        {"ssl.not.known.yet", "x"},
    };
    static const arrakis_property others[] = {
        {"security.protocol", "ssl"}, {"ssl.ca.location", "x"},
        {"ssl.ca.pem", "x"},          {"ssl.endpoint.identification.algorithm", "none"},
        {"client.id", "x"},           {"fetch.wait.max.ms", "5"},
    };
    for (size_t i = 0; i < COUNT(logins); i++)
        if (brokers_with("a:1", NULL, logins[i], NULL) != ARRAKIS_EAUTH)
            fail_msg("%s is none", logins[i].name);
    for (size_t i = 0; i < COUNT(others); i++)
        if (brokers_with("a:1", NULL, others[i], NULL) != ARRAKIS_OK)
            fail_msg("%s is one", others[i].name);
    /* the user's broker takes the place of the server's */
    static const arrakis_property own[] = {{"sasl.password", "x"}, {"bootstrap.servers", "b:1"}};
    const ark_properties users = {own, 2};
    assert_int_equal(
        ark_kafka_policy_brokers("a:1", &users, &(ark_allowed_brokers){NULL, 0}, NULL),
        ARRAKIS_OK);
}

static void patterns_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a:1", "*.a", "*.a.b:65535", "[::1]", "[::1]:2"};
    static const char *const bad[] = {"",      "*",         "*.",        "*a",  "a*",  "*.*.a",
                                      "a:0",   "a:",        "a:b",       "a,b", "a b", "ssl://a",
                                      "::1:2", "*.a:99999", "kafka://a", ".*",  "a/b"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(ark_kafka_policy_patterns(&(ark_allowed_brokers){&good[i], 1}, NULL),
                         ARRAKIS_OK);
    for (size_t i = 0; i < COUNT(bad); i++) {
        arrakis_error err;
        if (ark_kafka_policy_patterns(&(ark_allowed_brokers){&bad[i], 1}, &err) != ARRAKIS_EINVAL)
            fail_msg("\"%s\" is taken", bad[i]);
        assert_non_null(strstr(err.message, "*.DOMAIN"));
    }
    const char *null = NULL;
    assert_int_equal(ark_kafka_policy_patterns(&(ark_allowed_brokers){&null, 1}, NULL),
                     ARRAKIS_EINVAL);
    assert_int_equal(ark_kafka_policy_patterns(&(ark_allowed_brokers){NULL, 1}, NULL),
                     ARRAKIS_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_may_set),
        cmocka_unit_test(what_no_server_may_set),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(librdkafka_takes_what_a_server_may_set),
        cmocka_unit_test(security_is_one_side_s),
        cmocka_unit_test(a_login_needs_a_mechanism),
        cmocka_unit_test(logins_go_to_allowed_brokers_alone),
        cmocka_unit_test(what_is_a_login),
        cmocka_unit_test(patterns_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
