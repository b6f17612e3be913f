#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: wheel.sh
# A wheel of the Python package that needs nothing of the system but the C and C++ libraries and zlib, for
# this machine's Linux and later ones: in build-wheel/dist/, alone there. The path is printed.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh wheel
venv=$PWD/.deps/venv/bin
librdkafka=$PWD/.deps/librdkafka-wheel-$(sed 's/.*+\(.*\)\.crate/\1/' tests/librdkafka/sources.sha256)
rm -rf build-wheel/made build-wheel/dist
mkdir -p build-wheel/made build-wheel/dist
log=build-wheel/log

# Of this tree's library, also where another one is installed.
PKG_CONFIG_PATH=$librdkafka/lib/pkgconfig CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) PATH=$venv:$PATH \
    "$venv/pip" wheel --disable-pip-version-check --no-build-isolation --no-deps --no-index \
    -w build-wheel/made --config-settings="build-dir=$PWD/build-wheel/cmake" \
    --config-settings=cmake.define.CMAKE_DISABLE_FIND_PACKAGE_arrakis=ON \
    --config-settings=cmake.define.ARRAKIS_FLIGHT=ON ./python >$log 2>&1 || { tail -n 40 $log; exit 1; }
LD_LIBRARY_PATH=$librdkafka/lib PATH=$venv:$PATH \
    "$venv/auditwheel" repair -w build-wheel/dist --strip build-wheel/made/*.whl >>$log 2>&1 ||
    { tail -n 40 $log; exit 1; }
"$venv/python" tools/wheel_licenses.py build-wheel/dist/*.whl "librdkafka=$librdkafka/LICENSES.txt"
echo build-wheel/dist/*.whl
