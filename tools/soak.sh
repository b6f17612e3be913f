#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: soak.sh [OPTIONS OF tests/soak/soak.py]; PRESET=asan: of that build, without judging memory;
#        SHAKEN_S=60, GROUP_S=60: that much of the first two parts
# Set-up, then ten minutes of a stream through a network that breaks, ten of recorders of a group that are killed, frozen and
# added, and a soak, all of the release build.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh test
preset=${PRESET:-release}
build=build
more=()
if [ "$preset" = asan ]; then
    build=build-asan
    more=(--sanitized)
    export ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
elif [ "$preset" != release ]; then
    echo "soak: no preset $preset: release or asan" >&2
    exit 2
fi
cmake --preset "$preset" >/dev/null
cmake --build "$build" -j "$(nproc)" --target arrakis-cli soak_tool >/dev/null
export PYTHONDONTWRITEBYTECODE=1
ARRAKIS_CLI="$PWD/$build/arrakis-cli" ARRAKIS_SHAKEN_S=${SHAKEN_S:-600} \
    .deps/venv/bin/python -m pytest -q -p no:cacheprovider tests/interop/test_comeback.py -k breaks_all_the_time
ARRAKIS_CLI="$PWD/$build/arrakis-cli" ARRAKIS_GROUP_S=${GROUP_S:-600} \
    .deps/venv/bin/python -m pytest -q -s -p no:cacheprovider tests/soak/test_group_soak.py
exec .deps/venv/bin/python tests/soak/soak.py --build "$PWD/$build" "${more[@]}" "$@"
