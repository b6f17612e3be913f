# SPDX-License-Identifier: Apache-2.0
"""The library's log lines under the name `arrakis`, where programs of that client look for them."""

import logging

_own = logging.getLogger("libarrakis")
_theirs = logging.getLogger("arrakis")
_before = None  # the parent of the library's logger, while it is another


def _rename(record):
    record.name = _theirs.name
    return True


def start():
    global _before
    if _before is None:
        _before = _own.parent
        _own.parent = _theirs
        _own.addFilter(_rename)


def stop():
    global _before
    if _before is not None:
        _own.removeFilter(_rename)
        _own.parent, _before = _before, None
