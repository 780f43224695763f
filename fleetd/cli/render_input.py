"""What `fleetd render` is given: declared objects, clusters, and objects on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fleetd.cli.assuming import assumed_clusters, told
from fleetd.cli.manifests import Given as Documents
from fleetd.cli.manifests import given_documents, given_texts
from fleetd.decide.definitions import member_key
from fleetd.decide.evaluating.objects import CLUSTER, Placed, read_placed
from fleetd.decide.lint.check import check, unreadable
from fleetd.decide.rehearsing.rehearsal import CLUSTERS, Given
from fleetd.domain.documents import Document, findings_of, with_defaults
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Finding, Severity
from fleetd.domain.kinds.acted_on import unsupported
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import Manifest, gvk_of, ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import placed
from fleetd.service.compilers import Engines

TRIGGERS = ("EventTrigger", "ClusterProfile", "Profile")


@dataclass(slots=True)
class Input:
    """All of it. `refused` are sentences about what could not be taken, `warnings` about what is doubtful."""

    given: Given
    documents: Mapping[ObjectRef, Document]
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_input(filenames: Sequence[str], objects: Sequence[str], clusters: Sequence[str]) -> Input:
    """Reads everything; what is wrong is left out and named.

    Raises:
        InvalidInput: there is nothing to render.
    """
    found = Input(Given((), ()), {})
    documents = taken(given_documents(filenames), found)
    if clusters:
        given = given_documents(clusters)
        for document in given.documents:
            if document.manifest.get("kind") not in CLUSTERS:
                found.refused.append(f"{_place(document)}: --clusters takes SveltosClusters, and this is a {document.manifest.get('kind')}")
        members = tuple(document for document in given.documents if document.manifest.get("kind") in CLUSTERS)
        documents += taken(replace(given, documents=members), found)
    by_ref: dict[ObjectRef, Document] = {}
    for document in documents:
        ref = ref_of(document.manifest)
        if ref in by_ref:
            found.warnings.append(f"{_place(document)}: {ref} stands twice in the files; this one counts")
        by_ref[ref] = document
    found.documents = by_ref
    if not any(document.manifest["kind"] in TRIGGERS for document in documents):
        if found.refused:
            return found
        raise InvalidInput(f"nothing in the files of -f deploys anything: it takes {', '.join(TRIGGERS)}, and what they refer to")
    manifests = [document.manifest for document in by_ref.values()]
    read = _read(objects, found)
    if not any(manifest["kind"] in CLUSTERS for manifest in manifests):
        made = assumed_clusters(manifests, [one.cluster for one in read if one.cluster])
        manifests += made
        found.warnings += [told(manifest) for manifest in made]
    found.given = Given(manifests, _objects(read, manifests, found))
    return found


def taken(given: Documents, found: Input) -> list[Document]:
    """What can be declared of it, with its defaults."""
    found.refused += [str(unreadable(error)) for error in given.unreadable]
    whole: list[Document] = []
    for document in given.documents:
        if gvk_of(document.manifest) not in KINDS and _foreign(document.manifest):
            found.warnings.append(f"{_place(document)}: {_named(document)} cannot be declared; here templateResourceRefs may name it")
            whole.append(document)
            continue
        wrong = findings_of(document)
        if wrong:
            found.refused += [str(one) for one in wrong]
            continue
        one = _completed(document)
        found.warnings += [f"{_place(document)}: {_named(document)}: {path} is not acted on yet" for path in unsupported(one.manifest)]
        whole.append(one)
    found.warnings += [f"{one} [{one.code}]" for one in _doubts(given.documents)]
    return whole


def _foreign(manifest: Manifest) -> bool:
    """An object of somebody else's kind, which may stand in a management cluster."""
    metadata = manifest.get("metadata")
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    gvk = gvk_of(manifest)
    return bool(named and gvk.kind and gvk.version) and "projectsveltos" not in gvk.group


def _doubts(documents: Sequence[Document]) -> Iterator[Finding]:
    """What the checker finds beyond what makes an object unreadable."""
    for one in check(documents, Engines()):
        if one.severity is not Severity.INFORMATION and not one.code.startswith(("FD0", "FD1")):
            yield one


def _completed(document: Document) -> Document:
    manifest = placed(with_defaults(document.manifest))
    return Document(manifest, document.source, document.line, document.origin, document.prefix)


def _place(document: Document) -> str:
    return f"{document.source}:{document.line}:1"


def _named(document: Document) -> str:
    return f"{document.manifest['kind']} {document.manifest['metadata']['name']}"


def _read(names: Sequence[str], found: Input) -> list[Placed]:
    read: list[Placed] = []
    for name, text in given_texts(names) if names else ():
        try:
            read += read_placed(text, source=name)
        except InvalidInput as error:
            found.refused.append(str(error))
    return read


def _objects(read: Sequence[Placed], manifests: Sequence[Manifest], found: Input) -> list[tuple[str, Manifest]]:
    known = {member_key(ref_of(manifest)) for manifest in manifests if manifest["kind"] in CLUSTERS}
    objects = []
    for one in read:
        cluster = _cluster(one.cluster, known)
        if one.cluster and not cluster:
            what = f"{one.manifest['kind']} {one.manifest['metadata']['name']}"
            found.refused.append(f"{one.place}: {what} stands on {one.cluster} ({CLUSTER}), which is none of {', '.join(sorted(known))}")
        else:
            objects.append((cluster, one.manifest))
    return objects


def _cluster(said: str, known: Iterable[str]) -> str:
    """The cluster that a key or a mere name stands for; empty where it is none, or more than one."""
    if said in known:
        return said
    fitting = [key for key in known if key.rpartition("/")[2] == said]
    return fitting[0] if len(fitting) == 1 else ""
