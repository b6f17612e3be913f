#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: consumer.test.sh CMAKE BUILD_DIRECTORY CC CXX [CFLAGS]
# Install into an empty prefix, move it, and build against it by find_package and by pkg-config.
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4 flags=${5-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix"
libdir=$(dirname "$(find "$work/prefix" -name pkgconfig)")
export LD_LIBRARY_PATH=$libdir

"$cmake" -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" >"$work/log" 2>&1 &&
    "$cmake" --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/consumer_c"
"$work/build/consumer_cxx"

export PKG_CONFIG_PATH=$libdir/pkgconfig
# shellcheck disable=SC2046,SC2086
"$cc" $flags -o "$work/c" "$here/consumer.c" $(pkg-config --cflags --libs arrakis)
# shellcheck disable=SC2046,SC2086
"$cxx" $flags -o "$work/cxx" "$here/consumer.cpp" $(pkg-config --cflags --libs arrakis)
"$work/c"
"$work/cxx"
[ "$(pkg-config --modversion arrakis)" = "$("$work/c" | cut -d' ' -f1)" ]

# The installed program finds the library next to it.
unset LD_LIBRARY_PATH
if [ -x "$work/prefix/bin/arrakis-cli" ]; then
    "$work/prefix/bin/arrakis-cli" --version
fi

# And that the module for servers is used: the error is that of a connection, as no server listens.
if ls "$libdir"/libarrakis-grpc.so.* >"$work/log" 2>&1; then
    "$work/prefix/bin/arrakis-cli" --url 127.0.0.1:1 count >"$work/log" 2>&1 && exit 1
    grep -q "^arrakis-cli: grpc://127.0.0.1:1: " "$work/log" || { cat "$work/log"; exit 1; }
fi
