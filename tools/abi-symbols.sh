#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: abi-symbols.sh NM LIBRARY [NAME]: fails when the library exports a name that is not ours, or
# none, or (given NAME) any other than that one.
exported=$("$1" -D --defined-only "$2" | awk '{ print $NF }') || exit 1
foreign=$(echo "$exported" | grep -v -e '^arrakis_' -e '^__odr_asan')
if [ -n "$foreign" ]; then
    echo "$2 exports names that do not start with arrakis_:"
    echo "$foreign"
    exit 1
fi
if [ $# -gt 2 ] && [ "$(echo "$exported" | grep -v '^__odr_asan')" != "$3" ]; then
    echo "$2 exports more or less than $3:"
    echo "$exported"
    exit 1
fi
echo "$exported" | grep -c '^arrakis_' || { echo "$2 exports nothing"; exit 1; }
