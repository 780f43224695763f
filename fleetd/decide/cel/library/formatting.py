"""``"%s is %d".format([…])``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from fleetd.decide.cel.library.function import refuse, room, want
from fleetd.decide.cel.library.standard import double_text
from fleetd.decide.cel.times import duration_text, timestamp_text
from fleetd.decide.cel.values import Duration, Table, Timestamp, TypeName, UInt, type_name

_CLAUSE: Final = re.compile(r"%(?:%|(?:\.(\d{1,4}))?([a-zA-Z]))")
_DEEPEST: Final = 50


def formatted(template: Any, values: Any) -> str:
    """The template with its clauses replaced by the values, in order."""
    want(str, template)
    want(list, values)
    remaining = iter(values)
    parts: list[str] = []
    length = position = 0
    while (percent := template.find("%", position)) >= 0:
        clause = _CLAUSE.match(template, percent)
        if clause is None:
            raise refuse(f"the format has an unfinished clause at {percent}: {template[percent : percent + 4]!r}")
        parts += (template[position:percent], _clause(clause, remaining))
        length += len(parts[-1]) + len(parts[-2])
        room(length)
        position = clause.end()
    parts.append(template[position:])
    return "".join(parts)


def _clause(clause: re.Match[str], remaining: Any) -> str:
    if clause[0] == "%%":
        return "%"
    write = _CLAUSES.get(clause[2])
    if write is None:
        raise refuse(f"the format has an unknown clause {clause[0]!r}")
    value = next(remaining, _CLAUSES)
    if value is _CLAUSES:
        raise refuse(f"the format has more clauses than there are values: nothing is left for {clause[0]!r}")
    precision = int(clause[1]) if clause[1] else 6
    if precision > 1000:
        raise refuse("the precision of a format is at most 1000")
    return write(value, precision)


def _unfit(clause: str, value: Any) -> Exception:
    return refuse(f"%{clause} does not take {type_name(value)}")


def _text(value: Any, _: int) -> str:
    return shown(value, 0)


def shown(value: Any, depth: int) -> str:  # noqa: PLR0911 - one answer for each type
    """A value as ``%s`` writes it; text inside lists and maps stands without quotes."""
    if depth > _DEEPEST:
        raise refuse("the value is nested too deeply for a format")
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float() | UInt():
            return _number(value)
        case bytes():
            return value.decode(errors="replace")
        case list():
            return f"[{', '.join(shown(item, depth + 1) for item in value)}]"
        case dict():
            return _map(list(value.items()), depth)
        case Table():
            return _map(list(value.entries.values()), depth)
    return _rarer(value)


def _number(value: int | float | UInt) -> str:
    if isinstance(value, UInt):
        return str(value.value)
    if isinstance(value, float):
        return _special(value) or double_text(value)
    return str(value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "" if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _map(pairs: list[tuple[Any, Any]], depth: int) -> str:
    texts = sorted((shown(key, depth + 1), shown(item, depth + 1)) for key, item in pairs)
    return "{" + ", ".join(f"{key}: {item}" for key, item in texts) + "}"


def _rarer(value: Any) -> str:
    match value:
        case Timestamp():
            return timestamp_text(value)
        case Duration():
            return duration_text(value)
        case TypeName():
            return value.name
        case _:
            raise _unfit("s", value)


def _decimal(value: Any, _: int) -> str:
    if type(value) is float and not math.isfinite(value):
        return _special(value)
    if type(value) in (int, UInt):
        return _number(value)
    raise _unfit("d", value)


def _fixed(value: Any, precision: int) -> str:
    number = _real("f", value)
    return _special(number) or f"{number:.{precision}f}"


def _scientific(value: Any, precision: int) -> str:
    number = _real("e", value)
    return _special(number) or f"{number:.{precision}e}"


def _real(clause: str, value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is UInt:
        return float(value.value)
    raise _unfit(clause, value)


def _hexadecimal(value: Any, _: int) -> str:
    if type(value) is str:
        return str(value.encode().hex())
    if type(value) is bytes:
        return value.hex()
    return f"{_integer('x', value):x}"


def _binary(value: Any, _: int) -> str:
    return f"{int(value) if type(value) is bool else _integer('b', value):b}"


def _integer(clause: str, value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is UInt:
        return value.value
    raise _unfit(clause, value)


_CLAUSES: Final[dict[str, Callable[[Any, int], str]]] = {
    "s": _text,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
    "o": lambda value, _: f"{_integer('o', value):o}",
    "b": _binary,
}
