"""What a YAML scalar means to kubectl: YAML 1.1 as Go's yaml.v2 resolves it, then what JSON makes of it.

Differences from PyYAML that matter in manifests: times and base-60 numbers are strings, `y` and `n` are booleans, `0o17`
is a number, `1e3` has no need of a sign, and a float without a fraction becomes an integer on its way through JSON.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from decimal import Decimal

Scalar = str | int | float | bool | None

_TAG = "tag:yaml.org,2002:"
_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_MAYBE_SPECIAL = frozenset("yYnNtTfFoO~.+-0123456789")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOTTED_FLOAT = re.compile(r"\.[0-9]+(?:_?[0-9])*(?:[eE][-+]?[0-9]+(?:_?[0-9])*)?")


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises:
        ValueError: it is a number that JSON cannot say.
    """
    if text and text[0] not in _MAYBE_SPECIAL:
        return text
    if text in _WORDS:
        return for_json(_WORDS[text])
    return text if text[0] in "yYnNtTfFoO~" else _number(text)


def _number(text: str) -> Scalar:
    if text[0] == ".":
        return _finite(text, text) if _DOTTED_FLOAT.fullmatch(text) else text
    bare = text.replace("_", "")
    if not text[0].isdigit() and bare[1:2] not in set("0123456789."):
        return text
    whole = _INTEGER.fullmatch(bare)
    if whole:
        value = _whole(whole)
        if _INT64_MIN <= value <= _UINT64_MAX and not (whole[1] == "+" and value > _INT64_MAX):
            return for_json(value)
    return _finite(bare, text) if _FLOAT.fullmatch(bare) else text


def _whole(match: re.Match[str]) -> int:
    sign, hexadecimal, binary, octal, decimal = match.groups()
    digits, base = next((digits, base) for digits, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10)) if digits)
    return int(digits, base) * (-1 if sign == "-" else 1)


def _finite(bare: str, text: str) -> Scalar:
    value = float(bare)
    return text if math.isinf(value) else for_json(value)


def for_json(value: Scalar) -> Scalar:
    """A number as it is after JSON: whole ones are integers where 64 bits hold them, floats otherwise.

    Raises:
        ValueError: JSON has no infinity and no NaN.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("infinity and NaN have no place in a manifest")
        # Go writes the shortest digits that give the float again and fills up with zeros; those digits are what is read next.
        written = int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else None
        return value if written is None or not _INT64_MIN <= written <= _INT64_MAX else written
    if isinstance(value, int) and not isinstance(value, bool) and not _INT64_MIN <= value <= _INT64_MAX:
        return float(value)
    return value


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag.

    Raises:
        ValueError: the text is no value of that type.
    """
    name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    if name == "binary":
        return _binary(text)
    if name not in ("bool", "int", "float", "null"):
        return text
    value = plain(text)
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool) and bool(_INTEGER.fullmatch(text.replace("_", ""))),
    }
    if not fits[name]:
        raise ValueError(f"this is no !!{name}")
    return value


def _binary(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", errors="replace")
    except binascii.Error as error:
        raise ValueError("the !!binary value is no base64 text") from error


def key_text(key: Scalar, text: str) -> str:
    """A mapping's key as JSON writes it: `true`, `16`, `1.5`.

    Raises:
        ValueError: a null is no key.
    """
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case None:
            raise ValueError("a key is missing before ':'" if not text else "null is no key")
        case int():
            return str(key)
        case float():
            return f"{key:.8g}" if float(f"{key:.8g}") == key else repr(key)
