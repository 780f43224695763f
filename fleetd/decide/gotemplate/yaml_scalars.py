"""What a plain YAML scalar means to Kubernetes' YAML library: YAML 1.1, with Go's number syntax."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?(?:Z|[-+][0-9]{2}:[0-9]{2}))"
    r"|(?: [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?))?\Z",
    re.ASCII,
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z", re.ASCII)
_LETTERS = frozenset("yYnNtTfFoO~")


def resolve(text: str) -> Any:
    """The value of a plain scalar: None, bool, int, float, or the text itself."""
    if not text:
        return None
    first = text[0]
    if (first in _LETTERS or first in "+-.") and text in _WORDS:
        return _WORDS[text]
    if first in "+-.0123456789":
        return _number(text)
    return None if text in {"null", "Null", "NULL"} else text


def _number(text: str) -> Any:
    digits = text.replace("_", "")
    if text[0] != "." and _INTEGER.match(digits):
        value = _integer(digits)
        if -(1 << 63) <= value < 1 << 64:
            return value
    if _FLOAT.match(text if text[0] == "." else digits):
        value_real = float(digits)
        return text if value_real in {float("inf"), float("-inf")} else value_real
    return text


def _integer(digits: str) -> int:
    body = digits.lstrip("+-")
    value = int(body, 8) if len(body) > 1 and body[0] == "0" and body[1].isdigit() else int(body, 0)
    return -value if digits[0] == "-" else value


def reads_as_text(text: str) -> bool:
    """Whether the text, written plainly, is read back as this text."""
    return _short_reads_as_text(text) if len(text) <= SHORT else _reads_as_text(text)


def _reads_as_text(text: str) -> bool:
    if not isinstance(resolve(text), str):
        return False
    return not (text[0] in "+-0123456789" and (_is_time(text) or _BASE_60.match(text)))


def _is_time(text: str) -> bool:
    """Whether it is a moment of the calendar, and not only looks like one."""
    if _TIME.match(text) is None:
        return False
    numbers = [*map(int, re.findall(r"[0-9]+", text)[:6]), 0, 0, 0]
    year, month, day, hour, minute, second = numbers[:6]
    try:
        datetime(year or 4, month, day, hour, minute, second)  # noqa: DTZ001 - only whether there is such a moment
    except ValueError:
        return False
    return True


SHORT = 40
_short_reads_as_text = lru_cache(maxsize=4096)(_reads_as_text)
"""Keys and words come again and again."""
