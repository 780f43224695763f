"""Members: connected, checked to be who they are, watched, and connected again when they were away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from fleetd.cluster.port import Cluster
from fleetd.decide.digest import digest
from fleetd.decide.members import Member, credentials_of, kubeconfig_text
from fleetd.decide.plane.membering import SPEAKING, member_state, uid_of
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.retry import next_attempt
from fleetd.domain.errors import FleetdError, GiveUp, NotPermitted, TryLater
from fleetd.domain.records import Heartbeat
from fleetd.domain.refs import GroupVersionKind
from fleetd.domain.states import ClusterState
from fleetd.engine.clock import Clock
from fleetd.engine.loop import Loop
from fleetd.engine.observer import Observer

HEARTBEAT_SECONDS = 60.0
OPENING = 32
"""Connections opened at a time: a TLS handshake costs milliseconds of the loop."""

Connect = Callable[[str, str], Awaitable[Cluster]]
"""(name, kubeconfig text) → a connection; raises as the cluster port says, and `InvalidInput` for a bad kubeconfig.

The management plane has no kubeconfig: its text is empty.
"""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Session:
    """One member's connection, and the task that keeps it."""

    config: str
    task: asyncio.Task[None] | None = None
    cluster: Cluster | None = None
    observer: Observer | None = None
    trouble: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Members:
    """All sessions."""

    def __init__(self, loop: Loop, connect: Connect, clock: Clock) -> None:
        self._loop = loop
        self._connect = connect
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Semaphore(OPENING)

    def connected(self, cluster: str) -> Cluster | None:
        """The open connection of a member that can be spoken to now."""
        session = self._sessions.get(cluster)
        return session.cluster if session is not None and not session.trouble else None

    def reconnect(self, name: str) -> None:
        """Brings a session in line with the member's declaration and credentials."""
        member = self._loop.plane.members.get(name)
        session = self._sessions.get(name)
        config = self._config_mark(member) if member is not None else ""
        if session is not None and (member is None or session.config != config):
            del self._sessions[name]
            self._end(session)
            session = None
        if member is not None and session is None:
            session = self._sessions[name] = Session(config)
            session.task = asyncio.get_running_loop().create_task(self._keep(name, session), name=f"session of {name}")

    def renew(self, name: str) -> None:
        """Ends a session and begins another one, which lists everything anew."""
        session = self._sessions.pop(name, None)
        if session is not None:
            self._end(session)
        self.reconnect(name)

    def adjust_watches(self, name: str) -> None:
        """Starts and stops watches as the plane wants them."""
        session = self._sessions.get(name)
        if session is not None and session.observer is not None:
            session.observer.adjust()

    def rejudge(self, name: str, gvk: GroupVersionKind) -> None:
        """Lists a kind anew."""
        session = self._sessions.get(name)
        if session is not None and session.observer is not None:
            session.observer.rejudge(gvk)

    def read_again(self, name: str, gvk: GroupVersionKind) -> None:
        """A second read of a kind."""
        session = self._sessions.get(name)
        if session is not None and session.observer is not None:
            session.observer.read_again(gvk)

    async def beat(self) -> None:
        """Says once a minute which members are there; the only write of an idle fleet."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            alive = tuple(sorted(name for name in self._sessions if self.connected(name) is not None))
            if alive:
                self._loop.put(partial(_heartbeat, alive))

    async def stop(self) -> None:
        """Ends every session."""
        for session in self._sessions.values():
            self._end(session)
        self._sessions.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _config_mark(self, member: Member) -> str:
        secret = self._loop.plane.contents.get(credentials_of(member).secret)
        return digest([member.kind, str(credentials_of(member)), (secret or {}).get("data")])

    def _end(self, session: Session) -> None:
        if session.task is not None:
            session.task.cancel()
            self._ending.add(session.task)
            session.task.add_done_callback(self._ending.discard)

    async def _keep(self, name: str, session: Session) -> None:
        failures = 0
        try:
            while True:
                try:
                    async with self._opening:
                        await self._open(name, session)
                    failures = 0
                    await self._until_broken(name, session)
                except FleetdError as error:
                    failures += 1
                    state = ClusterState.DEGRADED if isinstance(error, NotPermitted) else ClusterState.UNREACHABLE
                    await self._close(session)
                    self._tell(name, ClusterState.UNREACHABLE if state is ClusterState.UNREACHABLE else state, str(error))
                    await asyncio.sleep(self._pause(failures, error))
                except asyncio.CancelledError:
                    raise
                except Exception:
                    failures += 1
                    log.exception("a session failed in a way that nobody foresaw", cluster=name)
                    await self._close(session)
                    await asyncio.sleep(self._pause(failures, None))
        finally:
            await self._close(session)

    def _pause(self, failures: int, error: FleetdError | None) -> float:
        now = self._clock.now()
        later = error.after if isinstance(error, TryLater) else None
        at = next_attempt(failures, now, chance=self._clock.chance(), refused=isinstance(error, GiveUp), after=later)
        return (at - now).total_seconds()

    async def _open(self, name: str, session: Session) -> None:
        plane = self._loop.plane
        member = plane.members.get(name)
        if member is None:
            raise GiveUp("it is not a member any more")
        if plane.known_members.get(name) is None:
            self._tell(name, ClusterState.CONNECTING, "")
        text = "" if member.local else kubeconfig_text(member, plane.contents.get(credentials_of(member).secret))
        cluster = session.cluster = await self._connect(name, text)
        session.trouble = "connecting"
        await self._check(name, cluster)
        session.trouble = ""
        session.observer = Observer(cluster, self._loop, partial(self._trouble, session))
        session.observer.adjust()

    async def _check(self, name: str, cluster: Cluster) -> None:
        """Makes sure that the cluster is the one it was before anything is written to it or believed of it."""
        identity = await cluster.identity()
        known = uid_of(self._loop.plane, name)
        if known and identity.uid != known:
            raise GiveUp(
                f"another cluster answers at this address (its kube-system is {identity.uid}, {name}'s was {known}); "
                "deregister and register it again if that is meant"
            )
        self._tell(name, ClusterState.READY, "", version=identity.version, uid=identity.uid)

    def _trouble(self, session: Session, reason: str) -> None:
        session.trouble = reason
        session.news.set()

    async def _until_broken(self, name: str, session: Session) -> None:
        """Follows the watches: away is told at once, and when they are back the identity is checked first."""
        away = False
        while True:
            await session.news.wait()
            session.news.clear()
            reason = session.trouble
            if reason:
                away = True
                self._tell(name, ClusterState.UNREACHABLE, reason)
            elif away and session.cluster is not None:
                await self._check(name, session.cluster)
                away = False

    async def _close(self, session: Session) -> None:
        observer, cluster = session.observer, session.cluster
        session.observer = session.cluster = None
        if observer is not None:
            await observer.stop()
        if cluster is not None:
            await cluster.close()

    def _tell(self, name: str, state: ClusterState, reason: str, *, version: str = "", uid: str = "") -> None:
        self._loop.put(partial(_member_state, name, state, reason, version, uid))


def _member_state(name: str, state: ClusterState, reason: str, version: str, uid: str, plane: Plane, turn: Turn) -> None:
    member_state(plane, turn, name, state, reason, version=version, uid=uid)


def _heartbeat(names: tuple[str, ...], plane: Plane, turn: Turn) -> None:
    seen = tuple(name for name in names if name in plane.known_members and plane.known_members[name].state in SPEAKING)
    if seen:
        turn.records.append(Heartbeat(clusters=seen, at=turn.now))
