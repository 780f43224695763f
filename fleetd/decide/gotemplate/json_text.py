"""Values as Go's JSON encoder writes them, and JSON text as its decoder reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from fleetd.decide.gotemplate.formatting import shortest
from fleetd.decide.gotemplate.json_errors import complaint
from fleetd.decide.gotemplate.quoting import json_string
from fleetd.decide.gotemplate.run import FREE, Run
from fleetd.decide.gotemplate.values import NILS, Struct, utf8


def json_ready(value: Struct | datetime) -> Any:
    """A struct that prints itself as that text, another with its JSON names, empty fields left out; a time as RFC 3339 writes it."""
    if isinstance(value, datetime):
        fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
        zone = value.isoformat()[-6:]
        return f"{value.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{'Z' if zone == '+00:00' else zone}"
    if value.text is not None:
        return value.text
    return {_json_name(name): field for name, field in value.fields.items() if field not in {"", None}}


def _json_name(name: str) -> str:
    return "apiVersion" if name == "APIVersion" else name[:1].lower() + name[1:]


def json_text(value: Any, run: Run, *, html: bool = True, pretty: bool = False) -> str:
    """The value as JSON with sorted keys.

    Args:
        html: `<`, `>` and `&` are escaped, as Go does unless told otherwise.
        pretty: two blanks a level.

    Raises:
        ValueError: it holds a number that JSON cannot carry.
    """
    parts: list[str] = []
    _write(parts, value, run, html, "\n" if pretty else "")
    return "".join(parts)


def _write(parts: list[str], value: Any, run: Run, html: bool, line: str) -> None:
    run.spend(4)
    if isinstance(value, (Struct, datetime)):
        value = json_ready(value)
    if isinstance(value, dict) and value:
        inner = line and line + "  "
        colon = ": " if line else ":"
        lead = "{" + inner
        for key in sorted(value):
            named = f"{lead}{json_string(key, html=html)}{colon}"
            lead = "," + inner
            one = value[key]
            if type(one) is str and len(one) < FREE:
                run.spend(4)
                parts.append(named + json_string(one, html=html))
            else:
                parts.append(named)
                _write(parts, one, run, html, inner)
        parts.append(line + "}")
    elif isinstance(value, list) and value:
        inner = line and line + "  "
        for at, element in enumerate(value):
            parts.append(f"{',' if at else '['}{inner}")
            _write(parts, element, run, html, inner)
        parts.append(line + "]")
    else:
        parts.append(_scalar(value, html=html))
        run.text(len(parts[-1]))


def _scalar(value: Any, *, html: bool) -> str:
    if isinstance(value, str):
        return json_string(value, html=html)
    if type(value) in NILS:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return json_number(value)
    return "[]" if isinstance(value, list) else "{}"


def json_number(value: float) -> str:
    """A float: with an exponent below 10^-6 and from 10^21 on.

    Raises:
        ValueError: it is not finite.
    """
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError(f"json: unsupported value: {value}")
    text = shortest(value, low=-6, high=21)
    return text[:-2] + text[-1] if text[-4:-1] == "e-0" else text


def read_json(text: str, run: Run) -> Any:
    """JSON's value; every number is a float64.

    Raises:
        ValueError: the text is no JSON.
    """
    run.spend(len(text) >> 3)
    clean = text if text.isascii() else utf8(text).decode("utf-8", "replace")
    try:
        value = orjson.loads(clean)
    except orjson.JSONDecodeError as broken:
        raise ValueError(complaint(text)) from broken
    return floats(value, run)


def floats(value: Any, run: Run) -> Any:
    """The value with every whole number as a float64."""
    run.spend(1)
    if isinstance(value, dict):
        return {key: floats(inner, run) for key, inner in value.items()}
    if isinstance(value, list):
        return [floats(inner, run) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
