"""`fleetd-mcp`: the MCP server, on standard input and output or over HTTP. Standard output is the protocol's only."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from platformdirs import user_data_path

from fleetd import __version__
from fleetd.domain.errors import FleetdError
from fleetd.settings import Settings, read_settings
from mcp_server.principals import Mode

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until its standard input ends, or it is interrupted; ends the process with an exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 at the end, 2 for wrong usage, else that of the error."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options.database)
        logging.basicConfig(stream=sys.stderr, level=_LEVELS[settings.log_level], format="%(asctime)s %(name)s %(message)s")
        # The protocol's library takes longer to import than all else; --help and wrong options need not wait for it.
        from mcp_server.serving import serve_stdio

        asyncio.run(serve_stdio(settings, Mode(options.mode)))
    except FleetdError as error:
        sys.stderr.write(f"fleetd-mcp: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fleetd-mcp", description="The fleet for AI assistants: an MCP server over fleetd's state.")
    parser.add_argument("--database", metavar="URL", help="a path, sqlite:///path or postgresql://…; else FLEETD_DATABASE")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.OBSERVE.value, help="what may be done: %(default)s")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _settings(database: str | None) -> Settings:
    environment = {**os.environ, "FLEETD_DATABASE": database} if database else os.environ
    return read_settings(environment, user_data_path("fleetd", appauthor=False))


if __name__ == "__main__":
    main()
