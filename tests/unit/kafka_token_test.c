/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/reader.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "base/token.h"
#include "base/wait.h"
#include "kafka/outage.h"
#include "kafka/token_gate.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char url[] = "127.0.0.1:1"; /* no broker listens there */
static const char claims_2030[] = "e30.eyJleHAiOjE4OTM0NTYwMDB9.x";

static const arrakis_property by_token[] = {{"security.protocol", "sasl_plaintext"},
                                            {"sasl.mechanism", "OAUTHBEARER"}};

/* ------------------------------------------------------------------ helpers */

typedef struct giver {
    const char *token, *reason;
    int delay_ms;
    atomic_int begun, ended;
} giver;

static arrakis_status give(char *text, size_t size, int64_t *expires_ns, void *opaque,
                           arrakis_error *why)
{
    giver *g = opaque;
    atomic_fetch_add(&g->begun, 1);
    ark_wait_fd(-1, ark_wait_deadline(g->delay_ms));
    assert_int_equal(size, ARK_TOKEN_SIZE_MAX);
    assert_true(*expires_ns == ARRAKIS_UNSET);
    snprintf(text, size, "%s", g->token ? g->token : "");
    snprintf(why->message, sizeof why->message, "%s", g->reason ? g->reason : "");
    atomic_fetch_add(&g->ended, 1);
    return g->token ? ARRAKIS_OK : ARRAKIS_EIO;
}

static arrakis_channels *one_channel(void)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "H1:A-B";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 16;
    info.partition_id = "p";
    info.partition_index = 0;
    info.stride_ns = 62500000;
    arrakis_channel *channel;
    arrakis_channels *list;
    assert_int_equal(arrakis_channel_new(&channel, &info, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_new(&list, NULL), ARRAKIS_OK);
    assert_int_equal(arrakis_channels_add(list, channel, NULL), ARRAKIS_OK);
    arrakis_channel_unref(channel);
    return list;
}

static arrakis_status new_reader(arrakis_reader **reader, giver *g, const arrakis_property *with,
                                 size_t count, arrakis_error *why)
{
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    options.properties = with;
    options.property_count = count;
    options.kafka_token_fn = g ? give : NULL;
    options.kafka_token_opaque = g;
    arrakis_channels *channels = one_channel();
    arrakis_status rc = arrakis_kafka_reader_new(reader, url, channels, &options, why);
    arrakis_channels_unref(channels);
    return rc;
}

static char lines[8192];

static void keep_line(arrakis_log_level level, const char *text, void *opaque)
{
    (void)level;
    (void)opaque;
    size_t used = strlen(lines);
    snprintf(lines + used, sizeof lines - used, "%s\n", text);
}

/* ------------------------------------------------------------------ tokens */

static void a_json_web_token_tells_when_it_expires(void **state)
{
    (void)state;
    assert_true(ark_token_expiry(claims_2030) ==
                arrakis_unix_to_gps_ns(INT64_C(1893456000) * ARRAKIS_SECOND_NS));
    assert_true(ark_token_expiry("opaque") == ARRAKIS_UNSET);
    assert_true(ark_token_expiry("e30.e30.x") == ARRAKIS_UNSET);
    assert_true(ark_token_expiry("e30.eyJleHAiOjFlMzB9.x") == ARRAKIS_TIME_MAX_NS);
}

static void a_token_is_read_from_a_file_without_the_blanks_around_it(void **state)
{
    (void)state;
    arrakis_error why;
    char text[32];
    int64_t expires_ns = ARRAKIS_UNSET;
    char path[] = "/tmp/arrakis_token_XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, " abc.def \n", 10), 10);
    assert_int_equal(arrakis_token_from_file(text, sizeof text, &expires_ns, path, &why),
                     ARRAKIS_OK);
    assert_string_equal(text, "abc.def");
    assert_int_equal(arrakis_token_from_file(text, 7, &expires_ns, path, &why), ARRAKIS_EIO);
    assert_non_null(strstr(why.message, "a token of 7 bytes, expected under 7"));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(arrakis_token_from_file(text, sizeof text, &expires_ns, path, &why),
                     ARRAKIS_EIO);
    assert_non_null(strstr(why.message, "expected a file with a token in it"));
    close(fd);
    unlink(path);
    assert_int_equal(arrakis_token_from_file(text, sizeof text, &expires_ns, path, &why),
                     ARRAKIS_EIO);
    assert_non_null(strstr(why.message, "No such file"));
    assert_int_equal(arrakis_token_from_file(text, sizeof text, &expires_ns, NULL, &why),
                     ARRAKIS_EINVAL);
    assert_int_equal(arrakis_token_from_file(NULL, 0, &expires_ns, path, &why), ARRAKIS_EINVAL);
}

/* ------------------------------------------------------------------ readers that log in by token */

static void a_token_and_the_properties_of_a_login_go_together(void **state)
{
    (void)state;
    arrakis_error why;
    arrakis_reader *reader;
    giver g = {.token = claims_2030};
    assert_int_equal(new_reader(&reader, NULL, by_token, 2, &why), ARRAKIS_EINVAL);
    assert_non_null(strstr(why.message, "there is no token"));
    assert_int_equal(new_reader(&reader, &g, NULL, 0, &why), ARRAKIS_EINVAL);
    assert_non_null(strstr(why.message, "security.protocol is not sasl_ssl or sasl_plaintext"));
    assert_int_equal(new_reader(&reader, &g, by_token, 1, &why), ARRAKIS_EINVAL);
    assert_non_null(strstr(why.message, "sasl.mechanism is not OAUTHBEARER"));
    assert_int_equal(g.begun, 0);
    const arrakis_property unsecured[] = {by_token[0],
                                          by_token[1],
                                          {"enable.sasl.oauthbearer.unsecure.jwt", "true"},
                                          {"sasl.oauthbearer.config", "principal=x"}};
    assert_int_equal(new_reader(&reader, NULL, unsecured, 4, &why), ARRAKIS_OK);
    arrakis_reader_close(reader);
}

