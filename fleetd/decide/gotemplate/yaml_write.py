"""Values as Kubernetes' YAML library writes them: sorted keys, lists not indented under their key, literal blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cmp_to_key, lru_cache
from typing import Any

from fleetd.decide.gotemplate.formatting import shortest
from fleetd.decide.gotemplate.json_text import json_number, json_ready
from fleetd.decide.gotemplate.quoting import json_string
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import NILS, Struct, utf8
from fleetd.decide.gotemplate.yaml_scalars import SHORT, reads_as_text

_INDICATORS = frozenset("#,[]{}&*!|>'\"%@`")
_BREAKS = frozenset("\n\r\x85\u2028\u2029")
_BLANKS = frozenset("\0 \t\n\r\x85\u2028\u2029")
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e",
    '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
_KEY_LENGTH = 128
"""Longer keys are written in the long form, `? key`."""
_LONGEST_KEY = 1024
"""The library reads the JSON again as YAML, where a key ends here."""
_WIDTH = 80
_SIMPLE = re.compile(r"[A-Za-z/_][\w./-]*\Z", re.ASCII)
_FORBIDDEN = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""The library goes through JSON text, where these stand unescaped, and its reader refuses them."""


def yaml_text(value: Any, run: Run) -> str:
    """The value as a YAML document that ends with a line break.

    Raises:
        ValueError: it holds a number that JSON cannot carry.
    """
    parts: list[str] = []
    _write(parts, value, -2, run, column=0)
    return "".join(parts).removeprefix("\n") + "\n"


def _write(parts: list[str], value: Any, indent: int, run: Run, *, column: int) -> None:
    """One value.

    Args:
        indent: column of the collection that it stands in; -2 at the top.
        column: where the line stands after `key:` or `-`; 0 when there is neither, and a scalar needs no blank before it.
    """
    run.spend(8)
    if isinstance(value, (Struct, datetime)):
        value = json_ready(value)
    if isinstance(value, dict) and value:
        _write_map(parts, value, indent + 2, run)
    elif isinstance(value, list) and value:
        _write_list(parts, value, indent + 2, run)
    else:
        parts.append((" " if column else "") + _scalar(value, indent + 2, column + 1 if column else 0))
        run.text(len(parts[-1]))


def _write_map(parts: list[str], value: dict[str, Any], indent: int, run: Run) -> None:
    pad = "\n" + " " * indent
    for key in sorted_keys(value):
        inner = value[key]
        if type(inner) is str and len(key) <= SHORT and len(inner) <= SHORT:
            name, word = _short(key), _short(inner)
            if name and word and key != "<<":
                run.spend(8)
                parts.append(f"{pad}{name}: {word}")
                continue
        if len(key) > _LONGEST_KEY >> 3 and len(json_string(key, html=True)) > _LONGEST_KEY:
            raise ValueError("error converting JSON to YAML: yaml: could not find expected ':'")
        written = _string(key, indent + 2, None)
        long = len(written) > _KEY_LENGTH or not _BREAKS.isdisjoint(key)
        if long:
            written = _string(key, indent + 2, indent + 2)
        parts.append(f"{pad}? {written}{pad}:" if long else f"{pad}{written}:")
        column = indent + 1 + (0 if long else len(written))
        at = len(parts)
        _write(parts, inner, indent - 2 if isinstance(inner, list) and inner and not long else indent, run, column=column)
        if long and parts[at].startswith("\n"):
            parts[at] = " " + parts[at].lstrip("\n ")


def _write_list(parts: list[str], value: list[Any], indent: int, run: Run) -> None:
    pad = "\n" + " " * indent
    for element in value:
        parts.append(f"{pad}-")
        at = len(parts)
        _write(parts, element, indent, run, column=indent + 1)
        if isinstance(element, (dict, list, Struct)) and parts[at].startswith("\n"):
            parts[at] = " " + parts[at].lstrip("\n ")


def sorted_keys(value: dict[str, Any]) -> list[str]:
    """Keys in the library's order: numbers inside them count as numbers, letters come after everything else."""
    keys = sorted(value)
    joined = "".join(keys)
    return keys if joined.isascii() and joined.isalpha() else sorted(keys, key=cmp_to_key(_compare))


def _compare(left: str, right: str) -> int:
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one == other:
            continue
        if one.isalpha() or other.isalpha():
            if one.isalpha() and other.isalpha():
                return -1 if one < other else 1
            return -1 if other.isalpha() else 1
        return _compare_numbers(left, right, at)
    return len(left) - len(right)


def _compare_numbers(left: str, right: str, at: int) -> int:
    start = ""
    if "0" in {left[at], right[at]}:
        before = at - 1
        while before >= 0 and left[before].isdecimal():
            if left[before] != "0":
                start = "1"
                break
            before -= 1
    one, other = _digits(left, at), _digits(right, at)
    numbers = int("0" + start + one), int("0" + start + other)
    if numbers[0] != numbers[1]:
        return -1 if numbers[0] < numbers[1] else 1
    if len(one) != len(other):
        return len(one) - len(other)
    return -1 if left[at] < right[at] else 1


