"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.service.teaching import bad
from fleetd.service.times import age

Output = Literal["table", "wide", "json", "yaml", "name"]

DatabaseOption = Annotated[
    str | None,
    Parameter(
        name="--database",
        env_var="FLEETD_DATABASE",
        help="A path, sqlite:///path, or postgresql://…; without it a file in the platform's data folder.",
    ),
]
PageForm = Literal["table", "json", "yaml"]
FormOption = Annotated[PageForm, Parameter(name=("--output", "-o"), help="Lines for people, or a form for programs.")]
OutputOption = Annotated[Output, Parameter(name=("--output", "-o"), help="A table for people, or a form for programs.")]
NamespaceOption = Annotated[str, Parameter(name=("--namespace", "-n"), help="The namespace of namespaced objects.")]
EverywhereOption = Annotated[bool, Parameter(name=("--all-namespaces", "-A"), negative="", help="All namespaces.")]
SelectorOption = Annotated[str, Parameter(name=("--selector", "-l"), help="Labels, as kubectl writes selectors: a=b,c!=d,e in (f,g),h,!i.")]
ClustersOption = Annotated[
    str,
    Parameter(
        name=("--clusters", "--cluster", "--selector", "-l"),
        metavar="SEL",
        allow_leading_hyphen=True,
        help="Which clusters: a name, prod-*, env=prod,region in (eu,us), label:canary, !name.",
    ),
]
SinceOption = Annotated[
    str,
    Parameter(
        name="--since", metavar="TIME", allow_leading_hyphen=True, help="Only since then: 30m, 2h, 7d, or a time like 2026-11-01T12:00:00Z."
    ),
]
AsOfOption = Annotated[
    str,
    Parameter(name="--as-of", metavar="TIME", allow_leading_hyphen=True, help="As it was at a past time: RFC 3339, or an age like -2h."),
]
ProfileOption = Annotated[str, Parameter(name="--profile", help="Only of ClusterProfile/name or Profile/namespace/name.")]
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


def seconds_of(text: str) -> float:
    """How long a time lasts: 30s, 2m, 1h30m.

    Raises:
        Taught: it is none.
    """
    if text.startswith("-"):
        raise bad("--timeout", text, "--timeout is no time: write 30s, 2m or 1h")
    return age(text, "--timeout").total_seconds()
