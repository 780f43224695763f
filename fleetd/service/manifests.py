"""A folder whose manifests are declared and followed: `fleetd run --manifests DIR`.

The folder is the truth about the objects that it declared, and about no others: each carries the annotation
`fleetd.io/source` with its file, and the field manager `fleetd-manifests`. An invalid file changes nothing; a file that
cannot be read is never taken for one that is gone; and what would take away more than `max(10, 10 %)` of the objects at once
is not done before a person has said so by deleting them.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

import structlog

from fleetd.decide.removal import weigh
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.documents import Document, UnreadableText, read_documents
from fleetd.domain.errors import Conflict, NotFound, TryLater
from fleetd.domain.records import JournalRecord, Stage
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Done
from fleetd.service.checking import Problem, judged
from fleetd.service.declaring import applied_by, declare, foreseen, refs_of, unmet
from fleetd.service.file_texts import TESTS, text_of
from fleetd.store.database import Database

MANAGER = "fleetd-manifests"
SOURCE = "fleetd.io/source"
SUFFIXES = (".yaml", ".yml", ".json")
EVERY_SECONDS = 2.0
AGAIN = timedelta(seconds=30)
"""After this long a refused folder is tried again: what stood against it may be gone."""

Stamp = Mapping[Path, tuple[int, int, int]]
"""Every file with its time of change (ns), size and inode."""

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What came of a look at the folder."""

    NOTHING = "nothing new"
    UNSTEADY = "still changing"
    DECLARED = "declared"
    REFUSED = "refused"
    HELD = "held"
    AWAY = "cannot be read"


@dataclass(frozen=True, slots=True)
class Look:
    """One look: its outcome, the objects that were created, configured or deleted, why not where nothing was, and what is doubtful."""

    outcome: Outcome
    changed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class ManifestFolder:
    """Follows one folder for one database."""

    database: Database
    folder: Path
    _seen: Stamp | None = None
    _done: Stamp | None = None
    _again: datetime | None = None
    _told: tuple[str, ...] = field(default=())
    _warned: tuple[str, ...] = field(default=())

    async def look(self, now: datetime) -> Look:
        """Reads the folder when it has changed and two looks agree on how, and declares what it says."""
        try:
            stamp = await asyncio.to_thread(_stamp, self.folder)
        except OSError as error:
            return await self._tell(Look(Outcome.AWAY, reasons=(f"{error.filename or self.folder}: {error.strerror}",)), now)
        if stamp == self._done and (self._again is None or now < self._again):
            return Look(Outcome.NOTHING)
        # A checkout replaces files one by one: what is between two of them is nobody's intention.
        if stamp != self._seen:
            self._seen = stamp
            return Look(Outcome.UNSTEADY)
        look = await self._declare(now)
        if look.outcome is not Outcome.AWAY:
            self._done = stamp
            self._again = None if look.outcome is Outcome.DECLARED else now + AGAIN
        return await self._tell(look, now)

    async def _declare(self, now: datetime) -> Look:
        try:
            documents, unreadable = await asyncio.to_thread(_read, self.folder)
        except OSError as error:
            return Look(Outcome.AWAY, reasons=(f"{error.filename}: {error.strerror}",))
        said = await asyncio.to_thread(judged, documents)
        problems = unreadable + list(said.problems)
        if problems:
            return Look(Outcome.REFUSED, reasons=tuple(map(str, problems)), warnings=said.warnings)
        warnings = (*said.warnings, *await unmet(self.database, documents))
        return replace(await self._write(documents, now), warnings=warnings)

    async def _write(self, documents: Sequence[Document], now: datetime) -> Look:
        admission = Admission(self.database, manager=MANAGER)
        expected, problems = await foreseen(admission, documents, now=now)
        if problems:
            return Look(Outcome.REFUSED, reasons=tuple(map(str, problems)))
        changed: list[str] = []
        for one, document in zip(expected, documents, strict=True):
            try:
                done = await declare(self.database, admission, document, one, now=now)
            except Conflict as error:
                return Look(Outcome.REFUSED, tuple(changed), (str(error),))
            if done.done is not Done.UNCHANGED:
                changed.append(f"{done.ref} {done.done}")
        return await self._remove(admission, refs_of(documents), changed, now)

    async def _remove(self, admission: Admission, kept: Sequence[ObjectRef], changed: list[str], now: datetime) -> Look:
        """Deletes what the folder declared and says no more."""
        own = [item for item in await self.database.declared.list() if self._declared_here(item)]
        keep = set(kept)
        gone = {str(item.ref): item.ref for item in own if item.ref not in keep and not item.deleting}
        loss = weigh(gone, len(own))
        if loss.held:
            reason = f"{loss}: {', '.join(loss.lost)}; put the files back, or delete the objects with fleetd delete"
            return Look(Outcome.HELD, tuple(changed), (reason,))
        for ref in gone.values():
            try:
                await admission.delete(ref, now=now)
            except NotFound:
                continue
            changed.append(f"{ref} {Done.DELETED}")
        return Look(Outcome.DECLARED, tuple(changed))

    def _declared_here(self, item: DeclaredObject) -> bool:
        source = ((item.manifest.get("metadata") or {}).get("annotations") or {}).get(SOURCE, "")
        return applied_by(item, MANAGER) and Path(source).is_relative_to(self.folder.resolve())

    async def _tell(self, look: Look, now: datetime) -> Look:
        """Writes what is new into the log and the journal; the same trouble is told once."""
        if look.outcome is not Outcome.AWAY and look.warnings != self._warned:
            self._warned = look.warnings
            for warning in look.warnings:
                log.warning("manifests are doubtful", folder=str(self.folder), reason=warning)
            if look.warnings:
                await self._note("warned", "; ".join(look.warnings), now)
        if look.outcome is Outcome.DECLARED:
            self._told = ()
            if look.changed:
                log.info("manifests declared", folder=str(self.folder), changed=list(look.changed))
                await self._note("declared", ", ".join(look.changed), now)
        elif look.reasons != self._told:
            self._told = look.reasons
            log.error("manifests are not declared", folder=str(self.folder), outcome=look.outcome.value, reasons=list(look.reasons))
            await self._note(look.outcome.value, "; ".join(look.reasons), now)
        return look

    async def _note(self, decision: str, reason: str, now: datetime) -> None:
        record = JournalRecord(
            at=now, stage=Stage.DECLARE, subject=f"Folder/{self.folder}", cluster="", decision=decision, reason=reason, cause_id=uuid4().hex
        )
        await self.database.commit([record])


