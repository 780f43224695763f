"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from cyclopts import Parameter

Output = Literal["table", "wide", "json", "yaml", "name"]

DatabaseOption = Annotated[
    str | None,
    Parameter(
        name="--database",
        env_var="FLEETD_DATABASE",
        help="A path, sqlite:///path, or postgresql://…; without it a file in the platform's data folder.",
    ),
]
OutputOption = Annotated[Output, Parameter(name=("--output", "-o"), help="A table for people, or a form for programs.")]
NamespaceOption = Annotated[str, Parameter(name=("--namespace", "-n"), help="The namespace of namespaced objects.")]
EverywhereOption = Annotated[bool, Parameter(name=("--all-namespaces", "-A"), negative="", help="All namespaces.")]
SelectorOption = Annotated[str, Parameter(name=("--selector", "-l"), help="Labels, as kubectl writes selectors: a=b,c!=d,e in (f,g),h,!i.")]
FilesOption = Annotated[
    Sequence[str],
    Parameter(
        name=("--filename", "-f"),
        negative="",
        metavar="PATH",
        allow_leading_hyphen=True,  # a dash alone is stdin
        help="A file, a folder with all below it, or - for stdin.",
    ),
]
WatchOption = Annotated[bool, Parameter(name=("--watch", "-w"), negative="", help="Go on showing what changes, until interrupted.")]
DryRunOption = Annotated[bool, Parameter(name="--dry-run", negative="", help="Say what would be done, and do nothing.")]
ReasonOption = Annotated[str, Parameter(name="--reason", help="Why; it is kept beside what was done.")]
