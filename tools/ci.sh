#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: ci.sh JOB... | all
# What is tested of each change, one job at a time, on this machine (Debian 12); .github/workflows/ci.yml
# runs the same jobs beside each other. Builds are in build-ci/. The last line has the job, how it ended and
# its seconds.
set -eu
cd "$(dirname "$0")/.."

declare -A jobs=(
    [gcc]="whole build with warnings as errors, and the tests that need no broker"
    [clang]="the same with clang"
    [no-flight]="the same without gRPC: a build that knows no servers"
    [static]="the same with a static library"
    [debian13]="the job gcc in a Debian 13 of its own (as root, by debootstrap)"
    [big-endian]="a build for a big-endian processor stops with the reason"
    [asan]="every test under ASan and UBSan: make test"
    [tsan]="unit tests under ThreadSanitizer, on a librdkafka that has it too: make tsan"
    [valgrind]="one program of each kind under memcheck: make valgrind"
    [python]="the package's tests of one wheel, on each Python from 3.10 to 3.14 (3.14 of Debian, as root)"
    [wheel]="that wheel in a Debian 12 without any of our packages (as root, by debootstrap): make wheel"
    [docs]="the site, without a warning: make docs"
    [style]="format, and the interface since the last tag: make format-check abi"
)
order="style gcc clang no-flight static big-endian debian13 docs wheel python valgrind tsan asan"

say() { echo "ci: $*"; }

# check DIRECTORY [CMAKE ARGUMENT...]: build all of it, and run the tests that need no broker
check() {
    local directory=build-ci/$1
    shift
    cmake -S . -B "$directory" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_COMPILE_WARNING_AS_ERROR=ON \
        -DARRAKIS_TESTS=ON -DARRAKIS_SKIP_IS_FAILURE="${CI:-OFF}" "$@" >/dev/null
    cmake --build "$directory" -j "$(nproc)"
    ctest --test-dir "$directory" -LE broker -j "$(nproc)" --output-on-failure
}

run_gcc() {
    tools/setup.sh unit
    check gcc -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++
}

run_clang() {
    tools/setup.sh unit clang
    check clang -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++
}

run_no-flight() {
    tools/setup.sh unit
    check no-flight -DARRAKIS_FLIGHT=OFF
}

run_static() {
    tools/setup.sh unit
    check static -DBUILD_SHARED_LIBS=OFF
}

run_big-endian() {
    tools/setup.sh build
    local log=build-ci/big-endian.log
    mkdir -p build-ci
    # What a compiler for such a processor defines.
    cmake -S . -B build-ci/big-endian -DARRAKIS_TESTS=OFF \
        -DCMAKE_C_FLAGS="-Wno-builtin-macro-redefined -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__" >/dev/null
    if cmake --build build-ci/big-endian -j "$(nproc)" --target arrakis >$log 2>&1; then
        say "the build did not stop"
        return 1
    fi
    grep -m 1 '#error .*little-endian' $log || { tail -n 20 $log; return 1; }
}

# debian SUITE DIRECTORY [PACKAGE]: make a Debian, which is kept for the next time; ARRAKIS_MIRROR says from where
# it comes
debian() {
    local suite=$1 root=$2 script=/usr/share/debootstrap/scripts/$1
    if [ "$(id -u)" != 0 ]; then
        say "a Debian of its own needs root, for a chroot"
        return 1
    fi
    tools/setup.sh debootstrap
    [ ! -e "$root/.complete" ] || return 0
    rm -rf "$root"
    mkdir -p "$root"
    [ -e "$script" ] || script=${script%/*}/sid # this Debian is older than that suite
    debootstrap --variant=minbase ${3+--include="$3"} "$suite" "$root" \
        "${ARRAKIS_MIRROR:-http://deb.debian.org/debian}" "$script" >"$root.log" 2>&1 ||
        { tail -n 20 "$root.log"; return 1; }
    touch "$root/.complete"
}

# inside ROOT [NAME=VALUE]... COMMAND...: run a command in that Debian, where /src is a copy of this tree. Mounts are in
# a name space that ends with the command.
inside() {
    local root=$1
    shift
    echo "127.0.0.1 localhost" >"$root/etc/hosts"
    rm -rf "$root/src"
    mkdir "$root/src"
    git ls-files -z | tar c --null -T - | tar x -C "$root/src"
    unshare --mount --pid --fork sh -c '
        root=$1 && shift &&
            mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/tmp" &&
            exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"' \
        - "$root" "$@"
}

# ARRAKIS_DEBIAN13 says where its root is.
run_debian13() {
    local root=${ARRAKIS_DEBIAN13:-/var/cache/arrakis/debian13}
    debian trixie "$root"
    cp /etc/resolv.conf "$root/etc/"
    inside "$root" CI="${CI-}" /src/tools/ci.sh gcc
    chroot "$root" sh -c '. /etc/os-release; echo "$PRETTY_NAME"; gcc --version | head -n 1
        echo "librdkafka $(pkg-config --modversion rdkafka)"'
}

# Python, venv and numpy are all that is there besides a minimal Debian; ARRAKIS_DEBIAN12 says where its root is.
run_wheel() {
    local root=${ARRAKIS_DEBIAN12:-/var/cache/arrakis/debian12} wheel
    debian bookworm "$root" python3-venv
    tools/setup.sh test
    wheel=$(tools/wheel.sh | tail -n 1)
    [ -f "$wheel" ]
    rm -rf "$root/numpy"
    .deps/venv/bin/pip download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --python-version 3.11 -d "$root/numpy" -r <(grep -A 9 '^numpy==' tests/pythons/3.11.lock | sed '1!{/^[^ ]/,$d}')
    ARRAKIS_WHEEL=$wheel ARRAKIS_CLEAN=$root .deps/venv/bin/pytest -q -p no:cacheprovider tests/wheel
}

# Every CPython of PATH, of pyenv and of uv that can make a venv, one of each minor version.
pythons() {
    local python version seen=" " uv
    uv=$(uv python dir 2>/dev/null) || uv=
    for python in /usr/bin/python3 python3.1{0,1,2,3,4} "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[0-9]*/bin/python \
        ${uv:+"$uv"/cpython-3.1[0-9].*/bin/python3}; do
        version=$("$python" -c 'if True:
            import sys, sysconfig, venv, ensurepip
            fits = sys.version_info >= (3, 10) and not sysconfig.get_config_var("Py_GIL_DISABLED")
            print("%d.%d" % sys.version_info[:2] * fits)' 2>/dev/null) || continue
        if [ -n "$version" ] && [[ $seen != *" $version "* ]]; then
            seen+="$version "
            echo "$version $python"
        fi
    done
}

# test_python VERSION PYTHON WHEEL: the package's tests, in a venv of their own
test_python() {
    local venv=build-ci/python/$1
    rm -rf "$venv"
    "$2" -m venv "$venv" &&
        "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: \
            -r "tests/pythons/$1.lock" &&
        "$venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-index "$3" || return 1
    ARRAKIS_PYTHON_PACKAGE=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))') \
        "$venv/bin/python" -m pytest -q -p no:cacheprovider python/tests
}

