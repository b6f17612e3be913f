# SPDX-License-Identifier: Apache-2.0
"""Puts the library under the Arrakis client for Python (the package `arrakis`), whose programs then run unchanged.

    import libarrakis.compat

    libarrakis.compat.install()

or, without a change of the program:

    python -m libarrakis.compat PROGRAM ARGUMENTS    a console script, a file, or -m MODULE
    LIBARRAKIS_COMPAT=1 PROGRAM ARGUMENTS            where libarrakis is installed
    pytest -p libarrakis.compat

What is replaced are a few functions and classes, each a *seam* that can be chosen by its name:

    stream   reading and aligning in Client.stream(), and so in fetch(), the command line and sgn-arrakis
    server   what the Kafka backend of arrakis-server reads, live and of the past
    encode   what Publisher.publish() does to a block, and SeriesBlock.to_row_batches()

A seam is replaced when its module has been imported, before or after install(). One line of the logger `arrakis` tells
what was replaced. Where the client is another version than the one that a seam was made for, the seam is left alone, and
a warning tells why: the program then runs as without this module.
"""

from ._frame import install, installed, uninstall

__all__ = ["install", "installed", "uninstall"]


def pytest_configure(config):
    """Install, where this module is a plugin of pytest: `pytest -p libarrakis.compat`."""
    install()


def pytest_report_header(config):
    return [f"libarrakis.compat: {name}: {state}" for name, state in installed().items()]


def pytest_unconfigure(config):
    uninstall()
