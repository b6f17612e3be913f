#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: valgrind.sh
# Set-up, then one of each under valgrind's memcheck: unit programs (alignment, a Kafka reader and several
# threads on a mock broker, a publisher), arrakis-cli streaming from a broker, from a Flight server, and
# publishing. An error or a leak is a failure; what is not ours is in tests/valgrind.supp.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh valgrind
cmake --preset debug >/dev/null
cmake --build --preset debug -j "$(nproc)"
reports=$PWD/build-debug/reports
rm -rf "$reports"
mkdir "$reports"
under="valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99
    --num-callers=30 --fair-sched=yes --suppressions=$PWD/tests/valgrind.supp --log-file=$reports/%p"
under=${under//$'\n'/ }
status=0
for program in mux kafka_reader mock threads publisher; do
    echo "valgrind: unit_$program"
    $under "build-debug/tests/unit_$program" >"$reports/out" 2>&1 || {
        cat "$reports/out"
        status=1
    }
done
rm "$reports/out"
ARRAKIS_CLI=build-debug/arrakis-cli ARRAKIS_UNDER=$under .deps/venv/bin/pytest -q -p no:cacheprovider \
    --rootdir tests tests/broker/test_stream.py::test_count_ends_a_live_stream \
    tests/interop/test_flight.py::test_a_span \
    tests/interop/test_publish.py::test_a_stream_piped_into_publish_is_a_copy || status=$?
for report in "$reports"/*; do
    if [ -s "$report" ]; then
        cat "$report"
        status=1
    fi
done
exit "$status"