# test_in_forky WHEEL: the same on Python 3.14, which neither Debian 12 nor 13 has, in a Debian that has it; without a
# network there. ARRAKIS_FORKY says where its root is.
test_in_forky() {
    local root=${ARRAKIS_FORKY:-/var/cache/arrakis/forky}
    debian forky "$root" python3.14-venv || return 1
    rm -rf "$root/wheels"
    .deps/venv/bin/pip download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --python-version 3.14 -d "$root/wheels" -r tests/pythons/3.14.lock || return 1
    cp "$1" "$root/wheels/"
    inside "$root" PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels ARRAKIS_PYTHONS=3.14 ARRAKIS_WHEEL="/wheels/${1##*/}" \
        /src/tools/ci.sh python
}

# ARRAKIS_PYTHONS: the versions that have to be there. Whatever else is there, and has a lock, is tested as well.
# ARRAKIS_WHEEL: a wheel that is made already.
run_python() {
    local wanted=${ARRAKIS_PYTHONS:-3.10 3.11 3.12 3.13 3.14} found missing= forky= wheel version python status=0
    found=$(pythons)
    for version in $wanted; do
        if grep -q "^$version " <<<"$found"; then
            continue
        elif [ "$version" = 3.14 ] && [ "$(id -u)" = 0 ]; then
            forky=3.14
        else
            missing+=" $version"
        fi
    done
    if [ -n "$missing" ]; then
        say "there is no Python of version$missing with venv. Install it where PATH, pyenv or uv has it, as by" \
            "'uv python install$missing' (uv is on PyPI) or 'pyenv install$missing'; or test fewer:" \
            "ARRAKIS_PYTHONS=3.11 make ci JOB=python"
        return 1
    fi
    wheel=${ARRAKIS_WHEEL:-$(tools/wheel.sh | tail -n 1)}
    [ -f "$wheel" ]
    while read -r version python; do
        if [ ! -e "tests/pythons/$version.lock" ]; then
            say "Python $version: skipped, tests/pythons has no lock for it"
            continue
        fi
        say "Python $version ($python)"
        test_python "$version" "$python" "$wheel" || status=1
    done < <(grep . <<<"$found")
    [ -z "$forky" ] || test_in_forky "$wheel" || status=1
    say "tested on Python:" $(cut -d ' ' -f 1 <<<"$found") $forky
    return $status
}

run_asan() { tools/test.sh; }
run_tsan() { tools/tsan.sh "${TESTS:-^unit\.}"; }
run_valgrind() { tools/valgrind.sh; }
run_docs() { make --no-print-directory docs; }
run_style() {
    tools/setup.sh style abi
    tools/format.sh --check
    tools/abi.sh
}

usage() {
    local job
    echo "usage: tools/ci.sh JOB... | all"
    for job in $order; do
        printf '    %-12s %s\n' "$job" "${jobs[$job]}"
    done
}

# A job that fails does not keep the next one from running.
[ "${1-}" != all ] || set -- $order
if [ $# = 0 ] || [ "$1" = --help ]; then
    usage
    exit $(($# == 0 ? 2 : 0))
fi
for job; do
    [ -n "${jobs[$job]-}" ] || { usage >&2; exit 2; }
done
table=()
status=0
for job; do
    say "$job: ${jobs[$job]}"
    begun=$SECONDS outcome=passed
    set +e # in a condition nothing would end a job at its first failure
    (set -e; "run_$job")
    code=$?
    set -e
    [ $code = 0 ] || outcome=FAILED status=1
    table+=("$(printf '%-12s %s in %d s' "$job" $outcome $((SECONDS - begun)))")
done
printf 'ci: %s\n' "${table[@]}"
exit $status
