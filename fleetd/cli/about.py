"""`fleetd version` and `fleetd completion`."""

from __future__ import annotations

import platform
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd import __version__
from fleetd.cli.output import write_json, write_line
from fleetd.store.schema import HEAD


def version(*, output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table") -> None:
    """Show the version of fleetd, of Python, and of the database schema that it speaks.

    Examples:

        fleetd version
        fleetd version -o json

    Parameters
    ----------
    output:
        A line for people, or JSON.
    """
    facts = {"version": __version__, "python": platform.python_version(), "schema": HEAD}
    if output == "json":
        write_json(facts)
    else:
        write_line(f"fleetd {__version__} (Python {facts['python']}, schema {HEAD})")


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Write a completion script for a shell to stdout.

    Examples:

        source <(fleetd completion bash)
        fleetd completion fish > ~/.config/fish/completions/fleetd.fish

    Parameters
    ----------
    shell:
        The shell.
    """
    from fleetd.cli.__main__ import build_app  # __main__ loads this module, lazily, for the command

    write_line(build_app().generate_completion(shell=shell))
