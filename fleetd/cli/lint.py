"""`fleetd lint`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.manifests import PAGES, STDIN, SUFFIXES, Given, given_documents, given_sources
from fleetd.cli.output import counted, say, write_json, write_line
from fleetd.cli.places import reading
from fleetd.cli.rewriting import raw_text, replace_text
from fleetd.decide.lint.check import check, unreadable
from fleetd.decide.lint.elsewhere import Elsewhere, unknown
from fleetd.decide.lint.mending import mended
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Finding, Severity
from fleetd.service.compilers import Engines
from fleetd.service.queries import Queries

_WEIGHTS = (Severity.INFORMATION, Severity.WARNING, Severity.ERROR)


def lint(
    *paths: Annotated[str, Parameter(allow_leading_hyphen=True)],
    fix: Annotated[bool, Parameter(negative="")] = False,
    severity: Literal["information", "warning", "error"] = "warning",
    database: str | None = None,
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
) -> int:
    """Check manifests without a database: schema, CEL, Lua and templates, wrong places and names; exit code 1 with findings.

    YAML in Markdown pages is checked too.

    Examples:

        fleetd lint ./fleet
        fleetd lint trigger.yaml -o json
        fleetd lint ./fleet --fix
        cat trigger.yaml | fleetd lint -

    Parameters
    ----------
    paths:
        Files, folders with all below them, or - for stdin.
    fix:
        Write what is obviously meant into the files, where that is safe; what is left is shown.
    severity:
        The least severe finding that is shown. Errors and warnings count for the exit code, information never does.
    database:
        Ask this database whether what is referred to, and is not in the files, is declared there.
    output:
        Lines for people, or JSON: {"findings": [{file, line, column, code, severity, message, fix}]}.
    """
    if fix:
        _fix(paths)
    given = given_documents(paths, pages=True)
    found = [unreadable(error) for error in given.unreadable] + check(given.documents, Engines(), _elsewhere(database))
    shown = [one for one in found if _WEIGHTS.index(one.severity) >= _WEIGHTS.index(Severity(severity))]
    if output == "json":
        write_json({"findings": [_as_json(one) for one in shown]})
    else:
        _write(given, found, shown)
    return 1 if any(one.severity is not Severity.INFORMATION for one in shown) else 0


def _fix(paths: Sequence[str]) -> None:
    if "-" in paths:
        raise InvalidInput("stdin cannot be written to: name files for --fix")
    before: dict[str, str] = {}
    for name, _ in given_sources(paths, SUFFIXES + PAGES):
        with suppress(InvalidInput):  # it is told as a finding
            before[name] = raw_text(name)
    after = mended(before, Engines())
    for name, text in after.texts.items():
        if text != before[name]:
            replace_text(name, text)
    for one in after.done:
        say(f"fixed {one.file}:{one.line}:{one.column}: {one.code}: {one.message}")


def _elsewhere(database: str | None) -> Elsewhere:
    if database is None:
        return unknown
    with reading(database) as reader:
        declared = {(row["kind"], row["namespace"] or "", row["name"]) for row in Queries(reader).objects()}
    return lambda kind, namespace, name: (kind, namespace, name) in declared


def _write(given: Given, found: Sequence[Finding], shown: Sequence[Finding]) -> None:
    for one in shown:
        name = "stdin" if one.file == STDIN else one.file
        write_line(f"{name}:{one.line}:{one.column}: {one.severity} {one.code}: {one.message}")
        if one.fix:
            write_line(f"    {one.fix}")
    errors, warnings = (sum(one.severity is severity for one in shown) for severity in (Severity.ERROR, Severity.WARNING))
    say(f"{counted(len(given.documents), 'object')}: {counted(errors, 'error')}, {counted(warnings, 'warning')}")
    hidden = sum(one.severity is Severity.INFORMATION for one in found) - sum(one.severity is Severity.INFORMATION for one in shown)
    if hidden:
        say(f"{counted(hidden, 'reference')} to what is not in the input: --severity information shows, --database asks")
    if any(one.code == "FD004" or "elector must be a mapping, not the text" in one.message for one in shown):
        say("fleetd migrate rewrites what is written for v1alpha1")


def _as_json(one: Finding) -> dict[str, str | int]:
    return {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "code": one.code,
        "severity": one.severity.value,
        "message": one.message,
        "fix": one.fix,
    }
