"""Values as TOML: plain keys first, then tables, as Helm's TOML library orders them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.formatting import plain, shortest
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import NILS, Struct

_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def toml_text(value: Any, run: Run) -> str:
    """A document.

    Raises:
        ValueError: the value holds what TOML cannot carry.
    """
    if _is_tables(value):
        raise ValueError("toml: top-level values must be Go maps or structs")
    if not isinstance(value, dict):
        return _inline(value, run)
    parts: list[str] = []
    _table(parts, (), value, run)
    return "".join(parts)


def _table(parts: list[str], path: tuple[str, ...], table: dict[str, Any], run: Run) -> None:
    run.spend(len(table) * 3 + 3)
    pad = "  " * len(path)
    for key in sorted(table):
        value = table[key]
        if type(value) not in NILS and not _is_table(value) and not _is_tables(value):
            parts.append(f"{pad}{_key(key)} = {_inline(value, run)}\n")
            run.text(len(parts[-1]))
    for key in sorted(table):
        value = table[key]
        inner = (*path, _key(key))
        for one in [value] if _is_table(value) else value if _is_tables(value) else []:
            name = ".".join(inner)
            blank = "\n" if parts and (not path or _is_tables(value)) else ""
            parts.append(f"{blank}{pad}{f'[{name}]' if _is_table(value) else f'[[{name}]]'}\n")
            _table(parts, inner, one, run)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def _key(key: str) -> str:
    return key if key and set(key) <= _BARE else json.dumps(key, ensure_ascii=False)


def _inline(value: Any, run: Run) -> str:
    run.spend(1)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        text = shortest(value, low=-4, high=21)
        return text if set(text) & set(".eNI") else text + ".0"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return "[" + ", ".join(_inline(element, run) for element in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{_key(key)} = {_inline(value[key], run)}" for key in sorted(value) if value[key] is not None)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Struct):
        return json.dumps(plain(value, run), ensure_ascii=False)
    raise ValueError("toml: cannot encode array with nil element")
