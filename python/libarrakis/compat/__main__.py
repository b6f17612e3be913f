# SPDX-License-Identifier: Apache-2.0
"""python -m libarrakis.compat PROGRAM ARGUMENTS: runs a program of the Arrakis client for Python on the library."""

import os
import runpy
import shutil
import sys

from ._frame import VARIABLE, install

USAGE = """\
usage: python -m libarrakis.compat PROGRAM ARGUMENTS
       python -m libarrakis.compat -m MODULE ARGUMENTS

Run a program that uses the Arrakis client for Python with the library libarrakis under it.

PROGRAM    a console script of an installed package, such as arrakis; or a Python file
MODULE     a module, as for python -m

Environment:
LIBARRAKIS_COMPAT   which seams are replaced, such as stream,encode; 1: all (default); 0: none.
                    Set to 1 for the program where it is not set.
LIBARRAKIS_FETCH_WAIT   how many seconds live data that arrakis-server relays may lie at the brokers, 0 (default) to 5."""


def _run_file(path):
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    runpy.run_path(path, run_name="__main__")


def _entry_point(name):
    from importlib.metadata import entry_points

    return next(iter(entry_points(group="console_scripts", name=name)), None)


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    os.environ.setdefault(VARIABLE, "1")
    try:
        install()
    except ValueError as error:
        print(f"libarrakis.compat: {VARIABLE}: {error}", file=sys.stderr)
        return 2
    if arguments[0] == "-m" and len(arguments) > 1:
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    sys.argv = arguments
    program = arguments[0]
    if os.path.isfile(program):
        return _run_file(program)
    point = _entry_point(program)
    if point is not None:
        return point.load()()
    found = shutil.which(program)
    if found is None:
        print(f"libarrakis.compat: {program!r} is neither a file nor a console script", file=sys.stderr)
        return 2
    return _run_file(found)


if __name__ == "__main__":
    sys.exit(main())