def _digits(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end].isdecimal() and end - at < 18:
        end += 1
    return text[at:end]


def _scalar(value: Any, indent: int, column: int) -> str:
    if isinstance(value, str):
        return _string(value, indent or 2, column)
    if type(value) in NILS:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    return "[]" if isinstance(value, list) else "{}"


def _float(value: float) -> str:
    text = json_number(value)
    whole = text.removeprefix("-").isdigit() and -(1 << 63) <= int(text) < 1 << 64
    return str(int(text)) if whole else shortest(value, low=-4, high=6)


def _string(text: str, indent: int, column: int | None) -> str:
    """A string; lines are folded behind column 80, but for a key, which has no column."""
    if len(text) <= SHORT and (short := _short(text)) and text != "<<":
        return short
    return _styled(text, indent, column)


def _styled(text: str, indent: int, column: int | None) -> str:
    if _SIMPLE.match(text) and reads_as_text(text):
        return text
    if _FORBIDDEN.search(text):
        raise ValueError("error converting JSON to YAML: yaml: control characters are not allowed")
    if not text.isascii():
        text = utf8(text).decode("utf-8", "replace")
    plain, single, block = _allowed(text)
    if "\n" in text and block and column is not None:
        return _literal(text, indent)
    if text == "<<" and column is None:
        return '"<<"'
    if plain and reads_as_text(text):
        return _folded(list(text), indent, column, "") if _is_long(text, column) else text
    if "\n" in text or not single or not reads_as_text(text):
        units = list(_escaped(text))
        return _folded(units, indent, column, '"') if _is_long(text, column) else f'"{"".join(units)}"'
    units = ["''" if letter == "'" else letter for letter in text]
    return _folded(units, indent, column, "'") if _is_long(text, column) else f"'{''.join(units)}'"


@lru_cache(maxsize=4096)
def _short(text: str) -> str:
    """How a word without blanks and breaks stands, wherever it does, for they come again and again; empty for others."""
    return "" if " " in text or not _BREAKS.isdisjoint(text) else _styled(text, 2, 0)


def _is_long(text: str, column: int | None) -> bool:
    return column is not None and column + 6 * len(text) > _WIDTH and " " in text


def _folded(units: list[str], indent: int, column: int | None, quote: str) -> str:
    """The written characters, with a line break for the first single blank behind each 80th column."""
    column = (column or 0) + len(quote)
    written: list[str] = []
    after_blank = False
    last = len(units) - 1
    for at, unit in enumerate(units):
        if unit == " ":
            blank_follows = at < last and units[at + 1] == " "
            inside = not quote or 0 < at < last
            breaks = column > _WIDTH and not after_blank and inside and (quote == '"' or not blank_follows)
            after_blank = True
            if breaks:
                escape = "\\" if blank_follows else ""
                written.append("\n" + " " * indent + escape)
                column = indent + len(escape)
                continue
        else:
            after_blank = False
        written.append(unit)
        column += len(unit)
    return quote + "".join(written) + quote


def _allowed(text: str) -> tuple[bool, bool, bool]:
    """Whether the text may be written plainly, in single quotes, or as a literal block."""
    if not text:
        return False, True, False
    if text.isalnum() and text.isascii():
        return True, True, True
    breaks = [at for at, letter in enumerate(text) if letter in _BREAKS]
    break_then_space = any(text[at + 1 : at + 2] == " " for at in breaks)
    space_then_break = any(at and text[at - 1] == " " for at in breaks)
    special = any(not _printable(letter) for letter in text) or space_then_break
    edges = text[0] == " " or text[-1] == " " or text[0] in _BREAKS or text[-1] in _BREAKS
    plain = not (special or edges or breaks or break_then_space or _indicates(text))
    return plain, not (special or break_then_space), not (special or text[-1] == " ")


def _indicates(text: str) -> bool:
    """Whether something in the text would be read as structure."""
    if text.startswith(("---", "...")) or text[0] in _INDICATORS:
        return True
    if text[0] in "-?" and (len(text) == 1 or text[1] in _BLANKS):
        return True
    if text.endswith(":") or any(f":{blank}" in text for blank in (" ", "\t")):
        return True
    return any(text[at] == "#" and text[at - 1] in _BLANKS for at in range(1, len(text)))


def _printable(letter: str) -> bool:
    code = ord(letter)
    if code < 0x80:
        return 0x20 <= code <= 0x7E or code == 0x0A
    return code >= 0xA0 and not 0xD800 <= code < 0xE000 and code not in {0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF} and code < 0x10000


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] == " " or text[0] in _BREAKS else ""
    stripped = text.rstrip("\n")
    trailing = len(text) - len(stripped)
    chomp = "-" if trailing == 0 else "+" if trailing > 1 or not stripped else ""
    pad = " " * indent
    body = "\n".join(pad + line if line else "" for line in text.removesuffix("\n").split("\n"))
    return f"|{hint}{chomp}\n{body}"


def _escaped(text: str) -> Iterator[str]:
    for letter in text:
        named = _ESCAPES.get(letter)
        if named is not None:
            yield named
        elif _printable(letter):
            yield letter
        else:
            code = ord(letter)
            yield f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
