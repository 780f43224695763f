"""Actions on a database within reach: what opens it for writing, with its master key."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from fleetd.decide.definitions import PAUSED
from fleetd.domain.audit import Decider
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.errors import NotPermitted
from fleetd.domain.records import RequestRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import RequestState
from fleetd.service.acting import Acknowledge, Action, Actor, Approve, Reject, Requeue, Resync, SetPause
from fleetd.service.admission import Admission
from fleetd.service.answers import Answer
from fleetd.service.asking import Questions
from fleetd.service.questions.events import GetEvent
from fleetd.service.questions.held import FindCluster, FindHeld, FindSubjects, ReadRequests, RequestsMade
from fleetd.service.questions.proposals import FindProposal
from fleetd.service.questions.requests import RequestRow
from fleetd.service.teaching import Code, Lesson, Taught, bad
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.urls import SqliteFile, place_of

MOST_REFS = 20
RELEASED_AT_ONCE = 10
"""Resuming what holds back more than this is a person's decision."""
PEOPLE = frozenset({"cli", "tui"})
"""Faces that a person sits at."""


def _now() -> datetime:
    return datetime.now(UTC)


class LocalActions:
    """Writes through a database that is opened, with its master key, at the first action."""

    def __init__(self, url: str, questions: Questions, *, key_file: Path | None = None, clock: Callable[[], datetime] = _now) -> None:
        self._url, self._questions, self._key_file, self._clock = url, questions, key_file, clock
        self._database: Database | None = None
        self._file: tuple[int, int] | None = None
        self._turn = asyncio.Lock()

    async def act(self, action: Action, actor: Actor) -> Answer[RequestsMade]:
        if not action.reason.strip():
            raise bad("reason", "", "reason is empty: say why, for the record")
        async with self._turn:
            database = await self._opened()
            match action:
                case Requeue():
                    ids = await self._requeue(database, action, actor)
                case SetPause():
                    ids = [await self._pause(database, action, actor)]
                case Resync():
                    ids = await self._resync(database, action, actor)
                case Acknowledge():
                    ids = await self._acknowledge(database, action, actor)
                case Approve():
                    ids = await self._ask(database, "approve", [await self._proposal(action, actor, action.seen)], action, actor)
                case Reject():
                    ids = await self._ask(database, "reject", [await self._proposal(action, actor)], action, actor)
        return await self._questions.ask(ReadRequests(ids=tuple(ids)))

    async def _opened(self) -> Database:
        """The database at the address, which may be another file by now.

        Raises:
            FleetdError: it is away, or of another version: opening one for writing would make it, or upgrade it.
        """
        await self._questions.ask(ReadRequests(ids=()))
        place = place_of(self._url)
        file = place.file() if isinstance(place, SqliteFile) else None
        if self._database is not None and file != self._file:
            await self._database.close()
            self._database = None
        if self._database is None:
            key = MasterKey.from_file(self._key_file) if self._key_file else None
            self._database, self._file = await Database.open(self._url, key=key), file
        return self._database

    async def outcome(self, ids: Sequence[str], *, seconds: float) -> tuple[RequestRow, ...]:
        """What became of requests, when all of them are decided, or after so many seconds."""
        rows: tuple[RequestRow, ...] = ()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not rows or any(row.state == RequestState.WAITING for row in rows):
                    if rows and self._database is not None:
                        await self._database.changed()
                    rows = (await self._questions.ask(ReadRequests(ids=tuple(ids)))).result.requests
        return rows

    async def changed(self) -> None:
        """Waits until somebody has committed something."""
        if self._database is not None:
            await self._database.changed()

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()

    async def _requeue(self, database: Database, action: Requeue, actor: Actor) -> list[str]:
        _few("refs", action.refs)
        profiles = (await self._questions.ask(FindSubjects(refs=action.refs))).result.profiles
        return await self._ask(database, "requeue", profiles, action, actor)

    async def _resync(self, database: Database, action: Resync, actor: Actor) -> list[str]:
        _few("clusters", action.clusters)
        named = [(await self._questions.ask(FindCluster(cluster=name))).result.name for name in action.clusters]
        return await self._ask(database, "resync", named, action, actor)

    async def _acknowledge(self, database: Database, action: Acknowledge, actor: Actor) -> list[str]:
        _few("events", action.events)
        for event in action.events:
            await self._questions.ask(GetEvent(event_id=event))
        done = {"state": RequestState.DONE, "decided_at": self._clock(), "outcome": f"{actor.name} looks after it"}
        return await self._ask(database, "acknowledge", [f"event:{event}" for event in action.events], action, actor, **done)

    async def _proposal(self, action: Approve | Reject, actor: Actor, seen: str = "") -> str:
        """Its whole id, and what of it was shown.

        Raises:
            NotPermitted: no person sits there.
        """
        if actor.via not in PEOPLE:
            raise NotPermitted(
                "a proposal is decided by a person at a terminal: fleetd proposals approve or reject, or A and X in fleetd-tui"
            )
        found = (await self._questions.ask(FindProposal(named=action.proposal))).result
        return f"{found['id']}#{seen}" if seen else str(found["id"])

    async def _ask(self, database: Database, verb: str, subjects: Sequence[str], action: Action, actor: Actor, **more: Any) -> list[str]:
        """A request for each subject; those that were made before under the same key are not made anew."""
        records = [self._record(verb, subject, action, actor, **more) for subject in subjects]
        known = await self._questions.ask(ReadRequests(ids=tuple(record.request_id for record in records)))
        before = {request.request_id for request in known.result.requests}
        made = [record for record in records if record.request_id not in before]
        await database.commit(made, by=Decider(actor.name, actor.via, verb))
        return [record.request_id for record in records]

    async def _pause(self, database: Database, action: SetPause, actor: Actor) -> str:
        held = (await self._questions.ask(FindHeld(scope=action.scope))).result
        record = self._record("pause" if action.paused else "resume", held.scope, action, actor)
        if (await self._questions.ask(ReadRequests(ids=(record.request_id,)))).result.requests:
            return record.request_id
        if not action.paused and actor.via not in PEOPLE and held.waiting > RELEASED_AT_ONCE:
            raise _a_persons(held.scope, held.waiting)
        ref = ObjectRef.parse(held.ref)
        live = await database.declared.get(ref)
        if live is None:
            raise bad("scope", held.scope, "it is declared no more")
        now = self._clock()
        by = Decider(actor.name, actor.via, record.verb)
        admission = Admission(database, manager=f"fleetd-{actor.via}", by=by)
        admitted = await admission.change(ref, _paused(live, action.paused), live, now=now)
        outcome = f"{'paused' if action.paused else 'resumed'} in revision {admitted.object.resource_version}"
        done = {"state": RequestState.DONE, "decided_at": now, "outcome": outcome}
        await database.commit([self._record(record.verb, held.scope, action, actor, request_id=record.request_id, **done)])
        return record.request_id

    def _record(self, verb: str, subject: str, action: Action, actor: Actor, **more: Any) -> RequestRecord:
        plain = {"request_id": _id(verb, subject, action, actor), "state": RequestState.WAITING}
        made = {"verb": verb, "subject": subject, "actor": actor.name, "via": actor.via, "reason": action.reason[:500]}
        return RequestRecord(**{**plain, **made, "created_at": self._clock(), **more})


