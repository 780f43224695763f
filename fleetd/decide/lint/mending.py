"""Carries out fixes that are safe: each is made alone, the input is checked again, and what does not make it better is dropped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetd.decide.lint.check import check
from fleetd.decide.lint.compilers import Compilers
from fleetd.decide.lint.edits import Edit, Lines
from fleetd.decide.lint.rewriting import CannotWrite, Change, rewritten
from fleetd.decide.lint.variables import INSTANTIATE
from fleetd.domain.documents import Document, UnreadableText, read_documents
from fleetd.domain.findings import Finding, Severity
from fleetd.domain.kinds.core import PROFILE_SECRET_TYPE
from fleetd.domain.kinds.mistakes import Path, dotted
from fleetd.domain.objects import Manifest

MOST = 2000
"""Fixes of one input."""

_MEANT = re.compile(r"did you mean '?([\w./-]+)'?\?")
_WRITE = re.compile(r"write '?([\w./-]+)'?(?: for '?([\w./-]+)'?)?")
_MOVE = re.compile(r"move it to ([\w./\[\]-]+)")
_SPELT = re.compile(r"did you mean it by '([^']+)'\?")

Remedy = Callable[[Manifest, Path, Finding], Manifest | None]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fix: what a document is to say, or the whole new text of the file."""

    finding: Finding
    change: Change | str


@dataclass(frozen=True, slots=True)
class Mended:
    """The texts by file name, and what was mended in them."""

    texts: Mapping[str, str]
    done: tuple[Finding, ...]


def mended(texts: Mapping[str, str], compilers: Compilers) -> Mended:
    """All files of one input, as mended as is safe."""
    state = _State(dict(texts), compilers)
    while len(state.done) < MOST and state.next_round():
        pass
    return Mended(state.texts, tuple(state.done))


class _State:
    """The texts as they are now, what is wrong in them, and what was tried in vain."""

    def __init__(self, texts: dict[str, str], compilers: Compilers) -> None:
        self.texts = texts
        self.done: list[Finding] = []
        self._compilers = compilers
        self._documents = _read(texts)
        self._findings = check(self._documents, compilers)
        self._vain: set[Finding] = set()

    def next_round(self) -> bool:
        """Tries one fix in each document, together where they agree; whether there was anything to try."""
        untried = [one for one in self._findings if one not in self._vain]
        proposals: dict[tuple[str, int], Proposal] = {}
        for finding in untried:
            proposal = _proposal(self.texts, self._documents, finding)
            if proposal is None:
                self._vain.add(finding)
            elif isinstance(proposal.change, str):
                return self._tried([proposal])
            else:
                proposals.setdefault((finding.file, id(proposal.change[0])), proposal)
        together = list(proposals.values())
        if len(together) < 2 or not self._tried(together):
            return any(self._tried([one]) for one in together) or bool(together)
        return True

    def _tried(self, proposals: Sequence[Proposal]) -> bool:
        """Whether they made it better; a single one that does not is not tried again."""
        after = _applied(self.texts, proposals)
        if after is not None:
            documents = _read(after)
            findings = check(documents, self._compilers)
            if all(_better(self._findings, findings, one.finding) for one in proposals):
                self.done += [one.finding for one in proposals]
                self.texts, self._documents, self._findings, self._vain = after, documents, findings, set()
                return True
        if len(proposals) == 1:
            self._vain.add(proposals[0].finding)
            return isinstance(proposals[0].change, str)
        return False


def _read(texts: Mapping[str, str]) -> list[Document]:
    documents: list[Document] = []
    for name, text in texts.items():
        try:
            documents += read_documents(text, source=name)
        except UnreadableText:
            continue
    return documents


def _better(before: Sequence[Finding], after: Sequence[Finding], finding: Finding) -> bool:
    """The finding is gone, and nothing has come in its place that weighs as much.

    What a wrong name hid may come to light by naming it rightly, where there is no doubt how.
    """

    def count(findings: Sequence[Finding]) -> tuple[int, int]:
        return sum(one.severity is Severity.ERROR for one in findings), len(findings)

    same = (finding.code, finding.message)
    gone = [(one.code, one.message) for one in after].count(same) < [(one.code, one.message) for one in before].count(same)
    if gone and finding.code == "FD003" and finding.fix.startswith("write"):
        return True
    if gone and finding.code in ("FD101", "FD102"):
        return count(after) <= count(before)
    return gone and count(after) < count(before)


