# SPDX-License-Identifier: Apache-2.0
# The front door over CMake. `make demo`, `make test`, `make tsan` and `make valgrind` do all set-up themselves.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all demo test soak cluster cluster-long tsan valgrind fuzz-differential bench install format format-check clean

all:
	@tools/setup.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

demo: all
	build/arrakis-cli demo

test:
	@tools/test.sh

# MINUTES=5: shorter; PRESET=asan: under the sanitizers; SOAKFLAGS: tests/soak/soak.py --help
soak:
	@tools/soak.sh $(if $(MINUTES),--minutes $(MINUTES)) $(SOAKFLAGS)

# Three nodes that fail in ten ways, five minutes on a machine that does nothing else; cluster-long: for as long
# as real ones do, half an hour. SCENE=Freeze: one of tests/cluster/scenes.py.
cluster cluster-long:
	@tools/setup.sh test
	@cmake --preset asan -DARRAKIS_BROKER_TESTS=ON >/dev/null
	@cmake --build --preset asan -j $(JOBS)
	@ARRAKIS_CLUSTER_LONG=$(if $(filter %-long,$@),1) .deps/venv/bin/pytest -q -s tests/cluster $(if $(SCENE),-k $(SCENE))

# The tests under ThreadSanitizer, on a librdkafka built with it. TESTS=REGEX: some of them.
tsan:
	@tools/tsan.sh $(if $(TESTS),'$(TESTS)')

# One of each kind of program under valgrind's memcheck.
valgrind:
	@tools/valgrind.sh

# A million mutated messages as pyarrow reads them. SEED=N: others.
fuzz-differential:
	@tools/setup.sh test
	@cmake --preset asan -DARRAKIS_BROKER_TESTS=ON >/dev/null
	@cmake --build --preset asan -j $(JOBS) --target rows_tool
	@.deps/venv/bin/python tests/interop/arrow_fuzz.py build-asan/tests/rows_tool --seed $(or $(SEED),1) --jobs $(JOBS)

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
