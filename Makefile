# SPDX-License-Identifier: Apache-2.0
# The front door over CMake. `make demo` and `make test` do all set-up themselves.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all demo test bench install format format-check clean

all:
	@tools/setup.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

demo: all
	build/arrakis-cli demo

test:
	@tools/test.sh

bench: all
	@tools/setup.sh test
	@bench/run $(if $(ROW),--row $(ROW)) $(BENCHFLAGS)

install:
	@tools/setup.sh build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@DESTDIR=$(DESTDIR) cmake --install build

format:
	@tools/format.sh

format-check:
	@tools/format.sh --check

clean:
	rm -rf build build-*
