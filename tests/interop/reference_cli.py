# SPDX-License-Identifier: Apache-2.0
"""The reference's command line, each call in a process of its own: forked off one that has the
program loaded, which saves the second it takes to start."""

import os
import sys
import traceback

import oracle

oracle.CONTEXT.set_forkserver_preload(["oracle", "reference_cli", "arrakis.__main__"])


def _main(arguments, environment, paths):
    for fd, path in enumerate(paths):
        os.dup2(os.open(path, os.O_RDONLY if fd == 0 else os.O_WRONLY | os.O_CREAT, 0o600), fd)
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, name, open(paths[("stdin", "stdout", "stderr").index(name)],
                                "r" if name == "stdin" else "a"))  # fmt: skip
    os.environ.update(environment)
    from arrakis.__main__ import main

    sys.argv = ["arrakis", *arguments]
    # As the interpreter ends a program.
    code = 0
    try:
        main()
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
        if e.code is not None and not isinstance(e.code, int):
            print(e.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Call:
    """One call, under way until asked for its result."""

    def __init__(self, directory, arguments, environment, stdin=""):
        self._paths = [str(directory / name) for name in ("in", "out", "err")]
        (directory / "in").write_text(stdin)
        self._process = oracle.CONTEXT.Process(
            target=_main, args=(arguments, environment, self._paths), daemon=True
        )
        self._process.start()

    def result(self, timeout=60):
        """Returns (exit code, stdout, stderr)."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise AssertionError("the reference does not end")
        out, err = (open(p).read() for p in self._paths[1:])
        return self._process.exitcode, out, err
