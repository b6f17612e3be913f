#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tools/wheel_licenses.py WHEEL [LIBRARY=FILE]...

Put into WHEEL, under dist-info/licenses, the licenses of the package and of each library that auditwheel
has put into it: what Debian's package of the library has, or FILE for a library that is not Debian's; and
NOTICE, which lists them. A library whose license is not found is an error.
"""

import re
import subprocess
import sys
from pathlib import Path

from auditwheel.wheeltools import InWheelCtx

ROOT = Path(__file__).resolve().parents[1]
COMMON = Path("/usr/share/common-licenses")
HEAD = """The file LICENSE is the license of this package, Apache-2.0. The package has these libraries inside,
each with the license in the file named beside it:

"""


def ask_dpkg(*arguments):
    return subprocess.run(
        ["dpkg-query", *arguments], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def owners(names):
    """{library: (Debian's package, its version)}; a library that no package has is an error."""
    found = {}
    for line in ask_dpkg("-S", *(f"*/{name}" for name in names)):
        package, path = line.split(": ")
        found[path.rsplit("/", 1)[1]] = package
    lines = ask_dpkg("-W", "-f=${binary:Package} ${Version}\n", *set(found.values()))
    versions = dict(line.split() for line in lines)
    return {name: (found[name].split(":")[0], versions[found[name]]) for name in names}


def main():
    wheel = Path(sys.argv[1]).resolve()
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    given = {name: Path(path).resolve() for name, path in given.items()}
    with InWheelCtx(wheel, wheel) as inside:
        licenses = next(inside.path.glob("*.dist-info")) / "licenses"

        def add(name, text):
            path = licenses / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        add("LICENSE", (ROOT / "LICENSE").read_text())
        # auditwheel has put a checksum into each name: libssl-3e69114b.so.3
        libraries = sorted(
            re.sub(r"-[0-9a-f]{8}(\.so)", r"\1", path.name)
            for path in (inside.path / "libarrakis.libs").iterdir()
        )
        lines = []
        for library in [name for name in libraries if name.split(".so")[0] in given]:
            name = library.split(".so")[0]
            add(f"{name}/{given[name].name}", given[name].read_text())
            lines.append(f"{library}: {name}/{given[name].name}\n")
            libraries.remove(library)
        for library, (package, version) in owners(libraries).items():
            text = Path(f"/usr/share/doc/{package}/copyright").read_text()
            add(f"{package}/copyright", text)
            for common in set(re.findall(rf"{COMMON}/([A-Za-z0-9.-]*[A-Za-z0-9])", text)):
                add(f"common-licenses/{common}", (COMMON / common).read_text())
            lines.append(f"{library} (Debian's {package} {version}): {package}/copyright\n")
        add("NOTICE", HEAD + "".join(lines))


if __name__ == "__main__":
    main()
