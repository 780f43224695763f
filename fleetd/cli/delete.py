"""`fleetd delete`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.manifests import given_documents, in_namespace
from fleetd.cli.naming import refs_named, shown_kind
from fleetd.cli.options import DatabaseOption, DryRunOption, FilesOption, NamespaceOption
from fleetd.cli.output import say, write_line
from fleetd.cli.places import writing
from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission
from fleetd.service.declaring import refs_of


def delete(
    *words: Annotated[str, Parameter(show_default=False)],
    filename: FilesOption = (),
    namespace: NamespaceOption = "default",
    ignore_not_found: Annotated[bool, Parameter(negative="")] = False,
    dry_run: DryRunOption = False,
    database: DatabaseOption = None,
) -> int:
    """Delete declared objects; what they put on clusters is withdrawn as they say (stopMatchingBehavior).

    Examples:

        fleetd delete eventtrigger open-policy
        fleetd delete configmap/mirror-template configmap/other -n shop
        fleetd delete -f ./fleet

    Parameters
    ----------
    words:
        KIND NAME…, or KIND/NAME….
    ignore_not_found:
        What is not there is no failure.
    """
    if bool(words) == bool(filename):
        raise InvalidInput("say what to delete: KIND NAME…, or -f PATH")
    refs = refs_named(words, namespace) if words else _of_files(filename)
    return asyncio.run(_delete(refs, database, ignore_not_found=ignore_not_found, dry_run=dry_run))


def _of_files(paths: Sequence[str]) -> list[ObjectRef]:
    given = given_documents(paths)
    if given.unreadable:
        raise given.unreadable[0]
    # The last declared goes first: a trigger before the template that it reads.
    return refs_of(in_namespace(document, "") for document in reversed(given.documents))


async def _delete(refs: Sequence[ObjectRef], database: str | None, *, ignore_not_found: bool, dry_run: bool) -> int:
    answer = 0
    async with writing(database) as opened:
        admission = Admission(opened)
        for ref in refs:
            try:
                if not dry_run:
                    await admission.delete(ref, now=datetime.now(UTC))
                elif await opened.declared.get(ref) is None:
                    raise NotFound(f"{ref} does not exist")
            except NotFound as error:
                if not ignore_not_found:
                    say(f"fleetd: {error}")
                    answer = error.exit_code
                continue
            write_line(f'{shown_kind(ref)} "{ref.name}" deleted{" (dry run)" if dry_run else ""}')
    return answer
