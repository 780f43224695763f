"""The report that build servers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from fleetd.domain.errors import InvalidInput

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold, not even escaped."""


@dataclass(frozen=True, slots=True)
class Case:
    """A test: where it stands, what is wrong with what it found, and why it could not be run."""

    file: str
    name: str
    failures: Sequence[str] = ()
    errors: Sequence[str] = ()
    seconds: float = 0.0


def write_junit(path: str, cases: Sequence[Case]) -> None:
    """Writes the report, one suite for each file.

    Raises:
        InvalidInput: the file cannot be written.
    """
    root = ElementTree.Element("testsuites", {"name": "fleetd test", **_counts(cases)})
    for file in dict.fromkeys(case.file for case in cases):
        mine = [case for case in cases if case.file == file]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _text(file), **_counts(mine)})
        for case in mine:
            entry = ElementTree.SubElement(
                suite, "testcase", name=_text(case.name), classname=_text(file), file=_text(file), time=f"{case.seconds:.3f}"
            )
            for tag, sentences in (("error", case.errors), ("failure", case.failures)):
                if sentences:
                    told = ElementTree.SubElement(entry, tag, message=_text(sentences[0].partition("\n")[0]))
                    told.text = _text("\n".join(sentences))
    try:
        Path(path).write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    errors = sum(bool(case.errors) for case in cases)
    failures = sum(bool(case.failures) and not case.errors for case in cases)
    seconds = sum(case.seconds for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors), "time": f"{seconds:.3f}"}


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
