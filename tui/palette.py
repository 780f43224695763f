"""What ctrl-p offers: every screen that needs no subject, and the themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from tui.columns import TABLES
from tui.paint import PALETTES
from tui.places import Place
from tui.screens import PAGES, TITLES

if TYPE_CHECKING:
    from tui.app import FleetApp


def system_commands(app: FleetApp) -> Iterator[SystemCommand]:
    """Each with what would be typed for it."""
    for name in (*TABLES, *(name for name, page in PAGES.items() if not page.needs_subject)):
        yield SystemCommand(TITLES[name], f":{name}", partial(_go, app, name))
    for name in PALETTES:
        yield SystemCommand(f"Theme {name}", f":theme {name}", partial(app.wear, name))
    yield SystemCommand("Quit", "q", app.exit)


def _go(app: FleetApp, name: str) -> None:
    app.run_worker(app.go(Place(name)))
