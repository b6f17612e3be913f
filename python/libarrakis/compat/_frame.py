# SPDX-License-Identifier: Apache-2.0
"""Which seams there are, when each is replaced, and what the log tells of it. _seam.py describes how to add one."""

import importlib
import os
import sys
import threading

# name: (module here, the client's modules that must have been imported, replaced when none is named)
SEAMS = {
    "stream": ("_stream", ("arrakis.client",), True),
    "encode": ("_publish", ("arrakis.publish",), True),
    "server": ("_server", ("arrakis_backend_kafka.manager",), True),
}

VARIABLE = "LIBARRAKIS_COMPAT"

_lock = threading.RLock()
_wanted = {}  # name: None, until its modules are there; then a Seam that is replaced, or a text: why it is not
_names = {}  # name: the dotted names that a seam has replaced
_depth = threading.local()  # of imports that are under way
_news = []  # (level, text) for the log


def install(seams=None):
    """Replace seams of the Arrakis client, now or as soon as its modules are imported; may be called again for more.

    seams  names, such as ["stream", "encode"]; None: those that the environment variable LIBARRAKIS_COMPAT names, such
           as "stream,encode", or the usual ones where it names none. LIBARRAKIS_COMPAT=0: none, so that a program that
           calls install() can be run without

    ValueError: a name is not that of a seam.
    """
    names = _chosen(seams)
    with _lock:
        if names and _Finder.one not in sys.meta_path:
            sys.meta_path.insert(0, _Finder.one)
        for name in names:
            _wanted.setdefault(name, None)
        _replace_pending()
    _tell()


def uninstall():
    """Put everything back. Streams that are open go on; what a program has bound since may stay in use."""
    with _lock:
        if _Finder.one in sys.meta_path:
            sys.meta_path.remove(_Finder.one)
        for state in reversed(list(_wanted.values())):
            if not isinstance(state, (str, type(None))):
                state.restore()
        _wanted.clear()
        _names.clear()
        _news.clear()
    if "libarrakis.compat._log" in sys.modules:
        importlib.import_module("libarrakis.compat._log").stop()


def installed():
    """Return a dict of the seams that were asked for: what each has replaced, why it is left alone, or that it waits."""
    with _lock:
        return {
            name: f"waits until {' and '.join(SEAMS[name][1])} is imported"
            if state is None
            else f"left alone: {state}"
            if isinstance(state, str)
            else "replaced " + ", ".join(_names[name])
            for name, state in _wanted.items()
        }


def _chosen(seams):
    if seams is None:
        text = os.environ.get(VARIABLE, "")
        if text == "0":
            return []
        if text in ("", "1"):
            return [name for name, (_, _, default) in SEAMS.items() if default]
        seams = [part for part in text.split(",") if part]
    elif isinstance(seams, str):
        seams = [seams]
    for name in seams:
        if name not in SEAMS:
            raise ValueError(f"{name!r} is not a seam: expected one of {', '.join(SEAMS)}")
    return list(seams)


def _replace_pending(executed=None):
    for name, state in list(_wanted.items()):
        if state is None and all(m == executed or _is_imported(m) for m in SEAMS[name][1]):
            _wanted[name] = _replace(name)


def _is_imported(name):
    module = sys.modules.get(name)
    return module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False)


def _replace(name):
    """The Seam, or why it is not replaced. Whatever goes wrong is no reason for the program not to run."""
    seam = None
    try:
        seam = importlib.import_module(f"libarrakis.compat.{SEAMS[name][0]}").SEAM
        why = seam.check()
        if why is None:
            _names[name] = seam.replace()
            _news.append((20, f"{name} ({', '.join(_names[name])})"))
            return seam
    except Exception as error:
        if seam is not None:
            seam.restore()
        why = f"{type(error).__name__}: {error}"
    _news.append((30, f"{name}: {why}"))
    return why


def _tell():
    """Write the news to the log, unless more will follow from an import that is under way."""
    if getattr(_depth, "imports", 0) > 0:
        return
    with _lock:
        replaced = [text for level, text in _news if level == 20]
        left = [text for level, text in _news if level == 30]
        _news.clear()
    if not replaced and not left:
        return
    import logging

    import libarrakis

    if replaced:
        from . import _log

        _log.start()
    logger = logging.getLogger("arrakis")
    if replaced:
        logger.info("libarrakis %s replaces %s", libarrakis.__version__, "; ".join(replaced))
    for text in left:
        logger.warning("libarrakis %s leaves alone %s", libarrakis.__version__, text)


class _Finder:
    """Finds the client's modules as Python does, and looks at what waits for them after each has been executed."""

    one = None

    def find_spec(self, name, path=None, target=None):
        watched = {module for _, modules, _ in SEAMS.values() for module in modules}
        # With their packages: what these import is told in one line.
        if name not in watched and name not in {module.partition(".")[0] for module in watched}:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find and finder is not self else None
            if spec is not None:
                self._watch(name, spec.loader)
                return spec
        return None

    @staticmethod
    def _watch(name, loader):
        """Have this loader's exec_module() tell of the one module."""
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module):
            if module.__name__ != name:
                return execute(module)
            if vars(loader).get("exec_module") is exec_module:
                del loader.exec_module
            _depth.imports = getattr(_depth, "imports", 0) + 1
            try:
                execute(module)
                _Finder._executed(name)
            finally:
                _depth.imports -= 1
            _tell()
            return None

        try:
            loader.exec_module = exec_module
        except AttributeError:
            pass  # a loader without a place for it: what waits for the module goes on waiting

    @staticmethod
    def _executed(name):
        with _lock:
            _replace_pending(name)


_Finder.one = _Finder()
