"""A change of what is declared, taken as admission would take it, and what would follow from it; nothing is written.

It reads without the master key, so that values of Secrets are known on neither side: what follows from them alone is not told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from fleetd.decide.definitions import PAUSED, PROFILE_SECRET_TYPE, member_key
from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.observe import decisive
from fleetd.decide.plane.aggregating import Selected
from fleetd.decide.plane.turn import Ask, Selecting
from fleetd.decide.previewing.playing import Answered, Edit, Wishes
from fleetd.decide.previewing.preview import preview
from fleetd.decide.previewing.results import Preview
from fleetd.decide.rehearsing.rehearsal import CLUSTERS, Answer
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.documents import Document, parse
from fleetd.domain.errors import InvalidInput, NotFound, Refused
from fleetd.domain.objects import SECRETIVE, Manifest, ref_of
from fleetd.domain.records import GeneratedRecord
from fleetd.domain.refs import ObjectRef, is_secret
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.service.admission import Done, foreseen_on, marked_deleted, placed, relabelled
from fleetd.service.asking import Question
from fleetd.service.checking import Problem, judged
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import near
from fleetd.store.bodies import REDACTED, redacted
from fleetd.store.loading import Loaded
from fleetd.store.unkeyed import loaded

MANAGER = "fleetd-cli"
UNREAD = {"data": "cmVkYWN0ZWQ=", "stringData": "redacted"}
"""What stands for each value of a Secret: in `data` base64, so that templates that decode it go on."""
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What would be declared and deleted; `labels` are changes of members' labels, by `namespace/name` or a name alone."""

    documents: tuple[Document, ...] = ()
    deletes: tuple[ObjectRef, ...] = ()
    labels: tuple[tuple[str, Mapping[str, str | None]], ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What would become of one declared object."""

    ref: ObjectRef
    done: Done


@dataclass(frozen=True, slots=True)
class Previewed:
    """The effect of a change on the fleet as of the database's change `revision`."""

    declared: tuple[Declared, ...]
    effect: Preview
    clusters: int
    revision: int
    warnings: tuple[str, ...] = ()

    @property
    def quiet(self) -> bool:
        """Whether nothing at all would change."""
        return self.effect.quiet and all(item.done is Done.UNCHANGED for item in self.declared)


class Untaken(InvalidInput):
    """The change would not be admitted."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)
        self.exit_code = max(problem.exit_code for problem in problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresee(Question[Previewed]):
    """Everything that would follow from a change."""

    slow: ClassVar[bool] = True

    change: Change

    def answered(self, ground: Ground) -> Previewed:
        return previewed(ground, self.change)


def previewed(ground: Ground, change: Change) -> Previewed:
    """Blocks, for as long as a daemon takes to begin with this fleet.

    Raises:
        Untaken: the change would not be admitted; each reason is a problem of it.
        NotPermitted: whoever reads may see the views only.
    """
    known = unread(loaded(ground.reader))
    taking = _Taking({item.ref: item for item in known.declared}, ground.now)
    taking.take(change)
    if not known.members:
        taking.warnings.append("no daemon has met a cluster yet: nothing can be placed")
    effect = asyncio.run(_played(known, taking.edits, ground.now))
    return Previewed(tuple(taking.done.values()), effect, len(known.members), known.seq, tuple(taking.warnings))


@dataclass(slots=True)
class _Taking:
    """Takes one change after another, each on what the ones before it left."""

    there: dict[ObjectRef, DeclaredObject]
    now: datetime
    edits: list[Edit] = field(default_factory=list)
    done: dict[ObjectRef, Declared] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take(self, change: Change) -> None:
        """All of it.

        Raises:
            Untaken: something of it would be refused.
        """
        said = judged(change.documents)
        self.problems += said.problems
        self.warnings += said.warnings
        for document in change.documents if not self.problems else ():
            self._apply(document, force=change.force)
        for name, labels in change.labels:
            self._label(name, labels)
        for ref in change.deletes:
            self._delete(ref)
        if self.problems:
            raise Untaken(self.problems)

    def _apply(self, document: Document, *, force: bool) -> None:
        try:
            parse(document)
            manifest = placed(document.manifest)
            live = self.there.get(ref_of(manifest))
            if live is not None and is_secret(live.ref):
                manifest = _veiled(redacted(manifest))
                self.warnings.append(f"{live.ref}: its values are not compared, for they cannot be read without the master key")
            admitted = foreseen_on(live, manifest, manager=MANAGER, now=self.now, force=force)
        except (InvalidInput, Refused) as error:
            self.problems.append(Problem(f"{document.source}:{document.line}: {error}" if document.source else str(error), error.exit_code))
            return
        self.warnings += [warning for warning in admitted.warnings if warning not in self.warnings]
        self._put(admitted.object, admitted.done)

    def _label(self, name: str, labels: Mapping[str, str | None]) -> None:
        members = {member_key(ref): item for ref, item in self.there.items() if ref.kind in CLUSTERS}
        fitting = [key for key in members if name in (key, key.partition("/")[2])]
        if len(fitting) != 1:
            what = f"is the name of several clusters: {', '.join(sorted(fitting))}" if fitting else "is no cluster of the fleet"
            likely = near(name, members)
            self.problems.append(
                Problem(f"{name} {what}{f'; do you mean {likely[0]}?' if likely and not fitting else ''}", NotFound.exit_code)
            )
            return
        live = members[fitting[0]]
        manifest = relabelled(live.manifest, labels)
        try:
            parse(manifest)
        except InvalidInput as error:
            self.problems.append(Problem(f"{live.ref}: {error}"))
            return
        self._put(replace(live, manifest=manifest), Done.UNCHANGED if manifest == live.manifest else Done.CONFIGURED)

    def _delete(self, ref: ObjectRef) -> None:
        live = self.there.get(ref)
        if live is None:
            self.problems.append(Problem(f"{ref} is not declared", NotFound.exit_code))
            return
        marked = marked_deleted(live.manifest, self.now)
        if marked is not None:
            self.warnings.append(f"{ref} stays until its finalizers are gone")
            self._put(replace(live, manifest=marked), Done.DELETED)
            return
        del self.there[ref]
        self.edits.append(Edit(ref, None))
        self.done[ref] = Declared(ref, Done.DELETED)

    def _put(self, item: DeclaredObject, done: Done) -> None:
        before = self.done.get(item.ref)
        self.done[item.ref] = Declared(item.ref, before.done if before is not None and done is Done.UNCHANGED else done)
        if done is Done.UNCHANGED:
            return
        metadata = {**item.manifest["metadata"], "uid": item.uid or f"foreseen-{item.ref}"}
        kept = replace(item, manifest={**item.manifest, "metadata": metadata})
        self.there[item.ref] = kept
        self.edits.append(Edit(item.ref, kept.manifest, kept.unsupported))


def unread(known: Loaded) -> Loaded:
    """What cannot be read without the key, in a form that rules can go on with; on both sides of a comparison it is the same."""
    declared = [replace(item, manifest=_veiled(item.manifest)) if is_secret(item.ref) else item for item in known.declared]
    return replace(known, declared=tuple(declared), generated=tuple(map(_generated, known.generated)))


def _veiled(manifest: Manifest) -> Manifest:
    """A Secret that was redacted; one that holds what is to be deployed then deploys nothing."""
    veiled = dict(manifest)
    for part, hidden in UNREAD.items():
        held = manifest.get(part)
        if not isinstance(held, Mapping):
            continue
        whole = manifest.get("type") != PROFILE_SECRET_TYPE
        veiled[part] = {key: hidden if value == REDACTED else value for key, value in held.items()} if whole else {}
    return veiled


def _generated(record: GeneratedRecord) -> GeneratedRecord:
    """A generated object that was encrypted: a profile stands still as it is, a Secret deploys nothing that is known."""
    manifest = record.manifest
    annotations = manifest["metadata"].get("annotations") or {}
    if SECRETIVE not in annotations or manifest.keys() - {"apiVersion", "kind", "metadata"}:
        return record
    if record.ref.kind == "Secret":
        return replace(record, manifest={**manifest, "type": PROFILE_SECRET_TYPE, "data": {}})
    still = {**annotations, PAUSED: "ok"}
    return replace(record, manifest={**manifest, "metadata": {**manifest["metadata"], "annotations": still}})


# Children answer what rules ask.


async def _played(known: Loaded, edits: Sequence[Edit], now: datetime) -> Preview:
    play = preview(known, edits, now)
    async with ScriptPool(WORKERS) as pool, TemplatePool(pool, WORKERS) as templates:
        try:
            wishes = next(play)
            while True:
                wishes = play.send(await _answered(wishes, pool, templates))
        except StopIteration as end:
            found: Preview = end.value
            return found


async def _answered(wishes: Wishes, pool: ScriptPool, templates: TemplatePool) -> Answered:
    asks = await asyncio.gather(*(_asked(ask, pool) for ask in wishes.asks))
    selections = await asyncio.gather(*(_chosen(one, templates) for one in wishes.selections))
    renderings = await asyncio.gather(*(_rendered(one, templates) for one in wishes.renderings))
    return Answered(asks, selections, [(one.key, made) for one, made in zip(wishes.renderings, renderings, strict=True)])


async def _asked(ask: Ask, pool: ScriptPool) -> list[Answer]:
    return [decisive([await pool.evaluate(script, ask.observed.raw) for script in wish.scripts]) for wish in ask.wishes]


async def _chosen(asked: Selecting, templates: TemplatePool) -> Selected:
    chosen = await templates.select(asked.script, b"[" + b",".join(asked.bodies) + b"]")
    return Selected(chosen.objects, chosen.message, chosen.error)


async def _rendered(rendering: Rendering, templates: TemplatePool) -> Rendered:
    made = await templates.render(rendering.task, rendering.text, rendering.argument)
    return Rendered(made.text, made.error, made.line)
