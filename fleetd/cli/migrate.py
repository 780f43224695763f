"""`fleetd migrate`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.manifests import STDIN, given_texts
from fleetd.cli.output import counted, say, say_all
from fleetd.cli.rewriting import raw_text, replace_text
from fleetd.decide.lint.check import check
from fleetd.decide.lint.rewriting import CannotWrite, rewritten
from fleetd.decide.lint.shapes import migrated
from fleetd.domain.documents import Document, UnreadableText, read_documents
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Severity
from fleetd.service.compilers import Engines


def migrate(
    *paths: Annotated[str, Parameter(allow_leading_hyphen=True)],
    write: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Rewrite removed v1alpha1 shapes to today's; exit code 1 when something of Sveltos is still wrong afterwards.

    The new text goes to stdout. Comments, and everything that need not change, stay as they are.

    Examples:

        fleetd migrate old.yaml
        fleetd migrate ./fleet --write
        cat old.yaml | fleetd migrate - | fleetd apply -f -

    Parameters
    ----------
    paths:
        Files, folders with all below them, or - for stdin.
    write:
        Change the files instead.
    """
    if write and "-" in paths:
        raise InvalidInput("stdin cannot be written to: leave --write out, the new text goes to stdout")
    texts = [(name, text if name == STDIN else raw_text(name)) for name, text in given_texts(paths, pages=write)]
    results, troubles = [], []
    for name, text in texts:
        after, remarks = _migrated(name, text)
        troubles += remarks
        results.append((name, text, after))
    if write:
        changed = [(name, after) for name, before, after in results if before != after]
        for name, after in changed:
            replace_text(name, after)
            say(f"{name}: rewritten")
        say(f"{counted(len(changed), 'file')} of {len(results)} changed")
    else:
        sys.stdout.write(_joined([after for _, _, after in results]))
    troubles += _left(results)
    say_all(troubles)
    return 1 if troubles else 0


def _migrated(name: str, text: str) -> tuple[str, list[str]]:
    """The new text, and what a person must look at."""
    try:
        documents = read_documents(text, source=name)
    except UnreadableText as error:
        raise InvalidInput(str(error)) from error
    remarks: list[str] = []
    blocks: dict[int, list[tuple[Document, dict[str, object]]]] = defaultdict(list)
    for document in documents:
        done = migrated(document.manifest)
        remarks += [f"{name}:{document.line}: {remark}" for remark in done.remarks]
        if done.manifest != document.manifest:
            blocks[id(document.origin.text) if document.origin else 0].append((document, done.manifest))
    changes = [change for block in blocks.values() for change in block]
    if not changes:
        return text, remarks
    try:
        return rewritten(text, name, changes), remarks
    except CannotWrite:
        return _one_by_one(name, text, changes, remarks)


def _one_by_one(name: str, text: str, changes: Sequence[tuple[Document, dict[str, object]]], remarks: list[str]) -> tuple[str, list[str]]:
    """What can be rewritten is, and the rest is told; from the last to the first, so that places above stay right."""
    for document, _ in reversed(changes):
        again = next(one for one in read_documents(text, source=name) if (one.line, one.prefix) == (document.line, document.prefix))
        try:
            text = rewritten(text, name, [(again, migrated(again.manifest).manifest)])
        except CannotWrite as error:
            remarks.append(f"{name}:{document.line}: {str(error).removeprefix(f'{name}: ')}: rewrite it by hand")
    return text, remarks


def _joined(texts: Sequence[str]) -> str:
    """One stream of documents."""
    joined = ""
    for text in texts:
        if joined and not joined.endswith("\n"):
            joined += "\n"
        follows = text.removeprefix("\ufeff") if joined else text
        joined += follows if not joined or follows.lstrip().startswith("---") else f"---\n{follows}"
    return joined


def _left(results: Sequence[tuple[str, str, str]]) -> list[str]:
    """What the checker says of what came out."""
    documents = [document for name, _, after in results for document in read_documents(after, source=name)]
    found = check(documents, Engines())
    return [f"{one} [{one.code}]" for one in found if one.severity is Severity.ERROR]
