"""A test of manifests as a team writes it: what is given, what then changes, and what is expected after each."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, ValidationError

from fleetd.domain.documents import Document, read_documents
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Finding
from fleetd.domain.kinds.base import Model
from fleetd.domain.kinds.mistakes import Mistake, mistakes_of
from fleetd.domain.kinds.shared import NonEmpty
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import VerdictState
from fleetd.domain.yaml_reader import Path

API_VERSION = "fleetd.io/v1alpha1"
KIND = "Test"


class GivenCluster(Model):
    """A member, ready from the beginning."""

    name: NonEmpty
    namespace: str = "default"
    labels: dict[str, str] = Field(default_factory=dict)


class GivenFleet(Model):
    """What there is before anything happens: what is declared, by files, and what stands on each cluster, by its name.

    Files and folders are named from where the test stands; those of objects are as `kubectl get -o yaml` writes them.
    """

    files: tuple[str, ...] = ()
    clusters: tuple[GivenCluster, ...] = ()
    objects: dict[str, tuple[dict[str, Any], ...]] = Field(default_factory=dict)
    object_files: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class ExpectedVerdict(Model):
    """What a source says of an object; `reason` is a part of what it says."""

    source: NonEmpty
    object_: NonEmpty
    cluster: str = ""
    verdict: VerdictState
    reason: str = ""


class ExpectedManifests(Model):
    """What stands on a cluster by fleetd's doing. Of each object as much as is written counts; with `only` there is nothing else."""

    cluster: str | tuple[str, ...]
    has: tuple[dict[str, Any], ...] = ()
    only: tuple[dict[str, Any], ...] | None = None
    lacks: tuple[str, ...] = ()


class Expected(Model):
    """What must be so. A problem that is not named here, by a part of its sentence, is a failure."""

    verdicts: tuple[ExpectedVerdict, ...] = ()
    manifests: tuple[ExpectedManifests, ...] = ()
    problems: tuple[NonEmpty, ...] = ()


class Act(StrEnum):
    """What can happen. The first three happen to an object on a cluster, two to what is declared, the others to a member."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    DECLARE = "declare"
    UNDECLARE = "undeclare"
    LABEL = "label"
    JOIN = "join"
    LEAVE = "leave"


class Change(Model):
    """One thing that happens: exactly one of the fields behind `cluster`, which says where for those that happen to one.

    `change` is merged into the object as a merge patch is: null takes a field away; so it does in `label`.
    """

    cluster: str = ""
    create: dict[str, Any] | None = None
    change: dict[str, Any] | None = None
    delete: str = ""
    declare: dict[str, Any] | None = None
    undeclare: str = ""
    label: dict[str, str | None] | None = None
    join: GivenCluster | None = None
    leave: str = ""

    @property
    def acts(self) -> list[Act]:
        """Those that are written; one, in what was read."""
        return [act for act in Act if getattr(self, act.value) not in (None, "")]


class Step(Model):
    """What happens next, and what is so afterwards."""

    name: str = ""
    when: tuple[Change, ...]
    expect: Expected


class Trial(Model):
    """A whole test."""

    api_version: Literal["fleetd.io/v1alpha1"]
    kind: Literal["Test"]
    name: NonEmpty
    given: GivenFleet
    expect: Expected = Field(default_factory=Expected)
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A test and where it stands."""

    trial: Trial
    document: Document


def read_trials(text: str, *, source: str) -> tuple[list[Read], list[Finding]]:
    """The tests of a file, and what is wrong with others in it.

    Raises:
        UnreadableText: the text is no YAML.
    """
    good: list[Read] = []
    wrong: list[Finding] = []
    for document in read_documents(text, source=source):
        trial, mistakes = _checked(document)
        wrong += [document.finding(one.path, one.code, one.message, one.fix) for one in mistakes]
        if trial is not None and not mistakes:
            good.append(Read(trial, document))
    names: dict[str, Document] = {}
    for read in good:
        before = names.setdefault(read.trial.name, read.document)
        if before is not read.document:
            wrong.append(read.document.finding(("name",), "FD106", f"a test of this name begins on line {before.line} already"))
    return good, wrong


