/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/mock.h>

#include "command.h"
#include "demo_detector.h"
#include "demo_view.h"
#include "interrupt.h"
#include "out.h"
#include "report.h"

#include <stdlib.h>
#include <unistd.h>

#define DURATION_NS (10 * ARRAKIS_SECOND_NS) /* where stdout is not a terminal */
#define DROP_OUT_AFTER_NS ARRAKIS_SECOND_NS
/* The mock broker answers a fetch that finds nothing only after this time, whatever arrives
 * meanwhile: with the 500 ms of librdkafka, blocks would come eight at a time. */
static const arrakis_property prompt = {"fetch.wait.max.ms", "5"};
enum { REDRAWS_A_SECOND = 4, PARTITIONS_MAX = 500, CHANNELS_MAX = 100 };

static bool print_introduction(const char *broker, const char *name)
{
    struct out out = {.fd = STDOUT_FILENO};
    out_format(
        &out,
        "broker %s: a simulated detector, nothing here was measured\n"
        "join in: arrakis-cli stream --kafka-url %s -X %s=%s %s\n"
        "or in Python:\n"
        "import libarrakis\n"
        "for block in libarrakis.stream([\"%s\"], kafka_url=\"%s\", properties={\"%s\": %s}):"
        " print(block)\n",
        broker, broker, prompt.name, prompt.value, name, name, broker, prompt.name, prompt.value);
    bool go_on = out_flush(&out);
    out_free(&out);
    return go_on;
}

/* ---------------------------------------------------------------- watching */

static int until_ms(int64_t gps_ns)
{
    int64_t ns = gps_ns - arrakis_gps_now_ns();
    return ns <= 0 ? 0 : (int)((ns + 999999) / 1000000);
}

static int watch_stream(arrakis_stream *stream, struct view *view)
{
    int64_t period_ns = ARRAKIS_SECOND_NS / (view->live ? REDRAWS_A_SECOND : 1);
    int64_t next_ns = arrakis_gps_now_ns() + period_ns;
    arrakis_error err;
    arrakis_status rc;
    arrakis_block *block = NULL;
    while ((rc = arrakis_stream_next(stream, until_ms(next_ns), &block, &err)) != ARRAKIS_DONE) {
        if (rc < 0)
            return finish(rc, &err);
        if (rc == ARRAKIS_OK)
            view_add(view, block);
        if (arrakis_gps_now_ns() < next_ns)
            continue;
        next_ns = arrakis_gps_now_ns() + period_ns;
        if (!view_show(view))
            break;
    }
    if (view->new_blocks)
        view_show(view);
    return EXIT_SUCCESS;
}

static int view_stream(arrakis_stream *stream, struct detector *detector, bool live)
{
    struct view view;
    int code = view_begin(&view, stream, live);
    detector_drop_out(detector, arrakis_gps_now_ns() + DROP_OUT_AFTER_NS);
    if (!code)
        code = watch_stream(stream, &view);
    return view_end(&view, code);
}

/* ---------------------------------------------------------------- reading */

static arrakis_status open_stream(arrakis_stream **stream, arrakis_client *client,
                                  const arrakis_channels *channels, int64_t duration_ns,
                                  arrakis_error *err)
{
    size_t n = arrakis_channels_count(channels);
    const char **names = calloc(n, sizeof *names);
    if (!names)
        return ARRAKIS_ENOMEM;
    for (size_t i = 0; i < n; i++)
        names[i] = arrakis_channel_name(arrakis_channels_get(channels, i));
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    request.duration_ns = duration_ns;
    arrakis_status rc = arrakis_client_stream(client, stream, names, n, &request, err);
    free(names);
    return rc;
}

/* Read as any other client: channels from the metadata topics, data from their topics. */
static int read_back(struct detector *detector, const char *broker, int64_t duration_ns, bool live)
{
    arrakis_client *client = NULL;
    arrakis_stream *stream = NULL;
    arrakis_error err = {ARRAKIS_ENOMEM, ""};
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.kafka_url = broker;
    to.properties = &prompt;
    to.property_count = 1;
    to.cancel = interrupt_cancel();
    arrakis_status rc = arrakis_client_open(&client, &to, NULL, &err);
    if (rc >= 0)
        rc = open_stream(&stream, client, detector_channels(detector), duration_ns, &err);
    int code = rc < 0 ? finish(rc, &err) : view_stream(stream, detector, live);
    arrakis_stream_close(stream);
    arrakis_client_close(client);
    return code;
}

static int run_demonstration(struct detector *detector, arrakis_mock_broker *broker,
                             const struct options *o)
{
    bool live = isatty(STDOUT_FILENO);
    const arrakis_channels *channels = detector_channels(detector);
    int64_t duration_ns = o->duration_ns == ARRAKIS_UNSET && !live ? DURATION_NS : o->duration_ns;
    arrakis_error err;
    arrakis_status rc = arrakis_mock_broker_announce(broker, channels, &err);
    if (rc < 0)
        return finish(rc, &err);
    const char *url = arrakis_mock_broker_url(broker);
    int code = detector_start(detector, url);
    if (code)
        return code;
    if (!print_introduction(url, arrakis_channel_name(arrakis_channels_get(channels, 0))))
        return EXIT_SUCCESS;
    return read_back(detector, url, duration_ns, live);
}

static int run_demo(const struct options *o)
{
    if (o->partitions > PARTITIONS_MAX)
        return fail_usage(o->command, "invalid --partitions '%lld': expected at most %d",
                          (long long)o->partitions, PARTITIONS_MAX);
    if (o->channels > CHANNELS_MAX)
        return fail_usage(o->command, "invalid --channels '%lld': expected at most %d",
                          (long long)o->channels, CHANNELS_MAX);
    struct detector *detector;
    arrakis_mock_broker *broker = NULL;
    arrakis_error err;
    int code = detector_open(&detector, (size_t)o->partitions, (size_t)o->channels);
    if (!code)
        code = finish(arrakis_mock_broker_open(&broker, &err), &err);
    if (!code)
        code = run_demonstration(detector, broker, o);
    detector_close(detector);
    arrakis_mock_broker_close(broker);
    return code;
}

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option demo[] = {
    {.name = "duration",
     .metavar = "S",
     .kind = ARG_SECONDS,
     PLACE(duration_ns),
     .help = "stop after this many seconds (default: 10; on a terminal: until interrupted)"},
    {.name = "partitions",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(partitions),
     .help = "number of partitions, at most 500 (default: 4)"},
    {.name = "channels",
     .metavar = "N",
     .kind = ARG_COUNT,
     PLACE(channels),
     .help = "channels per partition, at most 100 (default: 3)"},
    OPTIONS_END,
};

static const struct arg_table demo_options = {"Simulation", demo};
static const struct arg_table *const tables[] = {&demo_options, NULL};

const struct command cmd_demo = {
    .name = "demo",
    .aliases = {NULL},
    .summary = "publish, read and watch a simulated detector",
    .arguments = "",
    .description = "Everything runs in this program, Kafka's mock broker included. Its address is "
                   "printed, so that other clients can read too. Now and then one partition drops "
                   "out for a second, to show what a gap looks like.",
    .tables = tables,
    .run = run_demo,
};
