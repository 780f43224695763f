"""Many documents at once: all of them are judged before the first is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from fleetd.decide.lint.elsewhere import check_elsewhere
from fleetd.decide.lint.given import Given
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.documents import Document
from fleetd.domain.errors import FleetdError, InvalidInput, Refused
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Admitted, Done, placed
from fleetd.service.checking import Problem
from fleetd.service.selectors import Selects
from fleetd.store.database import Database


async def unmet(database: Database, documents: Sequence[Document]) -> list[str]:
    """Warnings of what the documents refer to and is neither among them nor declared: it may come later."""
    declared = {(item.ref.kind, item.ref.namespace, item.ref.name) for item in await database.declared.list()}
    found = check_elsewhere(Given(tuple(documents)), lambda kind, namespace, name: (kind, namespace, name) in declared)
    return [f"{one} [{one.code}]" for one in found]


async def foreseen(
    admission: Admission, documents: Iterable[Document], *, now: datetime, force: bool = False
) -> tuple[list[Admitted], list[Problem]]:
    """What applying the documents would do, and what stands against it; they are judged already."""
    admitted: list[Admitted] = []
    problems: list[Problem] = []
    for document in documents:
        try:
            admitted.append(await admission.foresee(document, now=now, force=force))
        except (InvalidInput, Refused) as error:
            problems.append(_problem(document, error))
    return admitted, problems


async def declare(
    database: Database, admission: Admission, document: Document, expected: Admitted, *, now: datetime, force: bool = False
) -> Admitted:
    """Applies a document for which `expected` was foreseen; writes nothing where nothing would change but times."""
    if expected.done is Done.UNCHANGED:
        live = await database.declared.get(expected.ref)
        if live is not None and _owners(live.manifest) == _owners(expected.object.manifest):
            return expected
    return await admission.apply(document, now=now, force=force)


def _owners(manifest: Manifest) -> list[Manifest]:
    managers = (manifest.get("metadata") or {}).get("managedFields") or ()
    entries = [{key: value for key, value in entry.items() if key != "time"} for entry in managers]
    return sorted(entries, key=lambda entry: (str(entry.get("manager")), str(entry.get("operation"))))


def _problem(document: Document, error: FleetdError) -> Problem:
    place = f"{document.source}:{document.line}: "
    sentence = str(error)
    # What the checker found already says where.
    return Problem(sentence if sentence.startswith(document.source) else place + sentence, error.exit_code)


def refs_of(documents: Iterable[Document]) -> list[ObjectRef]:
    """The identities of documents, with the namespaces that they get.

    Raises:
        InvalidInput: a document has no kind or no name, or a namespace that its kind has not.
    """
    refs = []
    for document in documents:
        ref = ref_of(placed(document.manifest))
        if not ref.kind or not ref.name:
            raise InvalidInput(f"{document.source}:{document.line}: a document needs apiVersion, kind and metadata.name")
        refs.append(ref)
    return refs


async def to_prune(database: Database, kept: Iterable[ObjectRef], manager: str, selects: Selects) -> list[ObjectRef]:
    """Objects that this manager applied, that the selector selects, and that are not among those kept."""
    keep = set(kept)
    return [
        item.ref
        for item in await database.declared.list()
        if item.ref not in keep and applied_by(item, manager) and selects(_labels(item.manifest))
    ]


def applied_by(item: DeclaredObject, manager: str) -> bool:
    """Whether a manager declared the object by apply, and so may take it away."""
    managers = (item.manifest.get("metadata") or {}).get("managedFields") or ()
    return any(entry.get("manager") == manager and entry.get("operation") == "Apply" for entry in managers)


def _labels(manifest: Manifest) -> dict[str, str]:
    return (manifest.get("metadata") or {}).get("labels") or {}
