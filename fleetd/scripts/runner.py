"""What a child runs: a program that is named, because the rooms that programs live in do not know each other."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from fleetd.scripts.limits import ScriptLimits

LUA = "fleetd.scripts.lua:Lua"
TEMPLATES = "fleetd.decide.engines.contained:contained"


class Outcome(Protocol):
    """What a run answers; see `places.Result`."""

    @property
    def value(self) -> Any: ...
    @property
    def error(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def hint(self) -> str: ...


class Runner(Protocol):
    """Made before its process gives up its rights; it raises for nothing that a script does."""

    def keep(self, key: str, script: str) -> None:
        """Takes a script that `run` will name by this key."""

    def forget(self) -> None:
        """Forgets all scripts."""

    def run(self, key: str, place: str, argument: bytes, begun: Callable[[], None]) -> Outcome:
        """Runs a kept script; `place` says what it is given and must return."""


def load(program: str, limits: ScriptLimits) -> Runner:
    """The runner that `module:name` makes of the limits."""
    module, name = program.split(":")
    made: Runner = getattr(importlib.import_module(module), name)(limits)
    return made
