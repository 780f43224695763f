"""How much a script may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """Limits on one evaluation, and on the process that runs it.

    Args:
        seconds: wall time of one evaluation.
        lua_bytes: memory that Lua may hold, the object included.
        process_bytes: address space of a child process.
        text_bytes: the longest text that a string function of Lua may be given or make.
        argument_bytes: the largest object, as JSON.
        result_bytes: the largest result, as JSON.
        result_depth: how deep a result may be nested.
    """

    seconds: float = 0.25
    lua_bytes: int = 128 * MIB
    process_bytes: int = 640 * MIB
    text_bytes: int = MIB
    argument_bytes: int = 16 * MIB
    result_bytes: int = 8 * MIB
    result_depth: int = 128
