#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: format.sh [--check]: clang-format over our C, or only say what it would change.
cd "$(dirname "$0")/.." || exit 1
files=$(git ls-files '*.c' '*.h' '*.cpp')
if [ "${1-}" = --check ]; then
    # shellcheck disable=SC2086
    exec clang-format --dry-run -Werror $files
fi
# shellcheck disable=SC2086
exec clang-format -i $files
