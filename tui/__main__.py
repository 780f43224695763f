"""`fleetd-tui`: the fleet in a terminal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from platformdirs import user_data_path

from fleetd import __version__
from fleetd.domain.errors import FleetdError, InvalidInput
from fleetd.service.foreign import plain_text
from fleetd.service.local import LocalQuestions
from fleetd.settings import read_settings
from fleetd.store.urls import SqliteFile, place_of
from tui.asked import Reach


def main(arguments: Sequence[str] | None = None) -> None:
    """Shows the fleet until somebody quits; ends the process with an exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 at the end, 2 for wrong usage, else that of the error."""
    options = _parser().parse_args(arguments)
    try:
        url = _database(options.database)
        asyncio.run(_reach(url))
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise InvalidInput("this needs a terminal; for scripts there are fleetd get, events, addons, drift and sql")
    except FleetdError as error:
        sys.stderr.write(f"fleetd-tui: {plain_text(str(error), most=2_000)}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    from tui.app import FleetApp  # Textual takes longer to import than a wrong option or database should wait

    app = FleetApp(url)
    app.run()
    return app.return_code or 0


def _database(named: str | None) -> str:
    """The database that is meant.

    Raises:
        InvalidInput: there is none.
    """
    environment = {**os.environ, "FLEETD_DATABASE": named} if named else os.environ
    url = read_settings(environment, user_data_path("fleetd", appauthor=False)).database
    place = place_of(url)
    if isinstance(place, SqliteFile) and not place.path.exists():
        raise InvalidInput(f"there is no database at {place}: name it by --database or FLEETD_DATABASE; fleetd run makes one")
    return url


async def _reach(url: str) -> None:
    questions = LocalQuestions(url)
    try:
        await questions.ask(Reach())
    finally:
        await questions.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "fleetd-tui", description="The fleet in a terminal, live: clusters, events, add-ons, drift, decisions."
    )
    parser.add_argument("--database", metavar="URL", help="a path, sqlite:///path or postgresql://…; else FLEETD_DATABASE")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    main()
