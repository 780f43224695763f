"""Lua functions whose result has the name that another place asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fleetd.decide.lint.given import Given, texts
from fleetd.domain.documents import Document
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.kinds.mistakes import Path, dotted

_RESULT_OF = {
    "evaluate": "matching",
    "aggregatedSelection": "resources",
    "aggregatedClassification": "matching",
    "condition": "pass",
    "script": "healthy",
    "evaluateHealth": "status",
}
_CONFUSED = frozenset({"matching", "match", "matches", "pass", "passed", "healthy", "health", "healthstatus", "status", "result"})
_COMMENT = re.compile(r"--(?!\[\[)[^\n]*")
_ASSIGNED = re.compile(r"(\w+)[ \t]*=(?!=)")
_WORD = re.compile(r"\w+")


def check_lua_results(given: Given) -> Iterator[Finding]:
    """Scripts that never name the field which is read of them, but set one that is read elsewhere."""
    for document in given.documents:
        for path, text in texts(document.manifest.get("spec"), ("spec",)):
            wanted = _RESULT_OF.get(str(path[-1]))
            if wanted is not None:
                yield from _wrong_result(document, path, text, wanted)


def _wrong_result(document: Document, path: Path, text: str, wanted: str) -> Iterator[Finding]:
    bare = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
    # Field names of results are read without regard to case; a script that has the word anywhere gets the benefit of the doubt.
    if wanted in {word.lower() for word in _WORD.findall(bare)}:
        return
    for assigned in _ASSIGNED.finditer(bare):
        if assigned[1].lower() in _CONFUSED:
            start = assigned.start()
            place = document.place_inside(path, bare.count("\n", 0, start) + 1, start - bare.rfind("\n", 0, start))
            message = f"{dotted(path)}: the result is read from {wanted!r}, and the script sets {assigned[1]!r}"
            yield Finding(document.source, *place, "FD206", CODES["FD206"].severity, message, f"write {wanted} for {assigned[1]}")
            return
