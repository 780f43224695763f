"""What came of an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of an expression, or a text that an expression of a template made; `depth` counts from the whole, which is 0."""

    depth: int
    line: int
    column: int
    expression_untrusted: str
    value_untrusted: Any = None
    error_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it took, and what it may take: steps of CEL, milliseconds of Lua, of a template the milliseconds that it took."""

    steps: int | None = None
    steps_allowed: int | None = None
    milliseconds: float | None = None
    milliseconds_allowed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What an expression gave. `selects` says whether an EventSource with it would select the object; line and column are the error's."""

    ok: bool
    cost: Cost
    selects: bool | None = None
    type: str = ""
    value_cut: bool | None = None
    line: int | None = None
    column: int | None = None
    more_parts: int | None = None
    value_untrusted: Any = None
    deciding_untrusted: str = ""
    error_untrusted: str = ""
    parts_untrusted: tuple[Part, ...] = ()
