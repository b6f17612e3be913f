#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: hardening.sh READELF [--optimized] FILE...
# Fails when a library or program looks for libraries in the working directory, or has a stack that can
# be executed; with --optimized also when it lacks what cmake/ArrakisHardening.cmake adds.
readelf=$1
shift
optimized=
[ "$1" = --optimized ] && optimized=yes && shift
failed=0
lacks() {
    echo "$file: $1"
    failed=1
}
for file; do
    head=$("$readelf" -hlW "$file") && dynamic=$("$readelf" -dW "$file") &&
        symbols=$("$readelf" --dyn-syms -W "$file") || exit 1
    for path in $(echo "$dynamic" | sed -n 's/.*R\(UN\)\{0,1\}PATH).*\[\(.*\)\]/\2/p'); do
        case ":$path:" in
        *::* | *:[!/$]*) lacks "RUNPATH $path has an entry that is not absolute" ;;
        esac
    done
    echo "$head" | grep -q 'GNU_STACK.* RW ' || lacks "a stack that can be executed"
    echo "$head" | grep -q 'Type: *DYN' || lacks "not position-independent"
    echo "$dynamic" | grep -q TEXTREL && lacks "text relocations"
    [ $optimized ] || continue
    echo "$head" | grep -q GNU_RELRO || lacks "no RELRO"
    echo "$dynamic" | grep -qE 'BIND_NOW|FLAGS.*NOW' || lacks "not bound at the start (-z now)"
    echo "$symbols" | grep -q __stack_chk_fail || lacks "no -fstack-protector-strong"
    echo "$symbols" | grep -qE '__[a-z]+_chk@' || lacks "no _FORTIFY_SOURCE"
done
exit $failed
