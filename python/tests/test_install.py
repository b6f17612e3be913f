# SPDX-License-Identifier: Apache-2.0
"""`pip install ./python`, against an installed library, as pip does it; and what is in the package."""

import ast
import importlib
import inspect
import os
import pydoc
import shutil
import subprocess
import sys
import sysconfig

import pytest
from conftest import PACKAGE, ROOT

import libarrakis

SCRIPT = """
import libarrakis, numpy, pathlib
from libarrakis.mock import MockBroker
package = pathlib.Path(libarrakis.__file__).parent
assert str(package).startswith({target!r}), package
c = libarrakis.Channel("H1:A-B", "float32", 16, publisher="P", partition_id="p", partition_index=0, stride=62_500_000)
with MockBroker() as broker:
    broker.announce([c])
    assert libarrakis.find(kafka_url=broker.url) == [c]
assert libarrakis.Block(0, {{c.name: [1]}}, [c])[c.name].tolist() == [1]
print(sorted(path.name for path in package.iterdir() if path.is_file()))
"""


def run(*command, **environment):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


REFUSED = "libarrakis does not support free-threaded Python: use a build of Python with the GIL"


@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("cc")), reason="needs CMake and a compiler")
def test_a_free_threaded_python_is_refused_before_anything_is_built(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sysconfig\nsysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1\n")
    done = subprocess.run(
        ["cmake", "-S", ROOT / "python", "-B", tmp_path / "build", f"-DPython_EXECUTABLE={sys.executable}"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    assert REFUSED in " ".join(done.stderr.split())
    assert not (tmp_path / "build" / "arrakis").exists()  # where the library would be configured


def test_a_free_threaded_python_is_refused_when_the_module_is_compiled():
    headers = sysconfig.get_path("include")
    compiler = shutil.which("cc")
    if not compiler or not os.path.exists(f"{headers}/Python.h"):
        pytest.skip("needs a compiler and Python's headers")
    done = subprocess.run(
        [compiler, "-fsyntax-only", "-DPy_GIL_DISABLED", f"-I{headers}", f"-I{ROOT / 'include'}",
         ROOT / "python" / "src" / "binding.h"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert REFUSED in done.stderr


@pytest.mark.skipif(not (PACKAGE.parent / "cmake_install.cmake").exists(), reason="not of a build directory")
def test_pip_builds_the_package_against_an_installed_library(tmp_path):
    pytest.importorskip("scikit_build_core")
    prefix, target = tmp_path / "prefix", tmp_path / "target"
    run("cmake", "--install", PACKAGE.parent, "--prefix", prefix)
    run(
        sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--no-index",
        "--disable-pip-version-check", "--target", target, ROOT / "python",
        CMAKE_PREFIX_PATH=str(prefix), CMAKE_ARGS="-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
        SKBUILD_CMAKE_BUILD_TYPE="Debug", CMAKE_BUILD_PARALLEL_LEVEL=str(os.cpu_count()),
    )  # fmt: skip
    files = run(sys.executable, "-c", SCRIPT.format(target=str(target)), PYTHONPATH=str(target))
    wanted = {p.name for p in (ROOT / "python/libarrakis").iterdir() if p.is_file()} | {"_core.abi3.so"}
    assert set(eval(files)) == wanted
    (metadata,) = target.glob("libarrakis-*.dist-info")
    assert f"libarrakis-{libarrakis.version()}.dist-info" == metadata.name
    assert "Tag: cp310-abi3-" in (metadata / "WHEEL").read_text()


@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
def test_the_module_uses_the_limited_api_alone():
    # What the macros of the limited API use is in the stable ABI; no other private name is.
    symbols = run("nm", "-D", "--undefined-only", PACKAGE / "libarrakis/_core.abi3.so").split()
    private = [s for s in symbols if s.startswith("_Py") and s != "_Py_Dealloc"]
    assert [s for s in private if not s.endswith(("_SizeT", "Struct"))] == []
    exported = run("nm", "-D", "--defined-only", PACKAGE / "libarrakis/_core.abi3.so").split()
    assert [s for s in exported if "Init" in s or "pyark" in s] == ["PyInit__core"]


def stub_of(module):
    directory = ROOT / "python" / module.replace(".", "/")
    return ast.parse((directory / "__init__.pyi" if directory.is_dir() else directory.with_suffix(".pyi")).read_text())


def named(nodes):
    """What is made there, the last of several functions of one name."""
    return {n.name: n for n in nodes if isinstance(n, (ast.ClassDef, ast.FunctionDef))}


def is_attribute(node):
    return isinstance(node, ast.FunctionDef) and any(getattr(d, "id", "") == "property" for d in node.decorator_list)


def arguments(node, bound):
    """Names and kinds of a function's arguments in a stub, as inspect has them."""
    kinds = inspect.Parameter
    a = node.args
    assert node.returns, node.name
    listed = [(x, kinds.POSITIONAL_ONLY) for x in a.posonlyargs] + [(x, kinds.POSITIONAL_OR_KEYWORD) for x in a.args]
    listed = listed[bound:] + [(x, kinds.KEYWORD_ONLY) for x in a.kwonlyargs]
    assert all(x.annotation for x, _ in listed), node.name
    return [(x.arg, kind) for x, kind in listed]


def signature(thing):
    return [(p.name, p.kind) for p in inspect.signature(thing).parameters.values()]


def check_signature(node, thing, bound=0, self=0):
    wanted = signature(thing)[self:]
    if wanted and wanted[-1][1] == inspect.Parameter.VAR_KEYWORD:  # **source is spelt out: it goes to Client
        source = [(name, inspect.Parameter.KEYWORD_ONLY) for name, _ in signature(libarrakis.Client)]
        wanted = wanted[:-1] + source
    assert arguments(node, bound) == wanted, node.name


def check_class(node, cls):
    members = named(node.body)
    attributes = {m for m in members if is_attribute(members[m])}
    attributes |= {m.target.id for m in node.body if isinstance(m, ast.AnnAssign)}
    has = {m for m in vars(cls) if not m.startswith(("_", "n_"))}  # n_fields of what is a tuple
    assert {m for m in [*members, *attributes] if not m.startswith("_")} >= has, node.name
    for made in ("__new__", "__init__"):
        if made in members:
            check_signature(members[made], cls, bound=1)
    for name in has - attributes:
        method = int(not isinstance(inspect.getattr_static(cls, name), staticmethod))
        check_signature(members[name], getattr(cls, name), bound=method, self=method)


@pytest.mark.parametrize("module", ["libarrakis", "libarrakis._core", "libarrakis.compat", "libarrakis.kafka", "libarrakis.mock"])
def test_stubs_have_what_the_package_has(module):
    """Without them, whoever checks types strictly cannot call what has none."""
    there = importlib.import_module(module)
    stub = stub_of(module)
    nodes = {name: node for name, node in named(stub.body).items() if not name.startswith("_")}
    if module == "libarrakis._core":
        assert set(nodes) == {name for name in vars(there) if not name.startswith("_")}
    else:
        (listed,) = [ast.literal_eval(n.value) for n in stub.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"]
        imported = {alias.name for n in stub.body if isinstance(n, ast.ImportFrom) for alias in n.names}
        assert listed == there.__all__ and set(listed) <= {*nodes, *imported}
    for name, node in nodes.items():
        thing = getattr(there, name)
        if isinstance(node, ast.FunctionDef):
            check_signature(node, thing)
        elif not issubclass(thing, BaseException):
            check_class(node, thing)
            final = any(getattr(d, "id", "") == "final" for d in node.decorator_list)
            assert final == (not thing.__flags__ & 1 << 10), name  # Py_TPFLAGS_BASETYPE


@pytest.mark.parametrize("name", ["find", "count", "describe", "stream", "fetch"])
def test_a_function_takes_what_the_method_of_a_client_takes(name):
    def taken(thing):
        return {p.name: p.default for p in inspect.signature(thing).parameters.values()}

    function, method = taken(getattr(libarrakis, name)), taken(getattr(libarrakis.Client, name))
    del function["source"], method["self"]
    assert function == method


PROGRAM = """
import asyncio
from pathlib import Path
import libarrakis
import libarrakis.compat
from libarrakis.kafka import KafkaReader
from libarrakis.mock import MockBroker

def last(block: libarrakis.Block, name: str) -> float:
    return float(block[name][-1])

async def first(stream: libarrakis.Stream) -> int:
    async for block in stream:
        return block.time_ns
    raise ValueError

libarrakis.compat.install(["stream"])
with MockBroker() as broker:
    channel = libarrakis.Channel("H1:A-B", "float32", 16, publisher="P", partition_id="p", partition_index=0)
    broker.announce([channel])
    found = libarrakis.find("H1:", kafka_url=broker.url)
    with libarrakis.stream(found, "now-90s", duration=1.5, on_gap="skip", kafka_url=broker.url) as stream:
        print([last(block, "H1:A-B") for block in stream], stream.stats.changes)
    print(asyncio.run(first(libarrakis.stream(["H1:A-B"], metadata=Path("channels"), follow=True))))
    print(libarrakis.fetch(["H1:A-B"], 1400000000, duration=1, follow=True, kafka_url=broker.url).duration_ns)
    KafkaReader(broker.url, {channel.name: channel}).close()
"""


def test_a_program_that_uses_the_stubs_passes_mypy(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(PROGRAM)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    run(*mypy, tmp_path / "program.py", MYPYPATH=str(ROOT / "python"))  # and what is wrong in the stubs
    (tmp_path / "wrong.py").write_text("import libarrakis\nlibarrakis.fetch(1.5, on_gap='skip')\n")
    done = subprocess.run(
        [*map(str, mypy), str(tmp_path / "wrong.py")], capture_output=True, text=True,
        env={**os.environ, "MYPYPATH": str(ROOT / "python")},
    )  # fmt: skip
    assert done.returncode == 1 and done.stdout.count("[arg-type]") == 2, done.stdout + done.stderr


@pytest.mark.parametrize("name", libarrakis.__all__)
def test_everything_public_is_documented(name):
    thing = getattr(libarrakis, name)
    assert inspect.getdoc(thing)
    assert len(pydoc.plain(pydoc.render_doc(thing))) > 80
    if inspect.isclass(thing) and not issubclass(thing, (BaseException, tuple)):
        for member, value in vars(thing).items():
            assert member.startswith("_") or inspect.getdoc(value), member
