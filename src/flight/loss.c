/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/loss.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "flight/ticket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So many tries in a row may fail with an error of the server's before it is asked for the present instead of
 * what was missed: it may be that which fails. */
enum { ERRORS_BEFORE_PRESENT = 3 };

/* What a later try may mend. A server that is overloaded or being restarted answers with ESERVER, too. */
static bool may_pass(arrakis_status why)
{
    return why == ARRAKIS_ECONNECT || why == ARRAKIS_EDEADLINE || why == ARRAKIS_ESERVER;
}

/* What may be wrong with a ticket that begins at another time than that of the server. */
static bool refuses_ticket(arrakis_status why)
{
    return why == ARRAKIS_ENOTFOUND || why == ARRAKIS_EINVAL || why == ARRAKIS_EUNSUPPORTED ||
           why == ARRAKIS_EFORMAT;
}

/* The start to ask for. Strides and rows begin at multiples of the step: so does it. */
static int64_t start_before(const ark_flight_source *s)
{
    int64_t step_ns = s->step_ns > 0 ? s->step_ns : 1;
    int64_t back_ns = (ARK_FLIGHT_LOSS_RECENT_NS + step_ns - 1) / step_ns * step_ns;
    return s->come_ns - s->begin_ns > back_ns ? s->come_ns - back_ns : s->begin_ns;
}

static bool asks_for_missed(const ark_flight_loss *loss)
{
    return loss->lost && !loss->present && loss->from_ns != ARRAKIS_UNSET;
}

/* Streams that broke at one moment are not all taken up again at one moment. */
static int64_t pause_before(uint64_t tries, int64_t now_ns, const ark_flight_source *s)
{
    const uint64_t seed[] = {(uint64_t)now_ns, (uint64_t)(uintptr_t)s};
    const int64_t longest_ns = ARK_FLIGHT_LOSS_PAUSE_MOST_NS * 4 / 5;
    int64_t pause_ns = longest_ns;
    if (tries < 5 && ARK_FLIGHT_LOSS_PAUSE_LEAST_NS << tries < longest_ns)
        pause_ns = ARK_FLIGHT_LOSS_PAUSE_LEAST_NS << tries;
    return pause_ns + pause_ns / 4 * (int64_t)(ark_hash(seed, sizeof seed) % 1024) / 1024;
}

static void begin_loss(ark_flight_reader *flight, ark_flight_source *s, int64_t now_ns,
                       const arrakis_error *err)
{
    s->loss = (ark_flight_loss){.lost = true, .since_ns = now_ns, .from_ns = s->come_ns};
    if (s->come_ns != ARRAKIS_UNSET)
        s->loss.asked_ns = start_before(s);
    flight->losses++;
    flight->lost_count++;
    uint64_t count = ark_log_limit_note(&flight->loss_log, now_ns);
    s->loss.logged = count > 0;
    if (count == 1)
        ark_log(ARRAKIS_LOG_WARNING,
                "the stream of channel '%.150s'%s has broken and is taken up again: %s",
                s->ticket.names[0], ark_ticket_others(&s->ticket), err->message);
    else if (count)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "%llu streams have broken and are taken up again, that of channel '%.150s'%s last: %s",
            (unsigned long long)count, s->ticket.names[0], ark_ticket_others(&s->ticket),
            err->message);
}

/* The limits of the request. A pause ends where the time is over, for a last try. */
static bool is_over(const ark_retry *retry, const ark_flight_loss *loss, int64_t now_ns)
{
    return (retry->tries != ARRAKIS_UNSET && loss->tries >= (uint64_t)retry->tries) ||
           (retry->time_ns != ARRAKIS_UNSET && now_ns - loss->since_ns >= retry->time_ns);
}

static arrakis_status give_up(const ark_flight_loss *loss, arrakis_status why, int64_t now_ns,
                              arrakis_error *err)
{
    const arrakis_error last = *err;
    return ark_fail(err, why, "%.400s; given up after %llu %s in %.1f s", last.message,
                    (unsigned long long)loss->tries, loss->tries == 1 ? "try" : "tries",
                    (double)(now_ns - loss->since_ns) * 1e-9);
}

static void schedule_try(ark_flight_reader *flight, ark_flight_source *s, int64_t again_ns)
{
    s->loss.again_ns = again_ns;
    s->location = 0;
    s->phase = ARK_FLIGHT_LOST;
    if (again_ns < flight->again_ns)
        flight->again_ns = again_ns;
}

arrakis_status ark_flight_loss_note(ark_flight_reader *flight, ark_flight_source *s,
                                    arrakis_status why, arrakis_error *err)
{
    const ark_retry *retry = &flight->head.retry;
    ark_flight_loss *loss = &s->loss;
    int64_t now_ns = ark_monotonic_ns();
    assert(why < 0);
    if (!retry->on || !flight->begun)
        return why;
    bool refused = asks_for_missed(loss) && refuses_ticket(why);
    if (!refused && !may_pass(why))
        return why;
    if (!loss->lost)
        begin_loss(flight, s, now_ns, err);
    else
        loss->tries++;
    if (is_over(retry, loss, now_ns))
        return give_up(loss, why, now_ns, err);
    loss->errors = why == ARRAKIS_ESERVER ? loss->errors + 1 : 0;
    bool fruitless = loss->repeats || loss->errors >= ERRORS_BEFORE_PRESENT;
    loss->present = refused || (fruitless && !loss->present);
    loss->repeats = false;
    ark_log_trace(ARK_LOG_FLIGHT, "channel '%.150s'%s: try %llu has failed: %.250s",
                  s->ticket.names[0], ark_ticket_others(&s->ticket),
                  (unsigned long long)loss->tries, err->message);
    int64_t again_ns = now_ns + (refused ? 0 : pause_before(loss->tries, now_ns, s));
    if (retry->time_ns != ARRAKIS_UNSET && again_ns > loss->since_ns + retry->time_ns)
        again_ns = loss->since_ns + retry->time_ns;
    schedule_try(flight, s, again_ns);
    return ARRAKIS_TIMEOUT;
}

void ark_flight_loss_end(ark_flight_reader *flight, ark_flight_source *s)
{
    ark_flight_loss *loss = &s->loss;
    assert(loss->lost && flight->lost_count);
    int64_t now_ns = ark_monotonic_ns();
    loss->lost = false;
    loss->ended_ns = now_ns;
    flight->recoveries++;
    flight->lost_count--;
    if (loss->logged)
        ark_log(ARRAKIS_LOG_INFO, "%.100s: the stream of channel '%.150s'%s goes on after %.1f s",
                s->batches.call.session->url, s->ticket.names[0], ark_ticket_others(&s->ticket),
                (double)(now_ns - loss->since_ns) * 1e-9);
}

arrakis_status ark_flight_loss_endpoint(const ark_flight_source *s, ark_endpoint *out,
                                        char **ticket, arrakis_error *err)
{
    *ticket = NULL;
    *out = s->endpoint;
    if (!asks_for_missed(&s->loss))
        return ARRAKIS_OK;
    ARK_TRY(ark_ticket_move(ticket, s->endpoint.ticket, s->endpoint.ticket_size, s->loss.asked_ns,
                            err));
    out->ticket = (uint8_t *)*ticket;
    out->ticket_size = strlen(*ticket);
    return ARRAKIS_OK;
}

bool ark_flight_loss_of_all(const ark_flight_reader *flight)
{
    if (!flight->lost_count)
        return false;
    for (size_t i = flight->first; i < flight->end; i++)
        if (flight->sources[i].phase != ARK_FLIGHT_OVER && !flight->sources[i].loss.lost)
            return false;
    return true;
}
