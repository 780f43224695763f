"""Small things asked of the daemon, and what it answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from fleetd.domain.records import RequestRecord
from fleetd.domain.states import RequestState
from fleetd.store.database import Database
from fleetd.store.reading import Reader

_ANSWER = "SELECT id, state, outcome FROM fleet_requests WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request; `state` is `waiting` when no daemon has taken it up yet."""

    request_id: str
    state: RequestState
    outcome: str


async def ask(database: Database, verb: str, subject: str, *, actor: str, via: str, reason: str, now: datetime) -> str:
    """Writes the request; its id. The daemon takes it up when it hears of it, or when it starts."""
    record = RequestRecord(
        request_id=uuid4().hex,
        verb=verb,
        subject=subject,
        actor=actor,
        via=via,
        reason=reason,
        state=RequestState.WAITING,
        created_at=now,
    )
    await database.commit([record])
    return record.request_id


async def answer(database: Database, request_id: str, *, seconds: float) -> Answer:
    """Waits for the daemon's answer, as long as that."""
    try:
        async with asyncio.timeout(seconds):
            while (found := await asyncio.to_thread(_read, database.url, request_id)).state is RequestState.WAITING:
                await database.changed()
    except TimeoutError:
        return Answer(request_id, RequestState.WAITING, "")
    return found


def _read(url: str, request_id: str) -> Answer:
    with Reader.open(url) as reader:
        rows: list[dict[str, Any]] = reader.rows(_ANSWER, {"id": request_id})
    if not rows:
        return Answer(request_id, RequestState.WAITING, "")
    return Answer(request_id, RequestState(rows[0]["state"]), rows[0]["outcome"])
