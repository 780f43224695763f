"""What the server says of itself: who calls, what is offered and what is hidden, and why."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd import __version__
from fleetd.service.answers import Answer
from fleetd.service.asking import Question
from fleetd.service.questions.ground import Ground
from mcp_server.limits import RATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A tool that this caller is not shown."""

    tool: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """The server, its caller and its limits."""

    version: str
    mode: str
    principal: str
    scopes: tuple[str, ...]
    audit: str
    history_since: str | None
    waiting_requests: int
    calls_a_second: dict[str, float]
    hidden: tuple[Hidden, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServerStatus(Question[Answer[ServerStatus]]):
    """What this server is, what its caller may do, which tools are hidden and why, and how far back the record goes."""

    @staticmethod
    def filled(mode: str, principal: str, scopes: tuple[str, ...], hidden: tuple[Hidden, ...]) -> Question[Answer[ServerStatus]]:
        """The question, with what only the server knows."""
        return _Status(mode=mode, principal=principal, scopes=scopes, hidden=hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status(Question[Answer[ServerStatus]]):
    mode: str
    principal: str
    scopes: tuple[str, ...]
    hidden: tuple[Hidden, ...]

    def answered(self, ground: Ground) -> Answer[ServerStatus]:
        oldest = ground.row("SELECT at FROM fleet_changes ORDER BY seq LIMIT 1")
        waiting = ground.rows("SELECT COUNT(*) AS n FROM fleet_requests WHERE state = 'waiting'")[0]["n"]
        return ground.answer(
            ServerStatus(
                version=__version__,
                mode=self.mode,
                principal=self.principal,
                scopes=self.scopes,
                audit="off: calls are logged to standard error only",
                history_since=oldest["at"] if oldest else None,
                waiting_requests=int(waiting),
                calls_a_second={name: rate.a_second for name, rate in RATES.items()},
                hidden=self.hidden,
            )
        )