def _few(field: str, named: Sequence[str]) -> None:
    if not 1 <= len(named) <= MOST_REFS:
        raise bad(field, str(len(named)), f"name 1 to {MOST_REFS}")


def _id(verb: str, subject: str, action: Action, actor: Actor) -> str:
    """The same for the same caller, key and thing, so that a repeated call makes nothing anew."""
    if not action.idempotency_key:
        return uuid4().hex
    return hashlib.sha256("\0".join((actor.name, action.idempotency_key, verb, subject)).encode()).hexdigest()[:32]


def _paused(live: DeclaredObject, paused: bool) -> dict[str, Any]:
    """A cluster says it in its spec, a profile by an annotation."""
    manifest = dict(live.manifest)
    if live.ref.kind == "SveltosCluster":
        return {**manifest, "spec": {**(manifest.get("spec") or {}), "paused": paused}}
    metadata = dict(manifest["metadata"])
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != PAUSED}
    metadata["annotations"] = {**annotations, PAUSED: "true"} if paused else annotations
    return {**manifest, "metadata": metadata}


def _a_persons(scope: str, waiting: int) -> Taught:
    sentence = f"resuming would release {waiting} things that wait, {RELEASED_AT_ONCE} at most are released so: a person decides it"
    return Taught(Lesson(code=Code.NEEDS_PROPOSAL, sentence=sentence, field="scope", got=scope))
