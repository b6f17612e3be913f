/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "channel.h"
#include "error.h"

#include <string.h>

static int take_on_gap(PyObject *value, arrakis_on_gap *out)
{
    const char *name;
    if (pyark_argument_text(value, "on_gap", &name) != 0)
        return -1;
    static const char *const names[] = {
        [ARRAKIS_GAP_FILL] = "fill", [ARRAKIS_GAP_SKIP] = "skip", [ARRAKIS_GAP_RAISE] = "raise"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!name || strcmp(name, names[i]) == 0) {
            *out = (arrakis_on_gap)i;
            return 0;
        }
    }
    arrakis_error err = {.status = ARRAKIS_EINVAL};
    snprintf(err.message, sizeof err.message,
             "on_gap: found '%.64s', expected 'fill', 'skip' or 'raise'", name);
    pyark_error_raise(&err);
    return -1;
}

/* None: the default; True or False. */
static int take_retry(PyObject *value, arrakis_retry *out)
{
    if (!value || value == Py_None)
        return 0;
    int on = PyObject_IsTrue(value);
    *out = on ? ARRAKIS_RETRY_ON : ARRAKIS_RETRY_OFF;
    return on < 0 ? -1 : 0;
}

static int take_arguments(PyObject *args, PyObject *keywords, pyark_request *out)
{
    static const char *names[] = {"channels",     "start",          "end",
                                  "duration",     "on_gap",         "stride",
                                  "fast_forward", "prefetch_bytes", "replay_id",
                                  "replay_start", "replay_end",     "latency_tolerance",
                                  "retry",        "retry_time",     "retry_tries",
                                  "follow",       "fetch_wait",     NULL};
    arrakis_request *r = &out->request;
    PyObject *channels, *start = NULL, *end = NULL, *duration = NULL, *stride = NULL;
    PyObject *retry = NULL, *retry_time = NULL, *retry_tries = NULL;
    PyObject *prefetch = NULL, *replay_start = NULL, *replay_end = NULL, *tolerance = NULL;
    PyObject *on_gap = NULL, *replay_id = NULL, *fetch_wait = NULL;
    int fast_forward = 1, follow = 0;
    if (!PyArg_ParseTupleAndKeywords(
            args, keywords, "O|OO$OOOpOOOOOOOOpO", (char **)(uintptr_t)names, &channels, &start,
            &end, &duration, &on_gap, &stride, &fast_forward, &prefetch, &replay_id, &replay_start,
            &replay_end, &tolerance, &retry, &retry_time, &retry_tries, &follow, &fetch_wait) ||
        take_retry(retry, &r->retry) != 0 ||
        pyark_argument_duration(retry_time, "retry_time", &r->retry_time_ns) != 0 ||
        pyark_argument_int64(retry_tries, "retry_tries", &r->retry_tries) != 0 ||
        take_on_gap(on_gap, &r->on_gap) != 0 ||
        pyark_argument_text(replay_id, "replay_id", &r->replay_id) != 0 ||
        pyark_argument_time(start, "start", &r->start_ns) != 0 ||
        pyark_argument_time(end, "end", &r->end_ns) != 0 ||
        pyark_argument_duration(duration, "duration", &r->duration_ns) != 0 ||
        pyark_argument_duration(stride, "stride", &r->stride_ns) != 0 ||
        pyark_argument_duration(tolerance, "latency_tolerance", &r->latency_tolerance_ns) != 0 ||
        pyark_argument_fetch_wait(fetch_wait, &r->fetch_wait_ns) != 0 ||
        pyark_argument_int64(prefetch, "prefetch_bytes", &r->prefetch_bytes) != 0 ||
        pyark_argument_time(replay_start, "replay_start", &r->replay_start_ns) != 0 ||
        pyark_argument_time(replay_end, "replay_end", &r->replay_end_ns) != 0)
        return -1;
    r->fast_forward = fast_forward != 0;
    r->follow = follow != 0;
    return pyark_channel_names(channels, "channels", &out->names);
}

int pyark_request_from(PyObject *args, PyObject *keywords, pyark_request *out)
{
    *out = (pyark_request){.request = ARRAKIS_REQUEST_INIT};
    if (take_arguments(args, keywords, out) == 0)
        return 0;
    pyark_request_free(out);
    return -1;
}

void pyark_request_free(pyark_request *request)
{
    pyark_argument_texts_free(&request->names);
}
