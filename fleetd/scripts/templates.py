"""Templates of other engines, and Lua that yields resources, run in processes that may be killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from fleetd.scripts.limits import MIB, ScriptLimits
from fleetd.scripts.places import Place, Result
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.runner import TEMPLATES

LUA = "lua"
LIMITS = ScriptLimits(seconds=1.0, process_bytes=512 * MIB)
"""A template is compiled within its time."""


@dataclass(frozen=True, slots=True)
class Made:
    """A text, or one sentence and its line; with `again`, seconds until it may be tried, it was not run."""

    text: str | None = None
    error: str = ""
    line: int = 0
    again: float = 0.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """Objects with a message, or one sentence why there are none; with `again`, seconds until it may be tried, it was not run."""

    objects: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    message: str = ""
    error: str = ""
    again: float = 0.0


class TemplatePool:
    """The processes are started when first needed, and ended with the pool.

    Args:
        scripts: runs Lua.
    """

    def __init__(self, scripts: ScriptPool, workers: int = 2, limits: ScriptLimits = LIMITS) -> None:
        self._scripts = scripts
        self._pool = ScriptPool(workers, limits, program=TEMPLATES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._pool.__aexit__(kind, error, trace)

    @property
    def pids(self) -> list[int]:
        """Ids of the processes for templates that run now."""
        return self._pool.pids

    async def evaluate(self, script: str, body: object) -> tuple[bool | None, str]:
        """As `ScriptPool.evaluate`."""
        return await self._scripts.evaluate(script, body)

    async def select(self, script: str, objects: bytes) -> Chosen:
        """Which of a list of objects (JSON) a script chooses, or what it makes of them."""
        result = await self._scripts.call(script, Place.AGGREGATED_SELECTION, objects)
        if result.error:
            return Chosen(error="; ".join(filter(None, (result.sentence, result.explanation))), again=result.again)
        return Chosen(tuple(result.value["resources"]), result.value["message"])

    async def render(self, task: str, text: str, argument: bytes) -> Made:
        """Renders; whatever the template does, there is an answer.

        Args:
            task: of Lua `lua`, else what the program of templates is to do.
            argument: JSON, as the program takes it.
        """
        if task != LUA:
            return _made(await self._pool.call(text, task, argument))
        result = await self._scripts.call(text, Place.POLICY, argument)
        return _made(result) if result.error else Made(result.value["resources"])


def _made(result: Result) -> Made:
    if not result.error:
        return Made(result.value)
    explanation = f"; {result.explanation}" if result.explanation else ""
    return Made(None, f"{result.error}{explanation}", result.line, result.again)
