"""Helm's and Sprig's conversions: YAML, JSON and TOML, and the base encodings and digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
import string
import tomllib
import zlib
from collections.abc import Callable
from typing import Any

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.json_text import json_text, read_json
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.toml_write import toml_text
from fleetd.decide.gotemplate.values import CallFailed, NilList, NilMap, from_utf8, utf8
from fleetd.decide.gotemplate.yaml_read import read_yaml
from fleetd.decide.gotemplate.yaml_write import yaml_text

_Reader = Callable[[str, Run], Any]

_BASE_64 = frozenset(string.ascii_letters + string.digits + "+/")
_BASE_32 = frozenset(string.ascii_uppercase + "234567")


def _or_empty(text: Callable[[Any, Run], str]) -> Callable[[Run, Any], str]:
    """What cannot be written is the empty text, as in Helm."""

    def write(run: Run, value: Any) -> str:
        try:
            return text(value, run)
        except ValueError:
            return ""

    return write


def _or_failing(text: Callable[[Any, Run], str]) -> Callable[[Run, Any], str]:
    def write(run: Run, value: Any) -> str:
        return text(value, run)

    return write


def _yaml(value: Any, run: Run) -> str:
    return yaml_text(value, run).removesuffix("\n")


def _pretty(value: Any, run: Run) -> str:
    return json_text(value, run, pretty=True)


def _raw(value: Any, run: Run) -> str:
    return json_text(value, run, html=False)


def _to_toml(run: Run, value: Any) -> str:
    if value is None:
        raise CallFailed("there is nothing to write as TOML")
    try:
        return toml_text(value, run)
    except ValueError as broken:
        return str(broken)


def _map_reader(read: _Reader, prefix: str, nothing: type[dict[str, Any]] = dict) -> Callable[[Run, str], dict[str, Any]]:
    """A map, or one with the only key `Error`, as in Helm."""

    def function(run: Run, text: str) -> dict[str, Any]:
        try:
            value = read(text, run)
        except ValueError as broken:
            return {"Error": str(broken)}
        if value is None:
            return nothing()
        if isinstance(value, dict):
            return value
        return {"Error": f"{prefix}json: cannot unmarshal {_json_kind(value)} into Go value of type map[string]interface {{}}"}

    return function


def _list_reader(read: _Reader, prefix: str, nothing: type[list[Any]] = list) -> Callable[[Run, str], list[Any]]:
    """A list, or one with the error as its only element, as in Helm."""

    def function(run: Run, text: str) -> list[Any]:
        try:
            value = read(text, run)
        except ValueError as broken:
            return [str(broken)]
        if value is None:
            return nothing()
        if isinstance(value, list):
            return value
        return [f"{prefix}json: cannot unmarshal {_json_kind(value)} into Go value of type []interface {{}}"]

    return function


def _json_kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "number"


def _read_toml(text: str, run: Run) -> Any:
    run.spend(len(text))
    return tomllib.loads(text)


def _must_read_json(run: Run, text: str) -> Any:
    return read_json(text, run)


def _decoder(decode: Callable[[bytes], bytes], name: str, alphabet: frozenset[str]) -> Callable[[str], str]:
    """The decoded text, or Go's complaint instead of it, as in Sprig."""

    def function(text: str) -> str:
        try:
            return from_utf8(decode(utf8(text)))
        except (binascii.Error, ValueError):
            return f"illegal {name} data at input byte {_bad(text, alphabet)}"

    return function


def _bad(text: str, alphabet: frozenset[str]) -> int:
    """Where a decoder stops: at the first foreign character, or where the last incomplete group begins."""
    places = [at for at, letter in enumerate(text) if letter not in "\r\n"]
    foreign = next((at for at in places if text[at] not in alphabet), None)
    if foreign is not None:
        return foreign
    whole = len(places) - len(places) % 4
    return places[whole] if whole < len(places) else len(text)


def _base64(data: bytes) -> bytes:
    return base64.b64decode(data.replace(b"\n", b"").replace(b"\r", b""), validate=True)


def _base32(data: bytes) -> bytes:
    return base64.b32decode(data.replace(b"\n", b"").replace(b"\r", b""))


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, utf8(text), usedforsecurity=False).hexdigest()


FUNCTIONS: dict[str, Function] = declare(
    {
        "toYaml": ("meter any", _or_empty(_yaml)),
        "mustToYaml": ("meter any", _or_failing(_yaml)),
        "toJson": ("meter any", _or_empty(json_text)),
        "mustToJson": ("meter any", _or_failing(json_text)),
        "toPrettyJson": ("meter any", _or_empty(_pretty)),
        "mustToPrettyJson": ("meter any", _or_failing(_pretty)),
        "toRawJson": ("meter any", _or_failing(_raw)),
        "mustToRawJson": ("meter any", _or_failing(_raw)),
        "toToml": ("meter any", _to_toml),
        "fromYaml": ("meter string", _map_reader(read_yaml, "error unmarshaling JSON: while decoding JSON: ")),
        "fromYamlArray": ("meter string", _list_reader(read_yaml, "error unmarshaling JSON: while decoding JSON: ")),
        "fromJson": ("meter string", _map_reader(read_json, "", NilMap)),
        "mustFromJson": ("meter string", _must_read_json),
        "fromJsonArray": ("meter string", _list_reader(read_json, "", NilList)),
        "fromToml": ("meter string", _map_reader(_read_toml, "")),
        "b64enc": ("string", lambda text: base64_of(utf8(text))),
        "b64dec": ("string", _decoder(_base64, "base64", _BASE_64)),
        "b32enc": ("string", lambda text: base64.b32encode(utf8(text)).decode()),
        "b32dec": ("string", _decoder(_base32, "base32", _BASE_32)),
        "sha1sum": ("string", _digest("sha1")),
        "sha256sum": ("string", _digest("sha256")),
        "sha512sum": ("string", _digest("sha512")),
        "adler32sum": ("string", lambda text: str(zlib.adler32(utf8(text)))),
    }
)
