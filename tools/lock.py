#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/lock.py

Renew the checksums of what the tests download, after a change of tests/requirements.txt, of
tests/broker/pom.xml or of a version in tests/librdkafka/ or in the name that sources.sha256 there has:

    tests/requirements.lock     all packages that tests/requirements.txt needs, each with its wheels
    tests/pythons/*.lock        what the Python package's tests need on the Python of that name
    tests/librdkafka/*.lock     the wheel of confluent-kafka that holds the librdkafka of that name
    tests/librdkafka/sources.sha256    the crate that carries librdkafka's sources, for `make tsan` and `make wheel`
    tests/broker/jars.sha256    the jars of tests/broker/pom.xml

tools/setup.sh takes nothing else. It is a matter of the one who runs this, and reads the difference,
whether to trust what the registries give today. Needs .deps/venv, Maven and cargo.
"""

import json
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
# Debian 12's and Debian 13's
PYTHONS = ("3.11", "3.13")
MACHINES = ("x86_64", "aarch64")
ON_EACH_PYTHON = (
    "numpy", "pytest", "pyarrow", "nanoarrow",
    "exceptiongroup", "tomli", "typing_extensions",  # what pytest needs on 3.10
)  # fmt: skip
# the C libraries of both, as wheels name them
PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


def resolve(requirements, python, machine, *options):
    """{(name, version): hash of the wheel} of what pip would install there."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report"
        subprocess.run(
            [ROOT / ".deps/venv/bin/pip", "install", "-q", "--dry-run", "--ignore-installed",
             "--only-binary", ":all:", "--implementation", "cp", "--python-version", python,
             *(f"--platform={p}_{machine}" for p in PLATFORMS), "--target", directory,
             "--report", report, *options, *requirements],
            check=True,
        )  # fmt: skip
        found = json.loads(report.read_text())["install"]
    return {
        (p["metadata"]["name"].lower(), p["metadata"]["version"]):
        p["download_info"]["archive_info"]["hash"].replace("=", ":", 1)
        for p in found
    }  # fmt: skip


def lock(path, head, requirements, pythons, *options):
    wheels = {}
    for python in pythons:
        for machine in MACHINES:
            for package, checksum in resolve(requirements, python, machine, *options).items():
                wheels.setdefault(package, set()).add(checksum)
    lines = [f"# {line}" for line in (*head, "Made by tools/lock.py; not to be changed by hand.")]
    for (name, version), checksums in sorted(wheels.items()):
        lines.append(" \\\n    --hash=".join([f"{name}=={version}", *sorted(checksums)]))
    path.write_text("\n".join(lines) + "\n")


def jars():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["mvn", "-q", "-B", "-C", "-f", TESTS / "broker/pom.xml",
             "dependency:copy-dependencies", f"-DoutputDirectory={directory}"],
            check=True,
        )  # fmt: skip
        names = sorted(path.name for path in Path(directory).glob("*.jar"))
        sums = subprocess.run(["sha256sum", *names], cwd=directory, check=True, capture_output=True)
    (TESTS / "broker/jars.sha256").write_bytes(sums.stdout)


def crate():
    path = TESTS / "librdkafka/sources.sha256"
    name = path.read_text().split()[1]
    package, version = name.removesuffix(".crate").rsplit("-", 1)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "Cargo.toml").write_text(
            '[package]\nname = "sources"\nversion = "0.0.0"\n[lib]\npath = "none.rs"\n'
            f'[dependencies]\n{package} = "={version.split("+")[0]}"\n'
        )
        subprocess.run(["cargo", "generate-lockfile", "-q"], cwd=directory, check=True)
        packages = tomllib.loads((Path(directory) / "Cargo.lock").read_text())["package"]
    checksum = next(p["checksum"] for p in packages if p["name"] == package)
    path.write_text(f"{checksum}  {name}\n")


def main():
    lock(TESTS / "requirements.lock", ["What tests/requirements.txt needs."],
         ["-r", TESTS / "requirements.txt"], PYTHONS)  # fmt: skip
    for path in sorted((TESTS / "librdkafka").glob("*.lock")):
        # The library in it is the same for every Python: that of the first is taken.
        wanted = next(line.split()[0] for line in path.read_text().splitlines() if line[0] != "#")
        lock(path, [f"librdkafka {path.stem} is in this wheel."], [wanted], PYTHONS[:1], "--no-deps")
    for path in sorted((TESTS / "pythons").glob("*.lock")):
        lock(path, [f"What the package's tests need on Python {path.stem}."], ON_EACH_PYTHON, [path.stem])
    crate()
    jars()


if __name__ == "__main__":
    main()
