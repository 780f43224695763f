"""`fleetd apply`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.manifests import given_documents, in_namespace
from fleetd.cli.naming import shown
from fleetd.cli.options import DatabaseOption, DryRunOption, FilesOption, SelectorOption
from fleetd.cli.output import say_all, write_line
from fleetd.cli.places import rehearsing, writing
from fleetd.domain.documents import Document
from fleetd.domain.errors import InvalidInput, Refused
from fleetd.service.admission import Admission
from fleetd.service.checking import Problem, judged
from fleetd.service.declaring import declare, foreseen, refs_of, to_prune, unmet
from fleetd.service.selectors import Selects, label_selector
from fleetd.store.database import Database

MANAGER = "fleetd-cli"


def apply(
    *,
    filename: FilesOption = (),
    namespace: Annotated[str, Parameter(name=("--namespace", "-n"))] = "",
    dry_run: DryRunOption = False,
    prune: Annotated[bool, Parameter(negative="")] = False,
    selector: SelectorOption = "",
    force_conflicts: Annotated[bool, Parameter(negative="")] = False,
    database: DatabaseOption = None,
) -> int:
    """Declare objects: create them, or bring them to what the files say.

    All documents are checked before the first is written: when one is not valid, nothing is changed.

    Examples:

        fleetd apply -f trigger.yaml
        fleetd apply -f ./fleet --dry-run
        kubectl get eventsources -o yaml | fleetd apply -f -
        fleetd apply -f ./fleet --prune -l team=shop    also deletes what was applied with that label and is in no file any more

    Parameters
    ----------
    namespace:
        For namespaced objects that name none; `default` without it.
    prune:
        Delete what was applied before, has the labels of --selector, and is in no file now.
    force_conflicts:
        Take fields over that another manager holds (the file manifests, a controller).
    """
    if prune and not selector:
        raise InvalidInput("--prune needs --selector: it says which objects the files are the whole truth about")
    if selector and not prune:
        raise InvalidInput("--selector goes with --prune only: apply takes every document of the files")
    selects = label_selector(selector) if prune else None
    given = given_documents(filename)
    said = judged(given.documents)
    problems = [Problem(str(error)) for error in given.unreadable] + list(said.problems)
    say_all(f"warning: {warning}" for warning in said.warnings)
    if problems:
        return _refused(problems)
    documents = [in_namespace(document, namespace) for document in given.documents]
    if not documents:
        raise InvalidInput("there are no objects in the input")
    return asyncio.run(_apply(documents, database, selects, said.warnings, force=force_conflicts, dry_run=dry_run))


async def _apply(
    documents: Sequence[Document], database: str | None, selects: Selects | None, told: Sequence[str], *, force: bool, dry_run: bool
) -> int:
    now = datetime.now(UTC)
    async with rehearsing(database) if dry_run else writing(database, new=True) as opened:
        admission = Admission(opened, manager=MANAGER)
        admitted, problems = await foreseen(admission, documents, now=now, force=force)
        if problems:
            return _refused(problems)
        say_all(f"warning: {warning}" for warning in await unmet(opened, documents))
        for expected, document in zip(admitted, documents, strict=True):
            done = expected if dry_run else await declare(opened, admission, document, expected, now=now, force=force)
            say_all(f"warning: {warning}" for warning in done.warnings if warning not in told)
            write_line(f"{shown(done.ref)} {done.done}{' (dry run)' if dry_run else ''}")
        if selects is not None:
            await _prune(opened, documents, selects, now=now, dry_run=dry_run)
    return 0


async def _prune(database: Database, documents: Sequence[Document], selects: Selects, *, now: datetime, dry_run: bool) -> None:
    admission = Admission(database, manager=MANAGER)
    for ref in await to_prune(database, refs_of(documents), MANAGER, selects):
        if not dry_run:
            await admission.delete(ref, now=now)
        write_line(f"{shown(ref)} pruned{' (dry run)' if dry_run else ''}")


def _refused(problems: Sequence[Problem]) -> int:
    say_all(f"error: {problem}" for problem in problems)
    count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
    held = any(problem.exit_code == Refused.exit_code for problem in problems)
    say_all([f"fleetd: {count}; nothing was applied{' (--force-conflicts takes over what others hold)' if held else ''}"])
    return max(problem.exit_code for problem in problems)
