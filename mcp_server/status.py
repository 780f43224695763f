"""What the server says of itself: who calls, what is offered and what is hidden, and why."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd import __version__
from fleetd.service.answers import Answer
from fleetd.service.asking import Question
from fleetd.service.questions.audit import still_there
from fleetd.service.questions.ground import Ground
from fleetd.service.trail import Written
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
    audit_chain: str
    history_since: str | None
    waiting_requests: int
    calls_a_second: dict[str, float]
    hidden: tuple[Hidden, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServerStatus(Question[Answer[ServerStatus]]):
    """What this server is, what its caller may do, which tools are hidden and why, and how far back the record goes."""

    @staticmethod
    def filled(
        mode: str, principal: str, scopes: tuple[str, ...], hidden: tuple[Hidden, ...], written: Written | None
    ) -> Question[Answer[ServerStatus]]:
        """The question, with what only the server knows."""
        return _Status(mode=mode, principal=principal, scopes=scopes, hidden=hidden, written=written)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status(Question[Answer[ServerStatus]]):
    mode: str
    principal: str
    scopes: tuple[str, ...]
    hidden: tuple[Hidden, ...]
    written: Written | None

    def answered(self, ground: Ground) -> Answer[ServerStatus]:
        oldest = ground.row("SELECT at FROM fleet_changes ORDER BY seq LIMIT 1")
        waiting = ground.rows("SELECT COUNT(*) AS n FROM fleet_requests WHERE state = 'waiting'")[0]["n"]
        return ground.answer(
            ServerStatus(
                version=__version__,
                mode=self.mode,
                principal=self.principal,
                scopes=self.scopes,
                audit=f"off: {_off(self.written)}" if _off(self.written) else "on",
                audit_chain=_chain(ground, self.written),
                history_since=oldest["at"] if oldest else None,
                waiting_requests=int(waiting),
                calls_a_second={name: rate.a_second for name, rate in RATES.items()},
                hidden=self.hidden,
            )
        )


def _off(written: Written | None) -> str:
    return "calls are logged to standard error only" if written is None else written.off


def _chain(ground: Ground, written: Written | None) -> str:
    """What one look at an index tells; the whole is checked by `fleetd audit verify`."""
    if written is None or (written.off and not written.end.position):
        return ""
    if not written.end.position:
        return "nothing is written yet"
    said = f"{written.end.position} rows of {written.end.writer}"
    if written.lost:
        said += f", {written.lost} lost"
    whole = still_there(ground, written.end)
    return f"{said}, the last as it was written" if whole else f"broken: {said}, and the last is not as it was written: fleetd audit verify"
