#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: version.test.sh BUILD_DIRECTORY
# The version is written once, in the header; whatever repeats it agrees. What is installed and what the
# program prints: install.consumer, cli.help.
build=$1
. "$(dirname "$0")/../cli/helpers.sh" none
root=$here/../..
header=$root/include/arrakis/arrakis.h

part() { sed -n "s/^#define ARRAKIS_VERSION_$1 \([0-9]*\)$/\1/p" "$header"; }
version=$(sed -n 's/^#define ARRAKIS_VERSION "\(.*\)"$/\1/p' "$header")
minor=$(part MAJOR).$(part MINOR)
[ "$version" = "$minor.$(part PATCH)" ] || complain "ARRAKIS_VERSION is $version, its parts $minor.$(part PATCH)"

# agrees FILE FOUND EXPECTED
agrees() {
    [ "$2" = "$3" ] || complain "$1 has '$2', expected '$3'"
}
agrees CMakeCache.txt "$(sed -n 's/^CMAKE_PROJECT_VERSION:.*=//p' "$build/CMakeCache.txt")" "$version"
agrees arrakis.pc "$(sed -n 's/^Version: //p' "$build/arrakis.pc")" "$version"
agrees pyproject.toml "$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/python/pyproject.toml")" "$version"
agrees CHANGELOG.md "$(sed -n '/^## /{s/^## \([^ ]*\) .*/\1/p;q}' "$root/CHANGELOG.md")" "$version"
agrees "the first node of libarrakis.map" "$(sed -n '/^ARRAKIS_/{s/ {//p;q}' "$root/src/libarrakis.map")" \
    "ARRAKIS_$minor"
agrees libarrakis.xml "$(sed -n "s/.* soname='\([^']*\)'.*/\1/p" "$root/tests/abi/libarrakis.xml")" \
    "libarrakis.so.$minor"

finish
