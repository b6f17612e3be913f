# SPDX-License-Identifier: Apache-2.0
"""libarrakis.compat: how seams are replaced and put back, each time in a process of its own, on a stand-in for `arrakis`."""

import os
import subprocess
import sys
import textwrap

import pytest
from conftest import PACKAGE

CLIENT = {
    "arrakis/__init__.py": "from .client import Client, helper\n",
    "arrakis/client.py": """
        from .kafka import Reader

        def helper(x):
            return ("theirs", x)

        class Client:
            def stream(self):
                return "theirs", Reader
    """,
    "arrakis/kafka.py": "class Reader: pass\n",
}

PRELUDE = """
import logging, os, sys, types
lines = []
class Handler(logging.Handler):
    def emit(self, record):
        lines.append((record.levelname, record.name, record.getMessage()))
logging.getLogger("arrakis").addHandler(Handler())
logging.getLogger("arrakis").setLevel("DEBUG")
import libarrakis
from libarrakis import compat
from libarrakis.compat import _frame, _seam

why = None
class Fake(_seam.Seam):
    def check(self):
        if isinstance(why, Exception):
            raise why
        return why
    def replacements(self):
        from arrakis import client, kafka
        class Reader: pass
        return [
            (client.Client, "stream", lambda self: "ours"),
            (client, "helper", lambda x: ("ours", x)),
            (kafka, "Reader", Reader),
        ]

fake = types.ModuleType("libarrakis.compat._fake")
fake.SEAM = Fake()
sys.modules[fake.__name__] = fake
_frame.SEAMS.clear()
_frame.SEAMS["fake"] = ("_fake", ("arrakis.client", "arrakis.kafka"), True)
"""


@pytest.fixture
def run(tmp_path):
    for name, text in CLIENT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))

    def run(*command, status=0, **environment):
        environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE}", **environment}
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, timeout=60,
            env={**os.environ, **environment},
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done

    run.path = tmp_path
    return run


@pytest.fixture
def script(run):
    return lambda text, **environment: run("-c", PRELUDE + textwrap.dedent(text), **environment)


def test_a_seam_is_replaced_when_its_module_is_imported_later(script):
    script("""
        compat.install()
        assert "arrakis" not in sys.modules and not lines
        assert compat.installed() == {"fake": "waits until arrakis.client and arrakis.kafka is imported"}
        import arrakis
        import arrakis.client
        assert arrakis.Client().stream() == "ours"
        assert arrakis.helper(1) == arrakis.client.helper(1) == ("ours", 1)
        assert arrakis.client.Reader is arrakis.kafka.Reader
        assert arrakis.client.Reader.__module__ == "__main__"
        names = "arrakis.client.Client.stream, arrakis.client.helper, arrakis.kafka.Reader"
        assert compat.installed() == {"fake": "replaced " + names}
        assert lines == [("INFO", "arrakis", f"libarrakis {libarrakis.__version__} replaces fake ({names})")]
        import inspect
        assert "theirs" in inspect.getsource(arrakis.client)
    """)


def test_a_seam_is_replaced_where_it_was_imported_before_and_put_back(script):
    script("""
        import arrakis
        from arrakis import helper
        theirs = helper, arrakis.Client.stream, arrakis.kafka.Reader
        compat.install(["fake"])
        compat.install("fake")
        assert helper(1) == arrakis.helper(1) == ("ours", 1)
        from arrakis import helper as later
        assert fake.SEAM.original(arrakis.client, "helper") is theirs[0]
        compat.uninstall()
        assert helper is later is arrakis.helper is theirs[0]
        assert fake.SEAM.original(arrakis.client, "helper") is theirs[0]
        assert (arrakis.Client.stream, arrakis.kafka.Reader) == theirs[1:]
        assert arrakis.client.Reader is theirs[2]
        assert compat.installed() == {}
        compat.install()
        assert helper(1) == ("ours", 1)
    """)


def test_what_somebody_else_has_replaced_since_stays(script):
    script("""
        compat.install()
        import arrakis.client
        arrakis.client.Client.stream = mine = lambda self: "mine"
        compat.uninstall()
        assert arrakis.client.Client.stream is mine
        assert arrakis.helper(1) == ("theirs", 1)
    """)


@pytest.mark.parametrize("why, told", [("'another version'", "another version"), ("OSError(5)", "OSError: 5")])
def test_a_seam_that_does_not_fit_is_left_alone(script, why, told):
    script(f"""
        why = {why}
        compat.install()
        import arrakis
        assert arrakis.helper(1) == ("theirs", 1)
        assert compat.installed() == {{"fake": "left alone: {told}"}}
        assert lines == [("WARNING", "arrakis", f"libarrakis {{libarrakis.__version__}} leaves alone fake: {told}")]
    """)


