"""The one door to the state: open, commit, load, and hear of what others committed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import bindparam, case, column, func, or_, select, table

from fleetd.domain.audit import AuditEntry, Decider
from fleetd.domain.errors import GiveUp, InvalidInput, NotPermitted, TryLater
from fleetd.domain.records import Record, RequestRecord
from fleetd.store import tables
from fleetd.store.crypto import MasterKey, key_beside
from fleetd.store.declared import DeclaredObjects
from fleetd.store.gather import Changes, insert_all
from fleetd.store.group import Asked, Stamps
from fleetd.store.loading import Loaded, load
from fleetd.store.lock import DaemonLock
from fleetd.store.migrate import upgrade_sqlite
from fleetd.store.moments import moment
from fleetd.store.postgres import PostgresDriver
from fleetd.store.schema import upgrade_is_due
from fleetd.store.sqlite import SqliteDriver, connect
from fleetd.store.steps import Fetch, Steps
from fleetd.store.urls import SqliteFile, place_of

T = TypeVar("T")
_log = logging.getLogger("fleetd.store")
_NET_SECONDS = 1.0
_c = tables.changes
# By the view: who may only read those follows changes, too.
_v = table("fleet_changes", *(column(one.name, one.type) for one in _c.c))
_AT = {
    kind: select(column("cluster")).select_from(table(view)).where(column(key) == _v.c.ref).limit(1).scalar_subquery()
    for kind, view, key in (
        ("event", "fleet_events", "event_id"),
        ("match", "fleet_trigger_matches", "match_id"),
        ("incident", "fleet_drift_incidents", "incident_id"),
    )
}
"""Where that is to which these changes belong; the reference of all others says it, or they belong to no cluster."""
_CLUSTER = case(*((_v.c.object_kind == kind, at) for kind, at in _AT.items())).label("cluster")
_CHANGES = select(_v, _CLUSTER).where(_v.c.seq > bindparam("after")).order_by(_v.c.seq).limit(bindparam("most"))
_ASKED = (
    select(_c)
    .where(
        _c.c.seq > bindparam("after"), _c.c.seq <= bindparam("until"), or_(_c.c.object_kind == "declared", _c.c.object_kind == "request")
    )
    .order_by(_c.c.seq)
)
_BOUNDS = select(func.min(_c.c.seq).label("oldest"), func.max(_c.c.seq).label("latest"))
_OLDEST = select(func.min(_v.c.seq).label("oldest"))
_LAST = select(_c.c.at).order_by(_c.c.seq.desc()).limit(1)
_EPOCH = select(func.coalesce(func.max(tables.daemon_starts.c.epoch), 0).label("epoch"))
_START = insert_all(tables.daemon_starts, "epoch").returning(tables.daemon_starts.c.epoch)


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change: `object_kind` is a `ChangedKind`, `operation` put or remove; `cluster` where only its row says it."""

    seq: int
    object_kind: str
    ref: str
    operation: str
    at: datetime
    cluster: str = ""


class Driver(Protocol):
    """What a database of either kind does for `Database`."""

    def submit(self, asked: Asked) -> None: ...

    async def read(self, steps: Steps[T]) -> T: ...

    async def changed_unheard(self) -> bool: ...

    async def close(self) -> None: ...


