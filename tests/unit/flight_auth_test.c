/* SPDX-License-Identifier: Apache-2.0 */
#include "base/token.h"
#include "flight/auth.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static arrakis_error err;
static char directory[] = "/tmp/arrakis_auth_XXXXXX";

/* ------------------------------------------------------------------ helpers */

/* A token of those claims, without a signature. */
static const char *jwt(const char *claims)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static char token[2048];
    size_t at = (size_t)sprintf(token, "e30.");
    uint32_t bits = 0;
    unsigned held = 0;
    for (const char *c = claims; *c; c++) {
        bits = bits << 8 | (unsigned char)*c;
        for (held += 8; held >= 6; held -= 6)
            token[at++] = digits[bits >> (held - 6) & 63];
    }
    if (held)
        token[at++] = digits[bits << (6 - held) & 63];
    strcpy(token + at, ".x");
    return token;
}

static int clean_environment(void **state)
{
    (void)state;
    unsetenv("ARRAKIS_TOKEN");
    unsetenv("BEARER_TOKEN");
    unsetenv("BEARER_TOKEN_FILE");
    setenv("XDG_RUNTIME_DIR", directory, 1);
    return 0;
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void write_token(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* What would be sent to a server; "" where nothing is. */
static const char *found(const char *url_text, const char *given, bool publishing)
{
    static char text[2048];
    ark_url url;
    char *token;
    const ark_auth_request request = {
        .token = given, .publishing = publishing, .scope = "arrakis.read"};
    assert_int_equal(ark_url_parse(&url, url_text, &err), ARRAKIS_OK);
    if (ark_auth_find(&token, &request, &url, &err) < 0)
        fail_msg("%s", err.message);
    snprintf(text, sizeof text, "%s", token ? token : "");
    free(token);
    return text;
}

/* ------------------------------------------------------------------ claims */

static ark_token_fit check(const char *claims)
{
    return ark_token_check(jwt(claims), "h", "arrakis.read", 1000);
}

static void claims_are_looked_at(void **state)
{
    (void)state;
    assert_int_equal(check("{\"exp\":1001,\"aud\":\"https://h\",\"scope\":\"arrakis.read\"}"),
                     ARK_TOKEN_FITS);
    assert_int_equal(check("{\"exp\":1000,\"aud\":\"https://h\",\"scope\":\"arrakis.read\"}"),
                     ARK_TOKEN_EXPIRED);
    assert_int_equal(check("{\"aud\":\"https://other\",\"scope\":\"arrakis.read\"}"),
                     ARK_TOKEN_ELSEWHERE);
    assert_int_equal(check("{\"aud\":[\"x\",\"https://h\"],\"scope\":\"a arrakis.read:/ b\"}"),
                     ARK_TOKEN_FITS);
    assert_int_equal(check("{\"aud\":\"ANY\",\"scope\":\"arrakis.reader\"}"), ARK_TOKEN_NARROW);
    assert_int_equal(check("{\"aud\":\"ANY\"}"), ARK_TOKEN_NARROW);
    assert_int_equal(check("{\"scope\":\"arrakis.read\"}"), ARK_TOKEN_FITS);
}

static void a_scope_covers_the_paths_below_it(void **state)
{
    (void)state;
    static const struct {
        const char *has, *wants;
        ark_token_fit fit;
    } cases[] = {
        {"arrakis.create:/A", "arrakis.create:/A", ARK_TOKEN_FITS},
        {"arrakis.create:/", "arrakis.create:/A", ARK_TOKEN_FITS},
        {"arrakis.create", "arrakis.create:/A", ARK_TOKEN_FITS},
        {"arrakis.create:/A/", "arrakis.create:/A", ARK_TOKEN_FITS},
        {"arrakis.create:/A", "arrakis.create:/A/b", ARK_TOKEN_FITS},
        {"arrakis.create:/A", "arrakis.create:/AB", ARK_TOKEN_NARROW},
        {"arrakis.create:/AB", "arrakis.create:/A", ARK_TOKEN_NARROW},
        {"arrakis.read", "arrakis.create:/A", ARK_TOKEN_NARROW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char claims[200];
        snprintf(claims, sizeof claims, "{\"scope\":\"%s\"}", cases[i].has);
        assert_int_equal(ark_token_check(jwt(claims), "h", cases[i].wants, 0), cases[i].fit);
    }
}

static void what_is_no_jwt_is_opaque(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "secret",    "a.b", "a..c",
                                        "a.!!.c", "a.e30.c.d", "..",  "x.MTIz.y"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(ark_token_check(texts[i], "h", "s", 0), ARK_TOKEN_OPAQUE);
}

/* ------------------------------------------------------------------ where it comes from */

static void the_places_are_looked_at_in_order(void **state)
{
    (void)state;
    char named[64], runtime[64];
    snprintf(named, sizeof named, "%s/named", directory);
    snprintf(runtime, sizeof runtime, "%s/bt_u%lu", directory, (unsigned long)geteuid());
    assert_string_equal(found("localhost", NULL, false), "");
    write_token(runtime, " from-runtime\n");
    assert_string_equal(found("localhost", NULL, false), "from-runtime");
    write_token(named, "from-named");
    setenv("BEARER_TOKEN_FILE", named, 1);
    assert_string_equal(found("localhost", NULL, false), "from-named");
    setenv("BEARER_TOKEN", "from-environment", 1);
    assert_string_equal(found("localhost", NULL, false), "from-environment");
    setenv("ARRAKIS_TOKEN", "to-publish", 1);
    assert_string_equal(found("localhost", NULL, false), "from-environment");
    assert_string_equal(found("localhost", NULL, true), "to-publish");
    assert_string_equal(found("localhost", "given", true), "given");
    assert_string_equal(found("localhost", "", true), "");
    unlink(named);
    unlink(runtime);
}

static void a_token_that_does_not_fit_is_passed_over(void **state)
{
    (void)state;
    setenv("BEARER_TOKEN", jwt("{\"exp\":1,\"scope\":\"arrakis.read\"}"), 1);
    assert_string_equal(found("localhost", NULL, false), "");
    setenv("BEARER_TOKEN", "two words", 1);
    assert_string_equal(found("localhost", NULL, false), "");
}

static void links_are_not_followed_to_others_files(void **state)
{
    (void)state;
    char runtime[64], target[64];
    snprintf(target, sizeof target, "%s/target", directory);
    snprintf(runtime, sizeof runtime, "%s/bt_u%lu", directory, (unsigned long)geteuid());
    write_token(target, "stolen");
    assert_int_equal(symlink(target, runtime), 0);
    assert_string_equal(found("localhost", NULL, false), "");
    unlink(runtime);
    unlink(target);
}

static void plain_connections_keep_tokens_at_home(void **state)
{
    (void)state;
    ark_url url;
    char *token;
    ark_auth_request request = {.token = "secret", .scope = "arrakis.read"};
    ark_url_parse(&url, "grpc://example.org", &err);
    assert_int_equal(ark_auth_find(&token, &request, &url, &err), ARRAKIS_EAUTH);
    assert_null(token);
    assert_null(strstr(err.message, "secret"));
    assert_non_null(strstr(err.message, "plain connection"));
    request.allow_plain = true;
    assert_int_equal(ark_auth_find(&token, &request, &url, &err), ARRAKIS_OK);
    assert_string_equal(token, "secret");
    free(token);
    assert_string_equal(found("grpc+tls://example.org", "secret", false), "secret");
    setenv("BEARER_TOKEN", "discovered", 1);
    assert_string_equal(found("grpc://example.org", NULL, false), "");
    assert_string_equal(found("grpc+tls://example.org", NULL, false), "discovered");
}

static void a_header_cannot_be_broken_out_of(void **state)
{
    (void)state;
    ark_url url;
    char *token;
    const ark_auth_request request = {.token = "a\r\nx-other: b", .scope = "arrakis.read"};
    ark_url_parse(&url, "localhost", &err);
    assert_int_equal(ark_auth_find(&token, &request, &url, &err), ARRAKIS_EINVAL);
    assert_null(strstr(err.message, "x-other"));
}

/* ------------------------------------------------------------------ places that an answer names */

/* What a place gets that a server at `by` names, which has a token or not; "" for nothing. */
static const char *follows(const char *by, bool had, const char *place, const char *given,
                           const char *hosts, bool allow_plain)
{
    static char text[2048];
    ark_url url, named_by;
    char *token;
    assert_int_equal(ark_url_parse(&url, place, &err), ARRAKIS_OK);
    assert_int_equal(ark_url_parse(&named_by, by, &err), ARRAKIS_OK);
    const ark_auth_request request = {.token = given,
                                      .scope = "arrakis.read",
                                      .allow_plain = allow_plain,
                                      .named_by = &named_by,
                                      .had_token = had,
                                      .hosts = hosts};
    if (ark_auth_find(&token, &request, &url, &err) < 0)
        fail_msg("%s", err.message);
    snprintf(text, sizeof text, "%s", token ? token : "");
    free(token);
    return text;
}

/* Given or found, it is the same. */
static void a_token_follows_an_answer_to_few_places(void **state)
{
    (void)state;
    static const struct {
        const char *by, *place, *hosts;
        bool had, allow_plain, sent;
    } cases[] = {
        {"grpc+tls://a", "grpc+tls://a:9", NULL, true, false, true},
        {"grpc+tls://a", "grpc+tls://A:9", NULL, true, false, true},
        {"grpc+tls://a", "grpc+tls://b", NULL, true, false, false},
        {"grpc+tls://a", "grpc+tls://a.b", NULL, true, false, false},
        {"grpc+tls://a", "grpc+tls://b", "b", true, false, true},
        {"grpc+tls://a", "grpc+tls://b", "c,B,d", true, false, true},
        {"grpc+tls://a", "grpc+tls://b", "c,bb,.b,d", true, false, false},
        {"grpc+tls://a", "grpc+tls://[::2]", "::2", true, false, true},
        /* the server itself had none */
        {"grpc+tls://a", "grpc+tls://a:9", NULL, false, false, false},
        {"grpc+tls://a", "grpc+tls://b", "b", false, false, false},
        {"grpc://a", "grpc+tls://localhost", "localhost", false, false, false},
        /* plain */
        {"grpc+tls://a", "grpc://a", NULL, true, false, false},
        {"grpc+tls://a", "grpc://b", "b", true, false, false},
        {"grpc+tls://a", "grpc://b", "b", true, true, true},
        {"grpc://a", "grpc://a:9", NULL, true, true, true},
        {"grpc://a", "grpc://b", NULL, true, true, false},
        /* this machine */
        {"localhost", "127.0.0.1:9", NULL, true, false, true},
        {"localhost", "[::1]:9", NULL, true, false, true},
        {"localhost", "grpc+tls://b", NULL, true, false, false},
        {"grpc+tls://a", "localhost", NULL, true, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int given = 0; given < 2; given++) {
            unsetenv("BEARER_TOKEN");
            if (!given)
                setenv("BEARER_TOKEN", "secret", 1);
            const char *token =
                follows(cases[i].by, cases[i].had, cases[i].place, given ? "secret" : NULL,
                        cases[i].hosts, cases[i].allow_plain);
            if (strcmp(token, cases[i].sent ? "secret" : "") != 0)
                fail_msg("%s -> %s, hosts %s, %d %d: '%s'", cases[i].by, cases[i].place,
                         cases[i].hosts ? cases[i].hosts : "", cases[i].had, cases[i].allow_plain,
                         token);
        }
}

static void a_token_follows_where_its_audience_names_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *audience;
        bool sent;
    } cases[] = {
        {"\"https://b\"", true},
        {"[\"https://a\", \"https://b\"]", true},
        {"\"ANY\"", false},
        {"[\"ANY\", \"https://bb\"]", false},
        {"\"https://wlcg.cern.ch/jwt/v1/any\"", false},
        {"\"https://b/\"", false},
        {"\"b\"", false},
        {"7", false},
        {"{\"https://b\": 1}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char claims[200];
        snprintf(claims, sizeof claims, "{\"aud\":%s,\"scope\":\"arrakis.read\"}",
                 cases[i].audience);
        const char *sent = follows("grpc+tls://a", true, "grpc+tls://b", jwt(claims), NULL, false);
        assert_string_equal(sent, cases[i].sent ? jwt(claims) : "");
    }
    assert_string_equal(follows("grpc+tls://a", true, "grpc+tls://b", "no.jwt", NULL, false), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_looked_at),
        cmocka_unit_test(a_scope_covers_the_paths_below_it),
        cmocka_unit_test(what_is_no_jwt_is_opaque),
        cmocka_unit_test_setup(the_places_are_looked_at_in_order, clean_environment),
        cmocka_unit_test_setup(a_token_that_does_not_fit_is_passed_over, clean_environment),
        cmocka_unit_test_setup(links_are_not_followed_to_others_files, clean_environment),
        cmocka_unit_test_setup(plain_connections_keep_tokens_at_home, clean_environment),
        cmocka_unit_test_setup(a_token_follows_an_answer_to_few_places, clean_environment),
        cmocka_unit_test_setup(a_token_follows_where_its_audience_names_the_host,
                               clean_environment),
        cmocka_unit_test_setup(a_header_cannot_be_broken_out_of, clean_environment),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