async def follow_manifests(database: Database, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Declares what the folder says, and follows it until it is cancelled."""
    followed = ManifestFolder(database, folder)
    while True:
        try:
            await followed.look(clock())
        except TryLater as error:
            log.warning("the database is away, manifests wait", reason=str(error))
        # Looking at the times of files costs microseconds each, and works on every file system, network mounts and
        # Kubernetes' volumes among them, where inotify tells nothing.
        await asyncio.sleep(EVERY_SECONDS)


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Manifests below the folder in the order of their names; hidden files and folders are none (`.git`, `..data`), nor are tests.

    A link to a folder that it stands in is not followed, and what is no file of its own (a pipe, a socket) is not opened.
    """
    here = folder.resolve()
    if here in above:
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path, (*above, here))
        elif path.suffix.lower() in SUFFIXES and not path.name.lower().endswith(TESTS) and stat.S_ISREG(path.stat().st_mode):
            yield path


def _stamp(folder: Path) -> Stamp:
    stamp = {}
    for path in _files(folder):
        found = path.stat()
        stamp[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return stamp


def _read(folder: Path) -> tuple[list[Document], list[Problem]]:
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in _files(folder):
        try:
            text = text_of(path, str(path))
            documents.extend(
                _marked(document, folder.resolve() / path.relative_to(folder)) for document in read_documents(text, source=str(path))
            )
        except UnreadableText as error:
            problems.append(Problem(str(error)))
    return documents, problems


def _marked(document: Document, path: Path) -> Document:
    """With the annotation that says which file declared it."""
    metadata = document.manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(annotations, dict | None):
        return document  # the checker says what is wrong with it
    marked = {**metadata, "annotations": {**(annotations or {}), SOURCE: str(path)}}
    return replace(document, manifest={**document.manifest, "metadata": marked})
