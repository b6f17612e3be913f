/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/group_login.h"

#include "base/cancel.h"
#include "base/error.h"
#include "base/monotonic.h"
#include "kafka/group_begin.h"
#include "kafka/state.h"

/* Connections that are logged in may go on, and other brokers may accept the login: so any answer shows
 * that the member can go on. The question is not told of the refusal, which would end it. */
static arrakis_status try_again(ark_group *g, arrakis_error *err)
{
    arrakis_error why;
    const struct rd_kafka_metadata *answer;
    ark_kafka_asker ask = ark_group_begin_asker(g);
    ask.timeout_ns = 2 * ARK_KAFKA_QUESTION_NS;
    ask.outage = NULL;
    if (ark_kafka_outage_refusal(g->outage, &why) == ARRAKIS_OK)
        return ARRAKIS_OK;
    ark_kafka_token_refresh(g->outage->token, g->rk); /* librdkafka asks seldom */
    if (ark_kafka_query_topics(&ask, false, &answer, &why) == ARRAKIS_OK) {
        rd_kafka_metadata_destroy(answer);
        ark_kafka_outage_answered(g->outage);
        return ARRAKIS_OK;
    }
    ARK_TRY(ark_cancel_check(g->cancel, g->url, err));
    return ark_kafka_outage_refusal(g->outage, &why) < 0
               ? ark_fail(err, why.status, "%s: %s", g->url, why.message)
               : ARRAKIS_OK;
}

arrakis_status ark_group_login_check(ark_group *g, arrakis_error *err)
{
    int64_t now_ns = ark_monotonic_ns();
    if (atomic_load(&g->outage->news) && atomic_exchange(&g->outage->news, false) && !g->login_ns)
        g->login_ns = now_ns + ARK_KAFKA_REFUSED_NS;
    if (!g->login_ns || now_ns < g->login_ns)
        return ARRAKIS_OK;
    g->login_ns = 0;
    return try_again(g, err);
}