def _proposal(texts: Mapping[str, str], documents: Sequence[Document], finding: Finding) -> Proposal | None:
    """What a finding's fix comes to; None where there is no safe one."""
    if finding.code in _WORDS:
        text = _word_replaced(texts.get(finding.file, ""), finding)
        return None if text is None else Proposal(finding, text)
    remedy = _REMEDIES.get(finding.code)
    for document, path in _placed(documents, finding) if remedy is not None else ():
        manifest = remedy(document.manifest, path, finding) if remedy is not None else None
        if manifest is not None and manifest != document.manifest and _meant(path, finding):
            return Proposal(finding, (document, manifest))
    return None


def _meant(path: Path, finding: Finding) -> bool:
    """Whether the finding is about that path, and not about something behind an anchor that has no place of its own."""
    return not path or finding.code in ("FD003", "FD108") or finding.message.startswith((f"{dotted(path)} ", f"{path[-1]!r} "))


def _applied(texts: Mapping[str, str], proposals: Sequence[Proposal]) -> dict[str, str] | None:
    """The texts with these fixes; None where the way they are written does not allow it."""
    after = dict(texts)
    changes: dict[str, list[Change]] = {}
    for proposal in proposals:
        if isinstance(proposal.change, str):
            after[proposal.finding.file] = proposal.change
        else:
            changes.setdefault(proposal.finding.file, []).append(proposal.change)
    try:
        for name, wanted in changes.items():
            after[name] = rewritten(texts[name], name, wanted)
    except CannotWrite:
        return None
    return after


def _placed(documents: Sequence[Document], finding: Finding) -> list[tuple[Document, Path]]:
    """Documents and paths whose place is the finding's, the deepest first; at last the document as a whole."""
    found: list[tuple[Document, Path]] = []
    for document in documents:
        if document.source != finding.file:
            continue
        here = [path for path, place in document.places.items() if place == (finding.line, finding.column)]
        found += [(document, path) for path in sorted(here, key=len, reverse=True)]
    around = [document for document in documents if document.source == finding.file and document.line <= finding.line]
    return found + [(document, ()) for document in around[-1:]]


def _word_replaced(text: str, finding: Finding) -> str | None:
    """One word of a script or rule, where it stands just at its place."""
    written = _WRITE.fullmatch(finding.fix)
    if written is None or written[2] is None:
        return None
    new, old = written[1], written[2]
    lines = Lines(text)
    line, column = finding.line - 1, finding.column - 1
    if not re.match(rf"{re.escape(old)}\b", lines.line(line)[column:]):
        return None
    return lines.edited([Edit((line, column), (line, column + len(old)), new)])


_WORDS = frozenset({"FD204", "FD206"})


