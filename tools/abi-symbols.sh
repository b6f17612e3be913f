#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: abi-symbols.sh NM LIBRARY --only NAME: fails when the library exports anything but NAME
#        abi-symbols.sh NM LIBRARY MAP HEADER...
# Fails when the library does not export just the symbols of the linker's version script MAP, each with its
# version, or when the HEADERs do not declare just those.
set -eu
export LC_ALL=C
nm=$1 library=$2
shift 2
# The version nodes themselves are absolute, and AddressSanitizer may add symbols of its own.
exported=$("$nm" -D --defined-only "$library" | awk '$2 != "A" && $NF !~ /^__odr_asan/ { print $NF }' | sort)
failed=0

# same WHAT-OF-THE-FIRST FIRST WHAT-OF-THE-SECOND SECOND
same() {
    local only
    only=$(comm -23 <(echo "$2") <(echo "$4"))
    [ -z "$only" ] || { echo "$1, but not $3:" $only; failed=1; }
    only=$(comm -13 <(echo "$2") <(echo "$4"))
    [ -z "$only" ] || { echo "$3, but not $1:" $only; failed=1; }
}

if [ "$1" = --only ]; then
    same "in $library" "$exported" "wanted" "$2"
    exit $failed
fi
map=$1
shift
listed=$(awk '/^[A-Z].* \{/ { node = $1 } /^ *arrakis_/ { sub(/;.*/, ""); print $1 "@@" node }' "$map" | sort)
declared=$(cat "$@" | tr '\n' ' ' | grep -oE 'ARRAKIS_API [^;({]*\barrakis_[a-z0-9_]+ *\(' |
    grep -oE 'arrakis_[a-z0-9_]+ *\($' | tr -d ' (' | sort -u)
same "in ${map##*/}" "$listed" "exported by ${library##*/}" "$exported"
same "in ${map##*/}" "$(echo "$listed" | sed 's/@.*//')" "declared in the headers" "$declared"
[ $failed = 0 ] || echo "A symbol that is meant to appear or to go is added to or taken from $map."
echo "$(echo "$listed" | wc -l) symbols"
exit $failed
