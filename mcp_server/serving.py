"""Puts the parts together, and serves one transport until it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp.server import Server
from mcp.server.stdio import stdio_server

from fleetd.service.acting import Actions
from fleetd.service.feed import Changed
from fleetd.service.live import LiveObjects
from fleetd.service.local import LocalQuestions
from fleetd.service.trail import local_trail
from fleetd.settings import Settings
from mcp_server.calls import Desk
from mcp_server.catalogue import offered
from mcp_server.ending import told_before, told_to_end
from mcp_server.places import Place
from mcp_server.principals import Mode
from mcp_server.server import build_server
from mcp_server.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Offer:
    """What is served: on which state, what may be done, and whether SQL may be asked."""

    settings: Settings
    mode: Mode = Mode.OBSERVE
    sql: bool = False


@asynccontextmanager
async def opened(offer: Offer) -> AsyncIterator[tuple[Desk, Subscriptions]]:
    """The desk and the subscriptions of one process."""
    url = offer.settings.database
    questions = LocalQuestions(url)
    actions = _actions(offer, questions) if offer.mode is Mode.OPERATE else None
    subscriptions = Subscriptions(lambda: _changes(url))
    trail, live = local_trail(url, questions, "mcp", _say), LiveObjects(url, questions)
    trail.begin(offer.mode.value)
    try:
        yield Desk(questions, offered(offer.mode, sql=offer.sql), offer.mode, actions, trail=trail, live=live), subscriptions
    finally:
        await subscriptions.close()
        await live.close()
        await trail.close()
        if actions is not None:
            await actions.close()
        await questions.close()


def _say(sentence: str) -> None:
    sys.stderr.write(f"fleetd-mcp: {sentence}\n")
    sys.stderr.flush()


def _actions(offer: Offer, questions: LocalQuestions) -> Actions:
    from fleetd.service.local_acting import LocalActions  # brings SQLAlchemy, which no question needs

    return LocalActions(offer.settings.database, questions, key_file=offer.settings.key_file)


async def _changes(url: str) -> AsyncIterator[Changed]:
    from fleetd.service.listening import changes  # as above

    async with aclosing(changes(url)) as found:
        async for changed in found:
            yield changed


async def serve_stdio(offer: Offer) -> None:
    """Until standard input ends, or the process is told to end."""
    with told_to_end() as told:
        async with opened(offer) as (desk, subscriptions):
            speaking = asyncio.create_task(_speak(build_server(desk, subscriptions)))
            unheard = await told_before(told, speaking)
            if not unheard:
                await speaking
    if unheard:
        # A thread waits in a read of standard input, which nothing can interrupt; all that was to be kept is written.
        os._exit(0)


async def _speak(server: Server[Any]) -> None:
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


async def serve_http(offer: Offer, place: Place, token_file: Path | None) -> None:
    """Until the process is told to end.

    Raises:
        InvalidInput, NotPermitted: it cannot listen there so.
    """
    from mcp_server.http import READONLY, WHOLE, build_app, listen, read_tokens  # brings the web server, which stdio does not need

    tokens = read_tokens(token_file) if token_file else None
    async with opened(offer) as (desk, subscriptions):
        servers = {
            WHOLE: build_server(desk, subscriptions),
            READONLY: build_server(replace(desk, readonly=True), subscriptions),
        }
        await listen(build_app(servers, place, tokens), place, subscriptions.close)
