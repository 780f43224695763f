"""Tokens of fleetd's own ServiceAccounts are renewed before they end.

Registration with a ServiceAccount of its own notes on the kubeconfig's Secret when the token ends and how long it lives;
when a fifth of its life is left, the account asks for the next one itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
import yaml

from fleetd.cluster.connect import connect
from fleetd.cluster.registration import INLINED
from fleetd.cluster.service_account import issue
from fleetd.cluster.settings import ClusterSettings
from fleetd.decide.members import Member, credentials_of, kubeconfig_text
from fleetd.domain.errors import FleetdError, InvalidInput
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.yaml_reader import UnreadableText, read_one
from fleetd.service.admission import Admission
from fleetd.service.membership import TOKEN_ENDS, TOKEN_SECONDS, TokenLife, credentials_manifest
from fleetd.store.database import Database

LOOK_SECONDS = 60.0
LEFT = 0.2
"""The share of a token's life that is left when it is renewed."""

log = structlog.get_logger(__name__)


def due(secret: Manifest, now: datetime) -> int | None:
    """For how many seconds the next token is to be asked, when it is time; None when it is not, or nothing is noted."""
    annotations = secret["metadata"].get("annotations") or {}
    try:
        ends = datetime.fromisoformat(annotations[TOKEN_ENDS])
        seconds = int(annotations[TOKEN_SECONDS])
    except (KeyError, ValueError, AttributeError):
        return None
    return seconds if now >= ends - timedelta(seconds=seconds * LEFT) else None


async def renew_tokens(
    database: Database, members: Callable[[], list[Member]], secrets: Callable[[], Mapping[ObjectRef, Manifest]]
) -> None:
    """Looks once a minute, in memory, and asks only the clusters whose token is about to end; runs until it is cancelled."""
    while True:
        for member in members():
            secret = secrets().get(credentials_of(member).secret)
            seconds = due(secret, datetime.now(UTC)) if secret is not None else None
            if secret is None or seconds is None:
                continue
            try:
                await _renew(database, member, secret, seconds)
                log.info("a token was renewed", cluster=member.cluster)
            except FleetdError as error:
                log.warning("a token could not be renewed", cluster=member.cluster, reason=str(error))
        await asyncio.sleep(LOOK_SECONDS)


def _read(text: str) -> dict[str, Any]:
    """A stored kubeconfig; what is wrong with it is told without a part of it.

    Raises:
        InvalidInput: it is none.
    """
    try:
        config = read_one(text, source="kubeconfig")
    except UnreadableText as error:
        raise InvalidInput(f"the kubeconfig is no YAML that can be taken: look at its line {error.line}") from None
    if not isinstance(config, dict):
        raise InvalidInput("the kubeconfig is no map")
    return config


async def _renew(database: Database, member: Member, secret: Manifest, seconds: int) -> None:
    config = _read(kubeconfig_text(member, secret))
    cluster = await connect(member.cluster, config, settings=ClusterSettings())
    try:
        issued = await issue(cluster, config, INLINED, seconds=seconds)
    finally:
        await cluster.close()
    text = yaml.safe_dump(issued.kubeconfig, sort_keys=False)
    manifest = credentials_manifest(member.name, member.namespace, text, TokenLife(issued.expires, seconds))
    await Admission(database, manager="fleetd-renewal").apply(manifest, now=datetime.now(UTC), force=True)
