"""`fleetd lint`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.manifests import given_documents
from fleetd.cli.output import say, write_json, write_line
from fleetd.decide.lint.check import check, unreadable
from fleetd.domain.findings import Finding, Severity
from fleetd.service.compilers import Engines


def lint(
    *paths: Annotated[str, Parameter(allow_leading_hyphen=True)],
    severity: Literal["warning", "error"] = "warning",
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
) -> int:
    """Check manifests without a database: schema, CEL, Lua and templates, wrong places and names; exit code 1 with findings.

    YAML in Markdown pages is checked too.

    Examples:

        fleetd lint ./fleet
        fleetd lint trigger.yaml -o json
        cat trigger.yaml | fleetd lint -

    Parameters
    ----------
    paths:
        Files, folders with all below them, or - for stdin.
    severity:
        The least severe finding that is shown and counts.
    output:
        Lines for people, or JSON: {"findings": [{file, line, column, code, severity, message, fix}]}.
    """
    given = given_documents(paths, pages=True)
    found = [unreadable(error) for error in given.unreadable] + check(given.documents, Engines())
    found = [one for one in found if one.severity is Severity.ERROR or severity == "warning"]
    if output == "json":
        write_json({"findings": [_as_json(one) for one in found]})
    else:
        for one in found:
            write_line(f"{one.file}:{one.line}:{one.column}: {one.severity} {one.code}: {one.message}")
            if one.fix:
                write_line(f"    {one.fix}")
        errors = sum(one.severity is Severity.ERROR for one in found)
        say(f"{len(given.documents)} objects: {errors} errors, {len(found) - errors} warnings")
    return 1 if found else 0


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
