"""Deep work does not depend on how deep its caller already is.

Python counts the frames of a whole thread. An expression within our own limits could fail only because somebody asked from far down;
then it is done once more, with as much room as if nobody stood above it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ROOM = 1200
"""Calls that work may lie below its caller: what Python gives a program that has just begun, and some that are not Python's own."""


def on_own_stack(work: Callable[[], T]) -> T:
    """What the work gives or raises; `RecursionError` says that it is too deep for anybody.

    For work that failed with `RecursionError` and may be done twice. The limit is the interpreter's: other threads have it meanwhile.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(_depth() + ROOM)
    try:
        return work()
    finally:
        sys.setrecursionlimit(before)


def _depth() -> int:
    depth, frame = 0, sys._getframe()  # noqa: SLF001  # the documented way to one's own frames
    while (above := frame.f_back) is not None:
        depth, frame = depth + 1, above
    return depth
