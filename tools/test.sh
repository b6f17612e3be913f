#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: test.sh [CTEST ARGUMENTS]
# Set-up, then every tier in one ctest run: all under ASan+UBSan but for the resource tests, which
# measure the release build, and the Python package, which loads it. In CI a skipped test is a failed one.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh test
jobs=$(nproc)
cmake --preset release -DARRAKIS_PYTHON=ON -DPython_EXECUTABLE="$PWD/.deps/venv/bin/python" >/dev/null
cmake --build --preset release -j "$jobs"
cmake --preset asan -DARRAKIS_BROKER_TESTS=ON -DARRAKIS_RELEASE_BUILD="$PWD/build" \
    -DARRAKIS_PYTHON_PACKAGE="$PWD/build/python" -DARRAKIS_SKIP_IS_FAILURE="${CI:-OFF}" >/dev/null
cmake --build --preset asan -j "$jobs"
exec ctest --test-dir build-asan --output-on-failure -j "$((4 * jobs))" "$@" # quarters: tests/python.cmake
