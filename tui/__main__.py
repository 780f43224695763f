"""`fleetd-tui`: the fleet in a terminal."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from fleetd import __version__
from fleetd.domain.errors import FleetdError, InvalidInput
from fleetd.service.foreign import plain_text
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.windows import Reach
from fleetd.settings import Settings, read_settings
from fleetd.store.urls import SqliteFile, place_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Shows the fleet until somebody quits; ends the process with an exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 at the end, 2 for wrong usage, else that of the error."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options.database)
        asyncio.run(_reach(settings.database))
        if options.web:
            return _serve(options)
        if not (sys.stdin.isatty() and sys.stdout.isatty()) and not os.environ.get("TEXTUAL_DRIVER"):
            raise InvalidInput("this needs a terminal; for scripts there are fleetd get, events, addons, drift and sql")
    except FleetdError as error:
        return _told(error)
    except KeyboardInterrupt:
        return 130
    return _show(settings, options)


def _serve(options: argparse.Namespace) -> int:
    try:
        from tui.web import serve  # an extra: its web server is for nobody else
    except ModuleNotFoundError as error:
        raise InvalidInput("--web needs the extra web: pip install 'fleetd[web]'") from error
    host, _, port = options.web.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise InvalidInput(f"{options.web!r} is no place to listen: write HOST:PORT, for example 127.0.0.1:8080")
    given = [f"--{name}={value}" for name in ("database", "theme", "keys", "start") if (value := getattr(options, name))]
    asyncio.run(serve(shlex.join([sys.executable, "-m", "tui", *given]), host.strip("[]") or "127.0.0.1", int(port)))
    return 0


def _show(settings: Settings, options: argparse.Namespace) -> int:
    # Textual takes longer to import than a wrong option or database should wait.
    from tui.app import FleetApp
    from tui.collector import collect_seldom
    from tui.given import Given
    from tui.grid import Grid
    from tui.keys import read_key_map
    from tui.paper import Paper

    folder = user_config_path("fleetd", appauthor=False)
    keys = options.keys or folder / "keys.toml"
    try:
        key_map = read_key_map(keys, {"list": Grid.BINDINGS, "page": Paper.BINDINGS}) if options.keys or keys.exists() else {}
        given = Given(
            settings.database,
            palette=options.theme or ("none" if os.environ.get("NO_COLOR") else "dark"),
            key_map=key_map,
            views=folder / "views.toml",
            sql_history=folder / "sql_history.jsonl",
            key_file=settings.key_file,
            start=options.start,
        )
        app = FleetApp(given)
    except FleetdError as error:
        return _told(error)
    collect_seldom()
    app.run()
    return app.return_code or 0


def _told(error: FleetdError) -> int:
    sys.stderr.write(f"fleetd-tui: {plain_text(str(error), most=2_000)}\n")
    return error.exit_code


def _settings(named: str | None) -> Settings:
    """The settings, with the database that is meant.

    Raises:
        InvalidInput: there is none.
    """
    environment = {**os.environ, "FLEETD_DATABASE": named} if named else os.environ
    settings = read_settings(environment, user_data_path("fleetd", appauthor=False))
    place = place_of(settings.database)
    if isinstance(place, SqliteFile) and place.missing:
        raise InvalidInput(f"there is no database at {place}: name it by --database or FLEETD_DATABASE; fleetd run makes one")
    return settings


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
    parser.add_argument("--theme", choices=("dark", "light", "colour-blind", "none"), help="how it looks; NO_COLOR means none")
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="a key map; else keys.toml in the configuration folder of fleetd, if there is one"
    )
    parser.add_argument("--start", default="pulse", metavar="COMMAND", help="the screen to begin with, as after ':' (%(default)s)")
    parser.add_argument("--web", nargs="?", const="127.0.0.1:8080", metavar="HOST:PORT", help="in a browser, behind a token (%(const)s)")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    main()
