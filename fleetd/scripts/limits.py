"""How much a script may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
_BYTES_A_SECOND = 4_000_000


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """Limits on one evaluation, and on the process that runs it.

    Args:
        seconds: wall time of one evaluation; with large input a little more, see `seconds_for`.
        lua_bytes: memory that Lua may hold, beside what it is given.
        process_bytes: address space of a child process.
        text_bytes: the longest text that a string function of Lua may be given or make.
        argument_bytes: the largest object, as JSON.
        result_bytes: the largest result, as JSON, beside as much as the script was given.
        result_values: how many values a result may hold, beside as many as the script was given; a table counts for four, as it
            costs the daemon about that.
        result_depth: how deep a result may be nested.
        message_characters: the longest message of a script; what is longer is cut.
    """

    seconds: float = 0.25
    lua_bytes: int = 128 * MIB
    process_bytes: int = 640 * MIB
    text_bytes: int = MIB
    argument_bytes: int = 16 * MIB
    result_bytes: int = 4 * MIB
    result_values: int = 250_000
    result_depth: int = 128
    message_characters: int = 4096

    def seconds_for(self, size: int) -> float:
        """The wall time of an evaluation that is given so many bytes."""
        return self.seconds + size / _BYTES_A_SECOND