class Database:
    """An open database. Use `open`; close it before the loop ends."""

    def __init__(self, url: str, key: MasterKey | None, stamps: Stamps) -> None:
        self.url = url
        self.key = key
        self._stamps = stamps
        self.epoch = 0
        self.instance_id = secrets.token_hex(8)
        self.by: Decider | None = None
        self.declared = DeclaredObjects(self, key)
        self._driver: Driver
        self._lock: DaemonLock | None = None
        self._closed = False
        self._changed = asyncio.Event()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        key: MasterKey | None = None,
        writer: bool = True,
        daemon: bool = False,
        now: Callable[[], datetime] | None = None,
    ) -> Database:
        """Opens a database; a SQLite file is made, and brought to this program's schema, when it is opened for writing.

        Args:
            key: the master key. On SQLite a key file beside the database serves when none is given.
            writer: without it nothing can be written, no key is needed, and the values of Secrets are redacted.
            daemon: only one at a time may be open on a database; each start raises `epoch` by one.
            now: the clock of history and changes, UTC.

        Raises:
            InvalidInput: the address, key or schema does not fit.
            Refused: a daemon runs on it, and this is to be another.
            Unreachable, TryLater: it does not answer, or cannot be written now.
        """
        place = place_of(url)
        stamps = Stamps(now or (lambda: datetime.now(UTC)))
        if isinstance(place, SqliteFile):
            opened = await cls._open_sqlite(place, key, stamps, writer=writer, daemon=daemon)
        else:
            if writer and key is None:
                raise InvalidInput("a Postgres database needs the master key: name its file in FLEETD_KEY_FILE")
            opened = cls(url, key if writer else None, stamps)
            driver = PostgresDriver(place, key=opened.key, stamps=stamps, heard=opened._heard)
            opened._driver = driver
            try:
                await driver.open(daemon=daemon)
            except BaseException:
                await driver.close()
                raise
        try:
            if writer:
                await opened._start(daemon)
        except BaseException:
            await opened.close()
            raise
        return opened

    @classmethod
    async def _open_sqlite(cls, place: SqliteFile, key: MasterKey | None, stamps: Stamps, *, writer: bool, daemon: bool) -> Database:
        if not writer and place.missing:
            raise InvalidInput(f"there is no database at {place}")
        lock = None
        if writer:
            _make_file(place.path)
            lock = DaemonLock.take(place.path) if daemon else None
        try:
            await asyncio.to_thread(_upgrade_if_due, place.path, writer)
            opened = cls(place.path.as_posix(), (key or _key_beside(place.path)) if writer else None, stamps)
            opened._driver = SqliteDriver(place.path, key=opened.key, stamps=stamps, heard=opened._heard)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        opened._lock = lock
        return opened

    async def _start(self, daemon: bool) -> None:
        self.epoch, last = await self.read(_start())
        if last is not None:
            self._stamps.last = last
        if daemon:
            self.epoch = await self.write(self._count_start)

    def _count_start(self, changes: Changes) -> Steps[int]:
        rows = yield Fetch(_START, {"instance_id": self.instance_id, "started_at": changes.at})
        epoch: int = rows[0]["epoch"]
        return epoch

    async def close(self) -> None:
        """Ends after everything that was asked is committed."""
        self._closed = True
        await self._driver.close()
        if self._lock is not None:
            self._lock.release()

    async def commit(self, records: Sequence[Record], *, by: Decider | None = None) -> None:
        """Writes the records, together with what others commit at the same time; they are durable when it returns.

        Requests among them are somebody's decisions: with `by`, or where `self.by` names who holds this database, each leaves
        an entry in the audit.

        Raises:
            TryLater: the database is away or full; nothing was written, or (only when the connection broke during the
                commit itself) all of it: the same records may be committed again.
        """
        if records:
            await self._ask(records, None, _decisions(records, by or self.by))

    async def write(self, work: Callable[[Changes], Steps[T]]) -> T:
        """Runs a piece of work in the next group commit; what it notes in `changes` becomes rows of `fleet_changes`."""
        result: T = await self._ask((), work)
        return result

    async def _ask(
        self, records: Sequence[Record], work: Callable[[Changes], Steps[Any]] | None, decided: Sequence[AuditEntry] = ()
    ) -> Any:
        if self.key is None:
            raise NotPermitted("this database was opened for reading only")
        if self._closed:
            raise TryLater("this database is closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._driver.submit(Asked(future, records, work, decided))
        return await future

    async def read(self, steps: Steps[T]) -> T:
        """Runs steps that only read, on one state of the database."""
        return await self._driver.read(steps)

    async def load(self) -> Loaded:
        """Everything current that the engine goes on from."""
        return await self.read(load(self.key))

    async def changes_since(self, seq: int, *, most: int = 10_000) -> list[Change]:
        """The changes after a sequence number, oldest first, `most` of them at a time.

        Raises:
            GiveUp: some of them are deleted already; load anew.
        """
        return await self.read(_changes_since(seq, most))

    async def asked_since(self, seq: int) -> tuple[list[Change], int]:
        """What people declared and asked after a sequence number, and the number up to which this is all of it.

        Raises:
            GiveUp: some of it is deleted already; load anew.
        """
        return await self.read(_asked_since(seq))

    async def changed(self) -> None:
        """Waits until another process committed something since the last call, or a declaration or request came through this one."""
        while not self._changed.is_set():
            try:
                # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the change.
                async with asyncio.timeout(_NET_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                if await self._driver.changed_unheard():
                    break
        self._changed.clear()

    async def listen(self) -> AsyncIterator[None]:
        """Yields after each time that `changed` returns, until it is closed."""
        while True:
            await self.changed()
            yield

    def _heard(self, _own: bool) -> None:
        self._changed.set()


def _decisions(records: Sequence[Record], by: Decider | None) -> list[AuditEntry]:
    asked = (record for record in records if isinstance(record, RequestRecord)) if by is not None else ()
    return [replace(by, action=one.verb).entry(one.subject, one.state, one.request_id) for one in asked if by is not None]


def _start() -> Steps[tuple[int, datetime | None]]:
    """The last epoch, and the time of the last change, which no later one may come before."""
    epoch: int = (yield Fetch(_EPOCH))[0]["epoch"]
    rows = yield Fetch(_LAST)
    return epoch, moment(rows[0]["at"]) if rows else None


def _changes_since(seq: int, most: int) -> Steps[list[Change]]:
    oldest = (yield Fetch(_OLDEST))[0]["oldest"]
    _check_kept(seq, oldest)
    rows = yield Fetch(_CHANGES, {"after": seq, "most": most})
    return [Change(row["seq"], row["object_kind"], row["ref"], row["operation"], moment(row["at"]), row["cluster"] or "") for row in rows]


def _asked_since(seq: int) -> Steps[tuple[list[Change], int]]:
    bounds = (yield Fetch(_BOUNDS))[0]
    _check_kept(seq, bounds["oldest"])
    latest = max(seq, bounds["latest"] or 0)
    rows = yield Fetch(_ASKED, {"after": seq, "until": latest})
    return [Change(row["seq"], row["object_kind"], row["ref"], row["operation"], moment(row["at"])) for row in rows], latest


def _check_kept(seq: int, oldest: int | None) -> None:
    if seq and oldest is not None and oldest > seq + 1:
        raise GiveUp(f"the changes after {seq} are kept no more, the oldest is {oldest}: load anew")


def _make_file(path: Path) -> None:
    """An empty file for its owner only; SQLite gives its companions the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise InvalidInput(f"the database {path} cannot be opened for writing: {error.strerror}") from error


def _key_beside(path: Path) -> MasterKey:
    file = path.with_name(path.name + ".key")
    if not file.exists() and _holds_secrets(path):
        raise InvalidInput(f"the key file {file} is gone, and the database holds Secrets: put it back, or name it in FLEETD_KEY_FILE")
    key, file, made = key_beside(path)
    if made:
        _log.warning("made the master key %s: keep a copy apart from the database's backups, without it Secrets cannot be read", file)
    return key


def _holds_secrets(path: Path) -> bool:
    """Whether something in it was encrypted: a second key beside the first would make the one or the other half unreadable."""
    with contextlib.closing(connect(path, writer=False)) as connection:
        found = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM declared WHERE sealed IS NOT NULL) OR EXISTS (SELECT 1 FROM bodies WHERE encrypted)"
        )
        return bool(found.fetchone()[0])


def _upgrade_if_due(path: Path, writer: bool) -> None:
    connection = connect(path, writer=writer)
    try:
        found = None
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    if not upgrade_is_due(found[0] if found else None, str(path)):
        return
    if not writer:
        raise InvalidInput(f"the schema of {path} is not up to date: run fleetd db upgrade")
    upgrade_sqlite(path)
