# SPDX-License-Identifier: Apache-2.0
# The front door over CMake. Every target installs what it needs by itself, on Debian 12.
# `make help` prints the text after each target's ##, under the headings of the lines that begin with ##.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help all demo install clean test ci cluster cluster-long soak fuzz-differential tsan valgrind bench \
	abi abi-update docs dist wheel format format-check

## Build
all: ## the release build, in build/
	@tools/setup.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

demo: all ## a simulated detector, live, on a broker inside the program
	build/arrakis-cli demo

install: ## install the release build; PREFIX=/usr/local, DESTDIR=
	@tools/setup.sh build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build --preset release -j $(JOBS)
	@DESTDIR=$(DESTDIR) cmake --install build

wheel: ## the Python package with all libraries inside, in build-wheel/dist
	@tools/wheel.sh

clean: ## remove all build directories
	rm -rf build build-*

## Test
test: ## unit tests to three nodes, under ASan and UBSan; half an hour on two cores
	@tools/test.sh

ci: ## one job of what is tested of each change; JOB=clang; none: the list
	@tools/ci.sh $(or $(JOB),--help)

tsan: ## the tests under ThreadSanitizer; TESTS=REGEX: some of them
	@tools/tsan.sh $(if $(TESTS),'$(TESTS)')

valgrind: ## one program of each kind under memcheck
	@tools/valgrind.sh

# On a machine that does nothing else.
cluster cluster-long: ## three nodes that fail in ten ways, 5 or 30 min; SCENE=Freeze: one
	@tools/setup.sh test
	@cmake --preset asan -DARRAKIS_BROKER_TESTS=ON >/dev/null
	@cmake --build --preset asan -j $(JOBS)
	@ARRAKIS_CLUSTER_LONG=$(if $(filter %-long,$@),1) .deps/venv/bin/pytest -q -s tests/cluster $(if $(SCENE),-k $(SCENE))

soak: ## 50 minutes of recording and reading while nodes fail; MINUTES=5, SOAKFLAGS=
	@tools/soak.sh $(if $(MINUTES),--minutes $(MINUTES)) $(SOAKFLAGS)

fuzz-differential: ## a million mutated messages, read as pyarrow reads them; SEED=2: others
	@tools/setup.sh test
	@cmake --preset asan -DARRAKIS_BROKER_TESTS=ON >/dev/null
	@cmake --build --preset asan -j $(JOBS) --target rows_tool
	@.deps/venv/bin/python tests/interop/arrow_fuzz.py build-asan/tests/rows_tool --seed $(or $(SEED),1) --jobs $(JOBS)

bench: all ## every row of docs/performance.md; ROW=live: one, BENCHFLAGS=
	@tools/setup.sh test
	@bench/run $(if $(ROW),--row $(ROW)) $(BENCHFLAGS)

## Maintain
help: ## this list
	@awk -f tools/help.awk Makefile

abi: ## what changed for programs built before, since the last tag
	@tools/setup.sh abi
	@tools/abi.sh

abi-update: ## record the interface, which `make abi` needs while there is no tag
	@tools/setup.sh abi
	@tools/abi.sh --update

docs: ## the site, from headers, documents and manual page, in build-docs/html
	@tools/setup.sh docs
	@tools/docs.sh

dist: ## the source archive of a version, in build-dist/; SNAPSHOT=1: of any commit
	@tools/setup.sh build
	@tools/release.sh $(if $(SNAPSHOT),--snapshot)

format: ## clang-format over all C and C++
	@tools/setup.sh style
	@tools/format.sh

format-check: ## fail where `make format` would change something
	@tools/setup.sh style
	@tools/format.sh --check
