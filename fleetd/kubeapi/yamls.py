"""YAML as the server writes it: keys in order, double quotes around a text that would be read as something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

NUMBER = re.compile(r"[-+]?(\.\d+|\d[\d_]*(\.[\d_]*)?)([eE][-+]?\d+)?|0[xXoObB][\da-fA-F_]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS = frozenset(["y", "Y", "n", "N"])
TEXT = "tag:yaml.org,2002:str"


class _Dumper(yaml.SafeDumper):
    """Lists stand as far left as their key, long texts are folded."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    if "\n" in value:
        return dumper.represent_scalar(TEXT, value, style="|")
    resolved: str = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    reads_as_other = resolved != TEXT or value in WORDS or NUMBER.fullmatch(value) is not None
    return dumper.represent_scalar(TEXT, value, style='"' if reads_as_other else None)


_Dumper.add_representer(str, _text)


def doubled_keys(text: bytes) -> Iterator[tuple[int, str]]:
    """The lines and the keys that a map of a document has already; the document can be read."""
    root = yaml.compose(text, yaml.SafeLoader)
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if str(key.value) in seen:
                    yield key.start_mark.line + 1, str(key.value)
                seen.add(str(key.value))
                waiting.append(value)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def to_yaml(value: Any) -> bytes:
    """A value that JSON can hold, as YAML."""
    shown: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True)
    return shown.encode()
