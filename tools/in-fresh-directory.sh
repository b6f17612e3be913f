#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run a command in a directory that exists only for it.
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
cd "$directory" && "$@"
