"""Runs tests of manifests, each on a fleet of its own that exists in memory only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from fleetd.cli.manifests import given_documents, given_texts
from fleetd.cli.rehearsed import carried_out
from fleetd.cli.render_input import Input, taken
from fleetd.decide.definitions import LIB_GROUP, member_key
from fleetd.decide.evaluating.objects import read_objects
from fleetd.decide.rehearsing.checking import Failure, check, cluster_named
from fleetd.decide.rehearsing.fleet import ROUNDS, Fleet, patched
from fleetd.decide.rehearsing.rehearsal import CLUSTERS, Given, Rehearsal
from fleetd.decide.rehearsing.results import unmet
from fleetd.decide.rehearsing.trial import Act, Change, GivenCluster, Read
from fleetd.decide.spots import Path as FieldPath
from fleetd.domain.documents import Document, findings_of
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import MANAGEMENT_CLUSTER, ObjectRef
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.service.admission import placed

BETWEEN_STEPS = timedelta(minutes=10)
"""So long that no change counts as one of many in a short time."""


@dataclass(slots=True)
class Outcome:
    """What came of a test. `unusable` are sentences about why it could not be run; then nothing else counts."""

    read: Read
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    """each with the step after which it was found"""
    unusable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    documents: Mapping[ObjectRef, Document] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.failures and not self.unusable

    def place(self, path: FieldPath) -> str:
        """`file:line:column` of a part of the test."""
        line, column = self.read.document.place_of(path)
        return f"{self.read.document.source}:{line}:{column}"


async def tried(read: Read, now: datetime, pool: ScriptPool, templates: TemplatePool) -> Outcome:
    """Runs one test to its end."""
    outcome = Outcome(read)
    fleet = Fleet(Rehearsal(now))
    await _begin(fleet, outcome, pool, templates)
    if outcome.unusable:
        return outcome
    circling = not await _rest(fleet, pool, templates)
    _check(fleet, outcome, "", ("expect",), circling=circling)
    for number, step in enumerate(read.trial.steps):
        fleet.rehearsal.now += BETWEEN_STEPS
        for index, change in enumerate(step.when):
            try:
                _happen(fleet, change)
            except InvalidInput as error:
                # Mostly because of what failed before: an object that should be deployed by now cannot be changed.
                outcome.failures.append((step.name or f"steps[{number}]", Failure(("steps", number, "when", index), str(error))))
                return outcome
            circling = not await _rest(fleet, pool, templates)
        _check(fleet, outcome, step.name or f"steps[{number}]", ("steps", number, "expect"), circling=circling)
    return outcome


def _check(fleet: Fleet, outcome: Outcome, after: str, path: FieldPath, *, circling: bool) -> None:
    trial = outcome.read.trial
    expected = trial.steps[int(path[1])].expect if after else trial.expect
    found = [(after, failure) for failure in check(fleet, expected, path, circling=circling)]
    outcome.failures += found
    if found:
        outcome.hints += [sentence for sentence in unmet(fleet.rehearsal.plane) if sentence not in outcome.hints]


async def _rest(fleet: Fleet, pool: ScriptPool, templates: TemplatePool) -> bool:
    """Lets everything follow that follows; whether it came to an end."""
    for _ in range(ROUNDS):
        await carried_out(fleet.rehearsal, fleet.rehearsal.catch_up(fleet.standing), pool, templates)
        if not fleet.deploy():
            return True
    return False


async def _begin(fleet: Fleet, outcome: Outcome, pool: ScriptPool, templates: TemplatePool) -> None:
    given = outcome.read.trial.given
    declared = _declared(outcome)
    for index, one in enumerate(given.clusters):
        member = _member(one)
        if ref_of(member) in {ref_of(other) for other in declared}:
            outcome.unusable.append(f"{outcome.place(('given', 'clusters', index))}: there is a cluster {one.name} already")
        declared.append(member)
    if not any(manifest["kind"] in CLUSTERS for manifest in declared):
        outcome.unusable.append(f"{outcome.place(('given',))}: there are no clusters: name them in given.clusters, with their labels")
    if outcome.unusable:
        return
    await carried_out(fleet.rehearsal, fleet.rehearsal.play(Given(declared, ())), pool, templates)
    fleet.others[MANAGEMENT_CLUSTER] = {ref_of(manifest): manifest for manifest in declared}
    for name, path, manifests in _objects(outcome):
        try:
            cluster = cluster_named(fleet, name)
        except InvalidInput as error:
            outcome.unusable.append(f"{outcome.place(path)}: {error}")
            continue
        for manifest in manifests:
            fleet.put(cluster, ref_of(manifest), manifest)


def _declared(outcome: Outcome) -> list[Manifest]:
    """What the files declare, with its defaults."""
    folder = Path(outcome.read.document.source).parent
    by_ref: dict[ObjectRef, Document] = {}
    for index, name in enumerate(outcome.read.trial.given.files):
        found = Input(Given((), ()), {})
        try:
            documents = taken(given_documents([str(folder / name)]), found)
        except InvalidInput as error:
            outcome.unusable.append(f"{outcome.place(('given', 'files', index))}: {error}")
            continue
        outcome.unusable += found.refused
        outcome.warnings += found.warnings
        for document in documents:
            by_ref[ref_of(document.manifest)] = document
    outcome.documents = by_ref
    return [document.manifest for document in by_ref.values()]


def _objects(outcome: Outcome) -> Iterator[tuple[str, FieldPath, Sequence[Manifest]]]:
    """The objects of each cluster, and where the test names them."""
    given = outcome.read.trial.given
    folder = Path(outcome.read.document.source).parent
    for cluster, manifests in given.objects.items():
        yield cluster, ("given", "objects", cluster), manifests
    for cluster, names in given.object_files.items():
        for index, name in enumerate(names):
            path = ("given", "objectFiles", cluster, index)
            try:
                found = [one for source, text in given_texts([str(folder / name)]) for one in read_objects(text, source=source)]
            except InvalidInput as error:
                outcome.unusable.append(f"{outcome.place(path)}: {error}")
                continue
            yield cluster, path, found


def _member(cluster: GivenCluster) -> Manifest:
    metadata = {"name": cluster.name, "namespace": cluster.namespace, "labels": dict(cluster.labels)}
    return {"apiVersion": f"{LIB_GROUP}/v1beta1", "kind": "SveltosCluster", "metadata": metadata, "spec": {}}


def _happen(fleet: Fleet, change: Change) -> None:
    """One thing happens.

    Raises:
        InvalidInput: what it happens to is not there.
    """
    (act,) = change.acts
    match act:
        case Act.CREATE | Act.CHANGE:
            _write(fleet, cluster_named(fleet, change.cluster), change)
        case Act.DELETE:
            cluster, ref = cluster_named(fleet, change.cluster), ObjectRef.parse(change.delete)
            if fleet.live(cluster, ref) is None:
                raise InvalidInput(f"there is no {ref} on {cluster} that could be deleted")
            fleet.put(cluster, ref, None)
        case Act.LABEL:
            member = _declared_member(fleet, change.cluster)
            fleet.declare(ref_of(member), patched(member, {"metadata": {"labels": change.label}}))
        case Act.DECLARE:
            _declare(fleet, change.declare or {})
        case Act.UNDECLARE:
            ref = ObjectRef.parse(change.undeclare)
            if ref not in fleet.rehearsal.plane.contents:
                raise InvalidInput(f"nothing is declared as {ref}")
            fleet.declare(ref, None)
        case Act.JOIN if change.join is not None:
            fleet.declare(ref_of(_member(change.join)), _member(change.join))
        case _:
            fleet.declare(ref_of(_declared_member(fleet, change.leave)), None)


def _declare(fleet: Fleet, manifest: Manifest) -> None:
    wrong = findings_of(Document(manifest, "", 0))
    if wrong:
        raise InvalidInput(f"it cannot be declared: {wrong[0].message}{f' ({wrong[0].fix})' if wrong[0].fix else ''}")
    whole = placed(manifest)
    fleet.declare(ref_of(whole), whole)


def _write(fleet: Fleet, cluster: str, change: Change) -> None:
    manifest = change.create if change.create is not None else change.change or {}
    ref = ref_of(manifest)
    live = fleet.live(cluster, ref)
    if change.create is not None and live is not None:
        raise InvalidInput(f"there is {ref} on {cluster} already: write change")
    if change.create is None and live is None:
        raise InvalidInput(f"there is no {ref} on {cluster} that could be changed: write create")
    fleet.put(cluster, ref, manifest if live is None else patched(live, manifest))


def _declared_member(fleet: Fleet, name: str) -> Manifest:
    key = cluster_named(fleet, name)
    for ref, manifest in fleet.rehearsal.plane.contents.items():
        if ref.kind in CLUSTERS and member_key(ref) == key:
            return manifest
    raise InvalidInput(f"{name} is a member no more")
