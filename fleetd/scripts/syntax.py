"""Whether a text is a Lua chunk; nothing is run."""

from __future__ import annotations

import re

from lupa import lua51

from fleetd.domain.errors import EvaluationFailed

_LONGEST = 1_000_000
_POSITION = re.compile(r"^script:(\d+): (.*)$", re.DOTALL)


def check(script: str) -> EvaluationFailed | None:
    """What is wrong with a script's syntax, with its line; None when nothing is."""
    if len(script) > _LONGEST:
        return EvaluationFailed(f"the script is longer than {_LONGEST} characters")
    if script.startswith("\x1b"):
        return EvaluationFailed("a compiled chunk is no script")
    runtime = lua51.LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    answer = runtime.globals().loadstring(script, "=script")
    if not isinstance(answer, tuple):
        return None
    message = str(answer[1])
    if position := _POSITION.match(message):
        return EvaluationFailed(position[2], line=int(position[1]))
    return EvaluationFailed(message)
