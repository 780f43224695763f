"""`fleetd-mcp`: the MCP server, on standard input and output or over HTTP. Standard output is the protocol's only."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_path

from fleetd import __version__
from fleetd.domain.errors import FleetdError
from fleetd.settings import read_settings
from mcp_server.places import read_place
from mcp_server.principals import Mode


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until its standard input ends, or it is told to end; ends the process with an exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 at the end, 2 for wrong usage, else that of the error."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except FleetdError as error:
        sys.stderr.write(f"fleetd-mcp: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(options: argparse.Namespace) -> None:
    environment = {**os.environ, "FLEETD_DATABASE": options.database} if options.database else os.environ
    settings = read_settings(environment, user_data_path("fleetd", appauthor=False))
    level = settings.log_level.upper()
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(name)s %(message)s")
    # The protocol's library takes longer to import than all else; --help and wrong options need not wait for it.
    from mcp_server.serving import Offer, serve_http, serve_stdio

    offer = Offer(settings, Mode(options.mode), options.sql)
    if options.http:
        await serve_http(offer, read_place(options.http), options.token_file)
    else:
        await serve_stdio(offer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fleetd-mcp", description="The fleet for AI assistants: an MCP server over fleetd's state.")
    parser.add_argument("--database", metavar="URL", help="a path, sqlite:///path or postgresql://…; else FLEETD_DATABASE")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=Mode.OBSERVE.value, help="what may be done: %(default)s")
    parser.add_argument("--sql", action="store_true", help="offer run_sql and describe_schema, too")
    parser.add_argument("--http", metavar="HOST:PORT", help="serve /mcp and /mcp/readonly over HTTP, not standard input and output")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="who may call over HTTP: lines NAME SCOPES TOKEN")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


if __name__ == "__main__":
    main()