static void no_token_is_an_error_with_its_reason_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *token, *reason, *text;
    } cases[] = {{NULL, "the door is shut", "the door is shut"},
                 {NULL, NULL, "the program returned no token"},
                 {"", NULL, "the token is empty"},
                 {"s e c r e t", NULL, "characters that no token has"},
                 {"e30.eyJleHAiOjF9.secret", NULL, "has expired, at 1970-01-01T00:00:01"}};
    *lines = 0;
    arrakis_log_set(ARRAKIS_LOG_DEBUG, keep_line, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrakis_error why;
        arrakis_reader *reader;
        giver g = {.token = cases[i].token, .reason = cases[i].reason};
        int64_t begin_ns = ark_monotonic_ns();
        assert_int_equal(new_reader(&reader, &g, by_token, 2, &why), ARRAKIS_OK);
        assert_int_equal(arrakis_reader_open(reader, &why), ARRAKIS_EAUTH);
        assert_true(ark_monotonic_ns() - begin_ns < 6 * ARRAKIS_SECOND_NS);
        assert_non_null(strstr(why.message, cases[i].text));
        assert_null(strstr(why.message, "secret"));
        arrakis_reader_close(reader);
    }
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    assert_non_null(strstr(lines, "the door is shut"));
    assert_null(strstr(lines, "s e c r e t"));
    assert_null(strstr(lines, ".secret"));
}

static void closing_waits_for_a_call_and_none_comes_after(void **state)
{
    (void)state;
    arrakis_reader *reader;
    giver g = {.token = claims_2030, .delay_ms = 300};
    assert_int_equal(new_reader(&reader, &g, by_token, 2, NULL), ARRAKIS_OK);
    while (!atomic_load(&g.begun))
        ark_wait_fd(-1, ark_wait_deadline(1));
    arrakis_reader_close(reader);
    int begun = atomic_load(&g.begun);
    assert_int_equal(atomic_load(&g.ended), begun);
    ark_wait_fd(-1, ark_wait_deadline(20));
    assert_int_equal(atomic_load(&g.begun), begun);
}

static arrakis_status ask(ark_token_gate *gate)
{
    char text[ARK_TOKEN_SIZE_MAX];
    int64_t expires_ns = ARRAKIS_UNSET;
    arrakis_error why;
    const ark_token_source source = ark_token_gate_source(gate);
    return source.fn(text, sizeof text, &expires_ns, source.opaque, &why);
}

static void *ask_in_a_thread(void *gate)
{
    return ask(gate) == ARRAKIS_OK ? gate : NULL;
}

static void a_gate_that_is_closed_lets_nobody_in(void **state)
{
    (void)state;
    giver g = {.token = claims_2030, .delay_ms = 100};
    ark_token_gate gate = {0}, none = {0};
    pthread_t thread;
    void *given;
    ark_token_gate_init(&gate, (ark_token_source){give, &g});
    assert_int_equal(pthread_create(&thread, NULL, ask_in_a_thread, &gate), 0);
    while (!atomic_load(&g.begun))
        ark_wait_fd(-1, ark_wait_deadline(1));
    ark_token_gate_close(&gate);
    assert_int_equal(atomic_load(&g.ended), 1);
    assert_int_equal(ask(&gate), ARRAKIS_EAUTH);
    assert_int_equal(atomic_load(&g.begun), 1);
    assert_int_equal(pthread_join(thread, &given), 0);
    assert_ptr_equal(given, &gate);
    ark_token_gate_clear(&gate);
    ark_token_gate_init(&none, (ark_token_source){NULL, NULL});
    assert_null(ark_token_gate_source(&none).fn);
    ark_token_gate_clear(&none);
}

/* ------------------------------------------------------------------ refusals */

static void a_refused_login_is_told_from_a_broker_that_went_away(void **state)
{
    (void)state;
    static const char *const refusals[] = {
        "sasl_ssl://h:1/1: SASL authentication error: Authentication failed: Invalid username",
        "h:1/1: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: ...",
        "ssl://h:1/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify "
        "failed",
        "ssl://h:1/1: Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: "
        "SSL alert number 42",
        "ssl://h:1/1: Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate "
        "required: SSL alert number 116 (after 2ms)"};
    static const char *const others[] = {
        "h:1/1: SASL authentication error: SaslAuthenticateRequest failed: Local: Broker "
        "transport "
        "failure",
        "h:1/1: SASL PLAIN mechanism handshake failed: Local: Broker transport failure: ...",
        "h:1/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused",
        "h:1/1: Disconnected (after 3ms in state UP)",
        ("ssl://h:1/1: Receive failed: SSL routines::tlsv1 alert internal error: SSL alert number "
         "80")};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_true(ark_kafka_outage_is_refusal(refusals[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(ark_kafka_outage_is_refusal(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_json_web_token_tells_when_it_expires),
        cmocka_unit_test(a_token_is_read_from_a_file_without_the_blanks_around_it),
        cmocka_unit_test(a_token_and_the_properties_of_a_login_go_together),
        cmocka_unit_test(no_token_is_an_error_with_its_reason_at_once),
        cmocka_unit_test(closing_waits_for_a_call_and_none_comes_after),
        cmocka_unit_test(a_gate_that_is_closed_lets_nobody_in),
        cmocka_unit_test(a_refused_login_is_told_from_a_broker_that_went_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