def _checked(document: Document) -> tuple[Trial | None, list[Mistake]]:
    manifest = document.manifest
    misnamed = list(_misnamed(manifest))
    if misnamed:
        return None, misnamed
    try:
        trial = Trial.model_validate(manifest)
    except ValidationError as error:
        return None, mistakes_of(error, manifest, Trial)
    return trial, [*_beyond_the_schema(trial)]


def _misnamed(manifest: Manifest) -> Iterator[Mistake]:
    for key, right in (("kind", KIND), ("apiVersion", API_VERSION)):
        said = manifest.get(key)
        if said is None:
            yield Mistake((), "FD103", f"{key} is missing", f"write {key}: {right}")
        elif said != right:
            near = difflib.get_close_matches(str(said), [right], n=1)
            meant = f"did you mean {right!r}?" if near else "manifests stand in other files, which given.files names"
            yield Mistake((key,), "FD003", f"{key} {str(said)[:80]!r} is none of a test: a test file takes {API_VERSION} {KIND}", meant)
            return


def _beyond_the_schema(trial: Trial) -> Iterator[Mistake]:
    for cluster, manifests in trial.given.objects.items():
        for index, manifest in enumerate(manifests):
            yield from _no_object(manifest, ("given", "objects", cluster, index))
    yield from _expected(trial.expect, ("expect",))
    for number, step in enumerate(trial.steps):
        if not step.when:
            yield Mistake(("steps", number, "when"), "FD103", f"steps[{number}].when is empty: say what happens")
        for index, change in enumerate(step.when):
            yield from _happening(change, ("steps", number, "when", index))
        yield from _expected(step.expect, ("steps", number, "expect"))


def _expected(expected: Expected, path: Path) -> Iterator[Mistake]:
    for index, verdict in enumerate(expected.verdicts):
        yield from _no_ref(verdict.object_, (*path, "verdicts", index, "object"))
    for index, stands in enumerate(expected.manifests):
        here = (*path, "manifests", index)
        if not stands.has and stands.only is None and not stands.lacks:
            yield Mistake(here, "FD107", "nothing is expected here: write has, only or lacks")
        for key, manifests in (("has", stands.has), ("only", stands.only or ())):
            for number, manifest in enumerate(manifests):
                yield from _no_object(manifest, (*here, key, number))
        for number, ref in enumerate(stands.lacks):
            yield from _no_ref(ref, (*here, "lacks", number))


def _happening(change: Change, path: Path) -> Iterator[Mistake]:
    acts = change.acts
    if len(acts) != 1:
        said = " and ".join(acts) if acts else "none"
        yield Mistake(path, "FD107", f"one thing happens at a time: exactly one of {', '.join(Act)}, not {said}")
        return
    act = acts[0]
    on_cluster = act in (Act.CREATE, Act.CHANGE, Act.DELETE, Act.LABEL)
    if on_cluster and not change.cluster:
        yield Mistake(path, "FD103", f"{act} happens to one cluster: say which with cluster")
    if not on_cluster and change.cluster:
        yield Mistake((*path, "cluster"), "FD107", f"{act} names what it is about by itself: leave cluster out")
    if act in (Act.DELETE, Act.UNDECLARE):
        yield from _no_ref(getattr(change, act.value), (*path, act.value))
    if act in (Act.CREATE, Act.CHANGE, Act.DECLARE):
        yield from _no_object(getattr(change, act.value), (*path, act.value))


def _no_ref(text: str, path: Path) -> Iterator[Mistake]:
    try:
        ObjectRef.parse(text)
    except InvalidInput as error:
        yield Mistake(path, "FD106", str(error))


def _no_object(manifest: Manifest, path: Path) -> Iterator[Mistake]:
    metadata = manifest.get("metadata")
    for key in ("apiVersion", "kind"):
        if not isinstance(manifest.get(key), str) or not manifest[key]:
            near = difflib.get_close_matches(key, list(map(str, manifest)), n=1, cutoff=0.8)
            yield Mistake(path, "FD103", f"the object has no {key}", f"did you mean it by {near[0]!r}?" if near else "")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield Mistake(path, "FD103", "the object has no metadata.name")
        return
    for key in ("labels", "annotations"):
        texts = metadata.get(key) or {}
        wrong = [name for name, value in texts.items() if not isinstance(value, str | None)] if isinstance(texts, dict) else [""]
        for name in wrong:
            yield Mistake((*path, "metadata", key, name), "FD104", f"metadata.{key} is a mapping of texts: put the value into quotes")
