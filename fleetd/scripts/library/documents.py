"""JSON, YAML and base64, as the module `json` and Sveltos' functions have them. What cannot be read is nil, and why not."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import orjson
import yaml

from fleetd.domain.errors import InvalidInput
from fleetd.domain.yaml_reader import read_yaml
from fleetd.domain.yaml_scalars import plain
from fleetd.scripts.library.calls import Call, Failed, Room, Table, declared
from fleetd.scripts.library.strings import from_bytes, in_bytes

_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./@-]*(?: [A-Za-z0-9_./@-]+)*\Z")
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_WIDTH = 1 << 30

Several = tuple[Any, ...]


class _Dumper(yaml.CSafeDumper):
    """Quotes what YAML's versions do not agree on, and never writes an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the name is PyYAML's
        return True


def _string(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and not text.startswith((" ", "\n", "\t")) and not re.search(r"[ \t]\n|[^\x20-\x7e\n\xa0-\ud7ff\ue000-\ufffd]", text):
        style = "|"
    elif _PLAIN.match(text) and isinstance(plain(text), str):
        style = ""
    else:
        style = '"' if not text.isprintable() else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def json_text(value: Any) -> str:
    """JSON as Go writes it: sorted keys, no blanks, `<`, `>` and `&` escaped."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode().translate(_HTML)
    except (TypeError, ValueError) as error:
        raise Failed(str(error)) from error


def yaml_text(value: Any) -> str:
    """A value as a YAML document, with sorted keys."""
    try:
        text = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=_WIDTH)
    except (yaml.YAMLError, UnicodeError) as error:
        raise Failed(str(error)) from error
    return str(text).removesuffix("...\n")


def _told(work: Callable[..., Any]) -> Callable[..., Several]:
    """What fails is nil, and why."""

    def call(*arguments: Any) -> Several:
        try:
            return (work(*arguments),)
        except (Failed, InvalidInput, ValueError, RecursionError) as error:
            return None, str(error)

    return call


def _from_yaml(text: str) -> Any:
    documents = read_yaml(text, source="the text")
    return _opened(documents[0].value if documents else None)


def _opened(value: Any) -> Any:
    return Table(value) if isinstance(value, list | dict) else value


def _base64_encoded(room: Room, text: str) -> Several:
    if not text:
        return None, "provided string is empty"
    room.take(len(text) * 4 // 3 + 4)
    return (encoded(text),)


def _base64_decoded(text: str) -> Several:
    if not text:
        return None, "provided string is empty"
    try:
        return (decoded(text),)
    except Failed:
        return None, "decoding failed"


def encoded(text: str) -> str:
    """Base64 of a text's bytes."""
    return base64.b64encode(in_bytes(text)).decode()


def decoded(text: str) -> str:
    """What base64 stands for; line breaks do not matter.

    Raises:
        Failed: it is no base64.
    """
    try:
        return from_bytes(base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True))
    except (binascii.Error, ValueError) as error:
        raise Failed(f"illegal base64 data: {error}") from error


FUNCTIONS: dict[str, Call] = {
    **declared(
        "json",
        {
            "encode": ("a", _told(json_text)),
            "decode": ("s", _told(lambda text: _opened(orjson.loads(in_bytes(text))))),
            "toYAML": ("a", _told(yaml_text)),
            "fromYAML": ("s", _told(_from_yaml)),
        },
    ),
    **declared("", {"base64Encode": ("+s", _base64_encoded), "base64Decode": ("s", _base64_decoded)}),
}
