"""Strangers' regular expressions on RE2: the time is linear in the text, and in the size of the pattern's program.

Measured: a character costs up to 20 ns for each instruction of a program whose states are ever new (`(a{0,20}){0,20}b`), while a program of
some thirty instructions stays near the cost of reading. So what a search costs is known before it begins.
"""

from __future__ import annotations

from typing import Any

import re2

_MEMORY = 1 << 19
_LONGEST = 4096
"""Characters of a pattern: to read `\\pL` a thousand times takes megabytes before its program is found too large."""
_USUAL = 32
"""Instructions of a program that costs about what reading costs."""


def compile_linear(pattern: str | bytes) -> Any:
    """The pattern, ready to search.

    Raises:
        re2.error: it is none, or its program is too large.
    """
    if len(pattern) > _LONGEST:
        raise re2.error(f"it has {len(pattern)} characters, {_LONGEST} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)


def why_not(error: Exception) -> str:
    """What RE2 says of a pattern that is none."""
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def effort(compiled: Any) -> int:
    """How many times the cost of reading a text a search in it may cost."""
    return max(1, (int(compiled.programsize) - _USUAL) >> 1)
