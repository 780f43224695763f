"""The checker: every finding about an input, in the order of its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fleetd.decide.lint.compilers import Compilers
from fleetd.decide.lint.elsewhere import Elsewhere, check_elsewhere
from fleetd.decide.lint.expressions import broken_scripts, check_expressions, check_syntax
from fleetd.decide.lint.given import Given, in_a_page
from fleetd.decide.lint.loops import check_loops
from fleetd.decide.lint.lua_names import check_lua_names
from fleetd.decide.lint.lua_nil import check_lua_nils
from fleetd.decide.lint.lua_results import check_lua_results
from fleetd.decide.lint.never import check_never
from fleetd.decide.lint.references import check_identities, check_references, check_selectors
from fleetd.decide.lint.variables import check_variables
from fleetd.domain.documents import Document, UnreadableText, findings_of
from fleetd.domain.findings import CODES, Finding

_LOOKS: tuple[Callable[[Given], Iterable[Finding]], ...] = (
    check_identities,
    check_selectors,
    check_references,
    check_expressions,
    check_lua_results,
    check_lua_nils,
    check_lua_names,
    check_never,
    check_loops,
    check_variables,
)


def check(documents: Iterable[Document], compilers: Compilers | None = None, elsewhere: Elsewhere | None = None) -> list[Finding]:
    """Everything that is wrong or doubtful in the documents of one input, which may come from several files.

    Without compilers the syntax of CEL, Lua and templates is not looked at; without an elsewhere nothing is said of objects
    that are referred to and not in the input.
    """
    taken = tuple(documents)
    given = Given(taken, broken_scripts(taken, compilers) if compilers is not None else frozenset())
    found = [finding for document in taken for finding in findings_of(document) if not _foreign(document, finding)]
    for look in _LOOKS:
        found += look(given)
    if compilers is not None:
        found += check_syntax(given, compilers)
    if elsewhere is not None:
        found += check_elsewhere(given, elsewhere)
    order = {document.source: number for number, document in reversed(list(enumerate(given.documents)))}
    return sorted(dict.fromkeys(found), key=lambda one: (order.get(one.file, 0), one.line, one.column, one.code))


def _foreign(document: Document, finding: Finding) -> bool:
    """Pages show objects of clusters, too, which are nobody's mistake."""
    return finding.code == "FD003" and in_a_page(document) and "projectsveltos" not in str(document.manifest.get("apiVersion"))


def unreadable(error: UnreadableText) -> Finding:
    """The finding of a file that could not be read."""
    return Finding(error.source, error.line, error.column, "FD001", CODES["FD001"].severity, error.sentence)
