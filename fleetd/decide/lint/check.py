"""The checker: every finding about an input, in the order of its text."""

from __future__ import annotations

from collections.abc import Iterable

from fleetd.decide.lint.compilers import Compilers
from fleetd.decide.lint.expressions import check_expressions, check_syntax
from fleetd.decide.lint.given import Given
from fleetd.decide.lint.lua_results import check_lua_results
from fleetd.decide.lint.references import check_identities, check_references, check_selectors
from fleetd.decide.lint.variables import check_variables
from fleetd.domain.documents import Document, UnreadableText, findings_of
from fleetd.domain.findings import CODES, Finding


def check(documents: Iterable[Document], compilers: Compilers | None = None) -> list[Finding]:
    """Everything that is wrong or doubtful in the documents of one input, which may come from several files.

    Without compilers the syntax of CEL, Lua and templates is not looked at.
    """
    given = Given(tuple(documents))
    found = [finding for document in given.documents for finding in findings_of(document)]
    found += check_identities(given)
    found += check_selectors(given)
    found += check_references(given)
    found += check_expressions(given)
    found += check_lua_results(given)
    found += check_variables(given)
    if compilers is not None:
        found += check_syntax(given, compilers)
    order = {document.source: number for number, document in reversed(list(enumerate(given.documents)))}
    return sorted(dict.fromkeys(found), key=lambda one: (order.get(one.file, 0), one.line, one.column, one.code))


def unreadable(error: UnreadableText) -> Finding:
    """The finding of a file that could not be read."""
    return Finding(error.source, error.line, error.column, "FD001", CODES["FD001"].severity, error.sentence)