def test_a_seam_is_replaced_whole_or_not_at_all(script):
    script("""
        good = Fake.replacements
        Fake.replacements = lambda self: good(self) + [(arrakis, "missing", None)]
        import arrakis
        compat.install()
        assert "missing" in compat.installed()["fake"]
        assert arrakis.helper(1) == ("theirs", 1) and arrakis.Client().stream()[0] == "theirs"
    """)


def test_an_import_that_fails_can_be_tried_again(script, run):
    (run.path / "arrakis/kafka.py").write_text("import os\nif 'FAIL' in os.environ: 1 / 0\nclass Reader: pass\n")
    script("""
        compat.install()
        os.environ["FAIL"] = "1"
        try:
            import arrakis
        except ZeroDivisionError:
            pass
        del os.environ["FAIL"]
        import arrakis
        assert arrakis.helper(1) == ("ours", 1) and len(lines) == 1
    """)


def test_a_fingerprint_is_that_of_what_counts(script):
    script("""
        import importlib, pathlib
        import arrakis.client
        path = pathlib.Path(arrakis.client.__file__)
        helper = lambda: importlib.reload(arrakis.client).helper
        before = _seam.fingerprint(arrakis.client.helper)
        assert _seam.differs([(arrakis.client.helper, [before])]) is None
        text = path.read_text()
        path.write_text(text.replace("    return (", "    # as before\\n\\n    return  (".replace("  (", " (")))
        import linecache; linecache.clearcache()
        assert _seam.fingerprint(helper()) == before
        path.write_text(text.replace('"theirs", x', '"theirs", x + 1'))
        linecache.clearcache()
        why = _seam.differs([(helper(), [before])])
        assert why.startswith("arrakis.client.helper is another than expected ("), why
        assert "cannot be read" in _seam.differs([(len, [before])])
    """)


def test_the_environment_chooses(script):
    def chosen(value):
        # Not as an environment of the process: where the package is installed, its start would have installed them.
        return script(
            f"os.environ['LIBARRAKIS_COMPAT'] = {value!r}\n"
            "_frame.SEAMS['other'] = ('_fake', ('arrakis.client',), False)\n"
            "compat.install(); print(sorted(compat.installed()))"
        ).stdout

    assert chosen("") == "['fake']\n"
    assert chosen("1") == "['fake']\n"
    assert chosen("0") == "[]\n"
    assert chosen("other") == "['other']\n"
    assert chosen("other,fake") == "['fake', 'other']\n"
    assert "'none' is not a seam: expected one of fake" in script(
        "try: compat.install('none')\nexcept ValueError as e: print(e)\n"
    ).stdout


# As site.py does for each .pth file when Python starts.
START = f"import site, sys; site.addsitedir({str(PACKAGE)!r}); "


def test_without_the_variable_the_start_of_python_imports_nothing(run):
    check = START + "print('libarrakis' in sys.modules, any('compat' in repr(f) for f in sys.meta_path))"
    assert run("-c", check, PYTHONPATH="", LIBARRAKIS_COMPAT="").stdout == "False False\n"
    assert run("-c", check, PYTHONPATH="", LIBARRAKIS_COMPAT="0").stdout == "False False\n"


def test_with_the_variable_the_start_of_python_imports_neither_the_client_nor_numpy(run):
    check = START + "print([m for m in ('libarrakis', 'arrakis', 'numpy', 'pyarrow', 'logging') if m in sys.modules])"
    assert run("-c", check, LIBARRAKIS_COMPAT="1").stdout == "['libarrakis']\n"


PROGRAM = "import sys; from libarrakis import compat; print(__name__, sys.argv[1:], sys.path[0], compat._frame._Finder.one in sys.meta_path)\n"


def test_a_program_runs_with_its_arguments(run):
    (run.path / "sub").mkdir()
    (run.path / "sub/program.py").write_text(PROGRAM)
    (run.path / "module.py").write_text(PROGRAM)
    path = str(run.path / "sub/program.py")
    assert run("-m", "libarrakis.compat", path, "a", "-b").stdout.startswith(
        f"__main__ ['a', '-b'] {run.path / 'sub'}"
    )
    assert run("-m", "libarrakis.compat", "-m", "module", "a").stdout.startswith("__main__ ['a'] ")
    done = run("-m", "libarrakis.compat", "no-such-program", status=2)
    assert "'no-such-program' is neither a file nor a console script" in done.stderr
    assert "usage: " in run("-m", "libarrakis.compat", "--help").stdout
    assert "usage: " in run("-m", "libarrakis.compat", status=2).stderr
    done = run("-m", "libarrakis.compat", path, status=2, LIBARRAKIS_COMPAT="none")
    assert "LIBARRAKIS_COMPAT: 'none' is not a seam" in done.stderr


def test_a_console_script_runs(run):
    (run.path / "tool.py").write_text(PROGRAM + "def main():\n    print(sys.argv)\n    return 3\n")
    info = run.path / "tool-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: tool\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nmy-tool = tool:main\n")
    done = run("-m", "libarrakis.compat", "my-tool", "a", status=3)
    assert done.stdout.splitlines()[1:] == ["['my-tool', 'a']"]
