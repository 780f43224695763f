"""Builds everything, runs it, stops it in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from fleetd.cluster.connect import connect
from fleetd.cluster.port import Cluster
from fleetd.cluster.settings import ClusterSettings
from fleetd.decide.limits import Limits
from fleetd.domain.errors import FleetdError, InvalidInput, TryLater
from fleetd.domain.refs import MANAGEMENT_CLUSTER
from fleetd.domain.yaml_reader import UnreadableText, read_one
from fleetd.engine.clock import Clock
from fleetd.engine.engine import Engine
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.service.inspection import shown
from fleetd.service.manifests import follow_manifests
from fleetd.service.plane_cluster import PlaneCluster
from fleetd.service.renewal import renew_tokens
from fleetd.settings import Settings
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.keeping import Retention
from fleetd.store.retention import sweep

HOUR_SECONDS = 3600.0

log = structlog.get_logger(__name__)


def master_key(settings: Settings) -> MasterKey | None:
    """The key that the settings name, if they name one."""
    return MasterKey.from_file(settings.key_file) if settings.key_file else None


def read_kubeconfig_text(text: str) -> Mapping[str, Any]:
    """A kubeconfig from a Secret.

    Raises:
        InvalidInput: it is no YAML mapping.
    """
    try:
        value = read_one(text, source="kubeconfig")
    except UnreadableText as error:
        # No `from`: the parser's sentence may repeat a part of it, where credentials stand.
        raise InvalidInput(f"the kubeconfig is no YAML that can be taken: look at its line {error.line}") from None
    if not isinstance(value, dict):
        raise InvalidInput("the kubeconfig is no YAML mapping")
    return value


def _cause(error: BaseException) -> BaseException:
    """The first error of ours in a group, or the group as it is."""
    known: BaseException | None = error.subgroup(FleetdError) if isinstance(error, BaseExceptionGroup) else None
    while isinstance(known, BaseExceptionGroup):
        known = known.exceptions[0]
    return known or error


async def ended(running: asyncio.Task[None]) -> None:
    """Waits for the engine's end; what ended it, if it was not asked to, is raised as itself.

    Raises:
        FleetdError: what the engine cannot go on after, such as another daemon that has taken its place.
    """
    try:
        await running
    except asyncio.CancelledError:
        return
    except BaseExceptionGroup as group:
        raise _cause(group) from group


async def keep_house(database: Database) -> None:
    """Once an hour deletes what is older than it is to be kept."""
    while True:
        await asyncio.sleep(HOUR_SECONDS)
        try:
            deleted = await sweep(database, Retention(), datetime.now(UTC))
            log.info("old rows were deleted", rows=deleted)
        except TryLater as error:
            log.warning("old rows could not be deleted", reason=str(error))


async def run(settings: Settings, *, ready: Callable[[], None] | None = None, stop: asyncio.Event | None = None) -> None:
    """Runs the daemon until `stop` is set, or until SIGINT or SIGTERM.

    Raises:
        Refused: another daemon runs on this database.
    """
    ending = stop or asyncio.Event()
    if stop is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
    limits = ClusterSettings(allowed_exec=settings.allowed_exec)

    database = await Database.open(settings.database, key=master_key(settings), daemon=True)
    itself = PlaneCluster(database)

    async def open_cluster(name: str, text: str) -> Cluster:
        if name == MANAGEMENT_CLUSTER:
            return itself
        return await connect(name, read_kubeconfig_text(text), settings=limits)

    try:
        await itself.prepare()
        async with ScriptPool() as lua, TemplatePool(lua) as scripts:
            engine = Engine(database, open_cluster, scripts, Clock(), itself.announce, shown, observe=settings.observe)
            engine.plane.limits = Limits(timedelta(days=settings.proposal_days), settings.changes_per_minute)
            running = asyncio.create_task(engine.run())
            plane = engine.plane

            async def renew() -> None:
                await engine.loop.quiet()
                await renew_tokens(database, lambda: list(plane.members.values()), lambda: plane.contents)

            beside = [asyncio.create_task(keep_house(database)), asyncio.create_task(renew())]
            if settings.manifests is not None:
                beside.append(asyncio.create_task(follow_manifests(database, settings.manifests)))
            waiting = asyncio.create_task(ending.wait())
            if ready is not None:
                ready()
            try:
                await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (waiting, *beside, running):
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                await ended(running)
    finally:
        await database.close()
