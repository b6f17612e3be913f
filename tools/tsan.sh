#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: tsan.sh [REGEX]
# Set-up, then the unit, cli, broker and Flight tests, or those whose names match, under ThreadSanitizer
# on a librdkafka that has it too. Any report is a failure, also one of a program whose exit status nobody
# looked at. What is not ours is in tests/tsan.supp. Tests that replace malloc() for libraries too have one
# thread, and the sanitizer does not start under them.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh tsan
jobs=$(nproc)
cmake --preset tsan -DARRAKIS_BROKER_TESTS=ON -DARRAKIS_SKIP_IS_FAILURE="${CI:-OFF}" >/dev/null
cmake --build --preset tsan -j "$jobs"
rm -rf build-tsan/reports
mkdir build-tsan/reports
status=0
ctest --test-dir build-tsan --output-on-failure -j "$((4 * jobs))" -R "${1:-^(unit|cli|broker|interop)\.}" \
    -E '^interop\.arrow|^unit\..*allocation$' || status=$?
for report in build-tsan/reports/*; do
    if [ -e "$report" ]; then
        cat "$report"
        status=1
    fi
done
exit "$status"
