"""Does what was typed: commands, times, names of views and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import local_pages
from tui.commands import Deed, dated, read_command
from tui.places import Place

if TYPE_CHECKING:
    from tui.app import FleetApp


async def obey(app: FleetApp, what: str, text: str) -> None:
    """Does it; `what` is the sign of the line in which it was typed.

    Raises:
        FleetdError: it cannot be done; why.
    """
    match what:
        case ":":
            await _command(app, read_command(text))
        case "~" if text:
            await app.go(dated(app.place.at(text), app.given.clock()))
        case "~":
            await app.go_now()
        case "!":
            app.run_worker(app.acting.end(text), group="acting")
        case "*" if text:
            app.frame.say(local_pages.save_view(app.given.views, text, app.place))
        case _:
            pass


async def _command(app: FleetApp, meant: Place | Deed) -> None:
    if isinstance(meant, Place):
        await app.go(dated(meant, app.given.clock()))
    elif meant.name == "quit":
        app.exit()
    elif meant.name == "theme":
        app.wear(meant.argument)
    elif meant.name == "help":
        await app.action_help()
    else:
        await app.go(Place(meant.name, meant.argument))
