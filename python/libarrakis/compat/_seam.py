# SPDX-License-Identifier: Apache-2.0
"""What a seam is: names of the Arrakis client that are replaced together, or not at all.

To add one:

1. A module `compat/_name.py` with a class derived from Seam and one object of it, `SEAM`. The module is imported only
   when the client's modules have been, so it may import what they do: by `from arrakis import client`, since the package
   itself may still be on its way and not have the attribute.
2. `check()` returns None, or why the seam must be left alone: another signature, another text of a function whose
   behaviour the replacement has copied (`differs()`), a name that somebody else has replaced already.
3. `replacements()` returns triples of an owner (a module or a class), the name of an attribute, and what it becomes.
   The frame puts them there, also in modules that have bound the same object by `from ... import`, and takes them away
   again; nothing else may be changed.
4. An entry in `_frame.SEAMS`: the name, the module, the client's modules that must have been imported, and whether the
   seam is replaced when none is named.

A replacement must work when it is called after uninstall(): a program may have kept it. What it has opened goes on.
It looks up the client's names when it is called (`client.connect`, not `from arrakis.client import connect`), as tests
replace them. Where it meets what it was not made for, it calls the original, which `original()` returns.
"""

import hashlib
import inspect
import sys
import types


def fingerprint(function):
    """The text of a function or class as a short hash; comments on lines of their own and white space do not count."""
    lines = (line.strip() for line in inspect.getsource(function).splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differs(expected):
    """Why not, for pairs of a function and its fingerprints; None where each has one of those."""
    for function, prints in expected:
        name = f"{function.__module__}.{function.__qualname__}"
        try:
            found = fingerprint(function)
        except (OSError, TypeError):
            return f"the source of {name} cannot be read"
        if found not in prints:
            return f"{name} is another than expected ({found})"
    return None


class Seam:
    """See the module's description."""

    everywhere = True  # modules that have bound what is replaced in another one get the replacement, too

    def __init__(self):
        self._swapped = []  # (owner, name, original, replacement)

    def check(self):
        return None

    def replacements(self):
        raise NotImplementedError

    def replace(self):
        """Put the replacements in place; returns the dotted names of what they replace."""
        names = []
        for owner, name, replacement in self.replacements():
            original = inspect.getattr_static(owner, name)
            self._swap(owner, name, original, replacement)
            if isinstance(owner, types.ModuleType):
                names.append(f"{owner.__name__}.{name}")
                if self.everywhere:
                    self._swap_everywhere(original, replacement)
            else:
                names.append(f"{owner.__module__}.{owner.__qualname__}.{name}")
        return names

    def restore(self):
        """Take the replacements away, unless somebody has replaced them since."""
        swapped, self._swapped = self._swapped, []
        for owner, name, original, replacement in reversed(swapped):
            if owner.__dict__.get(name) is replacement:
                setattr(owner, name, original)
        modules = [s for s in swapped if isinstance(s[0], types.ModuleType)]
        for _, _, original, replacement in modules:
            for module, name in _bound(replacement):
                setattr(module, name, original)

    def original(self, owner, name):
        """What stood at a name before; what stands there where nothing was replaced."""
        for at, as_name, original, _ in self._swapped:
            if at is owner and as_name == name:
                return original
        return inspect.getattr_static(owner, name)

    def _swap(self, owner, name, original, replacement):
        self._swapped.append((owner, name, original, replacement))
        setattr(owner, name, replacement)

    def _swap_everywhere(self, original, replacement):
        for module, name in _bound(original):
            self._swap(module, name, original, replacement)


def _bound(thing):
    """The modules and names that are bound to an object, but for those of the library."""
    found = []
    for key, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType) and not key.startswith("libarrakis."):
            found += [(module, name) for name, value in list(vars(module).items()) if value is thing]
    return found
