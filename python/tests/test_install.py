# SPDX-License-Identifier: Apache-2.0
"""`pip install ./python`, against an installed library, as pip does it; and what is in the package."""

import ast
import inspect
import os
import pydoc
import subprocess
import sys

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


def test_the_module_uses_the_limited_api_alone():
    # What the macros of the limited API use is in the stable ABI; no other private name is.
    symbols = run("nm", "-D", "--undefined-only", PACKAGE / "libarrakis/_core.abi3.so").split()
    private = [s for s in symbols if s.startswith("_Py") and s != "_Py_Dealloc"]
    assert [s for s in private if not s.endswith(("_SizeT", "Struct"))] == []
    exported = run("nm", "-D", "--defined-only", PACKAGE / "libarrakis/_core.abi3.so").split()
    assert [s for s in exported if "Init" in s or "pyark" in s] == ["PyInit__core"]


def test_stubs_have_what_the_package_has():
    stub = ast.parse((ROOT / "python/libarrakis/_core.pyi").read_text())
    named = {n.name: n for n in stub.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    del named["_Channel"]  # a protocol
    public = {n for n in vars(libarrakis._core) if not n.startswith("_")}
    assert set(named) == public
    for name, node in named.items():
        if not isinstance(node, ast.ClassDef) or name.endswith("Error"):
            continue
        members = {
            m.name if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef)) else m.target.id
            for m in node.body
            if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign))
        }
        cls = getattr(libarrakis._core, name)
        has = {m for m in vars(cls) if not m.startswith(("_", "n_"))}
        assert {m for m in members if not m.startswith("_")} == has, name


@pytest.mark.parametrize("name", libarrakis.__all__)
def test_everything_public_is_documented(name):
    thing = getattr(libarrakis, name)
    assert inspect.getdoc(thing)
    assert len(pydoc.plain(pydoc.render_doc(thing))) > 80
    if inspect.isclass(thing) and not issubclass(thing, (BaseException, tuple)):
        for member, value in vars(thing).items():
            assert member.startswith("_") or inspect.getdoc(value), member
