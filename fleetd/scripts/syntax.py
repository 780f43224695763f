"""Whether a text is a Lua chunk; nothing is run."""

from __future__ import annotations

import re

from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.dialect import LuaError, new_runtime
from fleetd.scripts.limits import MIB

_LONGEST = 1_000_000
_MEMORY = 64 * MIB
_POSITION = re.compile(r"^script:(\d+): (.*)$", re.DOTALL)


def check(script: str) -> EvaluationFailed | None:
    """What is wrong with a script's syntax, with its line; None when nothing is."""
    if len(script) > _LONGEST:
        return EvaluationFailed(f"the script is longer than {_LONGEST} characters")
    if script.startswith("\x1b"):
        return EvaluationFailed("a compiled chunk is no script")
    try:
        answer = new_runtime(_MEMORY).globals().loadstring(script, "=script")
    except (LuaError, MemoryError, UnicodeError) as error:
        return EvaluationFailed(f"the script cannot be read: {error}")
    if not isinstance(answer, tuple):
        return None
    message = str(answer[1])
    if position := _POSITION.match(message):
        return EvaluationFailed(position[2], line=int(position[1]))
    return EvaluationFailed(message)
