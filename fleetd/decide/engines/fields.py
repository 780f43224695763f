"""Which fields of its data a template names, in the words of people."""

from __future__ import annotations

import re
from collections.abc import Iterable

ROOTS = (
    "Cluster", "ClusterName", "ClusterNamespace", "CloudEvent", "CloudEvents", "MatchingResource", "MatchingResources", "MgmtResources",
    "Resource", "Resources",
)  # fmt: skip
_ELEMENT = "*"
_NAMED = re.compile(rf"(?<![\w.])(?:extVar\(\s*[\"'])?({'|'.join(ROOTS)})\b(?:[\"']\s*\))?((?:\.[A-Za-z_]\w*)*)(\()?")
_SPOKEN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|extVar\([^)]*\)(?:\.\w+)*", re.DOTALL)


def dotted(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Paths as templates have them: `Resource.metadata.name`; of elements what they are elements of."""
    found = {".".join(path[: path.index(_ELEMENT)] if _ELEMENT in path else path) for path in paths if path and path[0] in ROOTS}
    return tuple(sorted(found))


def named_in(text: str) -> tuple[str, ...]:
    """The same, by what stands in the expressions of Jinja2 and Jsonnet; nothing is compiled."""
    found = set()
    for spoken in _SPOKEN.finditer(text):
        for name in _NAMED.finditer(spoken[0]):
            path = name[1] + name[2]
            found.add(path.rpartition(".")[0] if name[3] and "." in path else path)
    return tuple(sorted(found))