def _name_itself(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    """apiVersion and kind: written in the fix."""
    meant = _MEANT.search(finding.fix) or _WRITE.match(finding.fix)
    if meant is None or path not in (("apiVersion",), ("kind",)):
        return None
    return {**manifest, str(path[0]): meant[1]}


def _top_key(manifest: Manifest, _path: Path, finding: Finding) -> Manifest | None:
    spelt = _SPELT.search(finding.fix)
    wanted = finding.message.partition(" ")[0]
    if spelt is None or wanted in manifest or spelt[1] not in manifest:
        return None
    return {wanted if key == spelt[1] else key: value for key, value in manifest.items()}


def _renamed_key(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    meant = _MEANT.search(finding.fix) or _WRITE.match(finding.fix)
    if meant is None or not path:
        return None
    if "." in meant[1]:
        return _moved_to(manifest, path, tuple(meant[1].split(".")))

    def rename(parent: Any) -> Any:
        if not isinstance(parent, dict) or meant[1] in parent:
            return None
        return {meant[1] if key == path[-1] else key: value for key, value in parent.items()}

    return _changed(manifest, path[:-1], rename)


def _moved(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    target = _MOVE.search(finding.fix)
    return _moved_to(manifest, path, tuple(target[1].split("."))) if target is not None and path else None


def _moved_to(manifest: Manifest, path: Path, target: tuple[str, ...]) -> Manifest | None:
    """To a place that is free; of a list only where it has one entry."""
    value = _at(manifest, path)
    without = _changed(manifest, path[:-1], lambda parent: _lacking(parent, path[-1]))
    if without is None:
        return None
    steps: list[str | int] = []
    # Indexes of lists on the way are those of where it stands now.
    own = list(path)
    for step in target[:-1]:
        name = step.removesuffix("[]")
        steps.append(name)
        if step.endswith("[]"):
            number = own[len(steps)] if own[: len(steps)] == steps and len(own) > len(steps) and isinstance(own[len(steps)], int) else None
            entries = _at(without, tuple(steps))
            if number is None and not (isinstance(entries, list) and len(entries) == 1):
                return None
            steps.append(0 if number is None else number)

    def put(parent: Any) -> Any:
        parent = {} if parent is None else parent
        return {**parent, target[-1]: value} if isinstance(parent, dict) and target[-1] not in parent else None

    return _changed(without, tuple(steps), put)


def _retyped(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    value = _at(manifest, path)
    if "leave the quotes out" in finding.fix and isinstance(value, str):
        plain: Any = {"true": True, "false": False}.get(value.lower())
        if plain is None and re.fullmatch(r"-?\d{1,15}", value):
            plain = int(value)
        return _changed(manifest, path, lambda _: plain) if plain is not None else None
    if "put it into quotes" in finding.fix and isinstance(value, bool | int) and not isinstance(value, float):
        return _changed(manifest, path, lambda _: str(value).lower())
    return None


def _other_value(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    meant = _MEANT.search(finding.fix)
    return _changed(manifest, path, lambda _: meant[1]) if meant is not None and path else None


def _removed(manifest: Manifest, path: Path, _finding: Finding) -> Manifest | None:
    if path != ("metadata", "namespace"):
        return None
    return _changed(manifest, path[:-1], lambda parent: _lacking(parent, path[-1]))


def _lacking(parent: Any, name: str | int) -> Any:
    return {key: held for key, held in parent.items() if key != name} if isinstance(parent, dict) else None


def _annotated(manifest: Manifest, path: Path, finding: Finding) -> Manifest | None:
    name = re.match(r"([\w.]+)", finding.message)
    # The document is the one whose content the message names.
    if path or manifest.get("kind") not in ("ConfigMap", "Secret") or name is None:
        return None
    annotations = _at(manifest, ("metadata", "annotations")) or {}
    if not isinstance(annotations, dict):
        return None
    return _changed(
        manifest,
        ("metadata",),
        lambda held: {**held, "annotations": {**annotations, INSTANTIATE: "true"}} if isinstance(held, dict) else None,
    )


def _typed(manifest: Manifest, _path: Path, _finding: Finding) -> Manifest | None:
    if manifest.get("kind") != "Secret":
        return None
    return {**manifest, "type": PROFILE_SECRET_TYPE}


_REMEDIES: Mapping[str, Remedy] = {
    "FD002": _top_key,
    "FD003": _name_itself,
    "FD101": _renamed_key,
    "FD102": _moved,
    "FD104": _retyped,
    "FD105": _other_value,
    "FD108": _removed,
    "FD303": _annotated,
    "FD403": _typed,
}


def _at(manifest: Manifest, path: Path) -> Any:
    value: Any = manifest
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _changed(manifest: Manifest, path: Path, change: Callable[[Any], Any]) -> Manifest | None:
    """A copy in which what stands at a path is another; None where there is no such place, or no change."""
    if not path:
        done = change(manifest)
        return done if isinstance(done, dict) else None

    def within(value: Any, rest: Path) -> Any:
        if not rest:
            return change(value)
        step = rest[0]
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            new = within(value[step], rest[1:])
            return None if new is None else [*value[:step], new, *value[step + 1 :]]
        if value is not None and not isinstance(value, dict):
            return None
        new = within((value or {}).get(step), rest[1:])
        return None if new is None else {**(value or {}), step: new}

    done = within(manifest, path)
    return done if isinstance(done, dict) else None
