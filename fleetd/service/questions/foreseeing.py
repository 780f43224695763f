"""What a change of the declared objects would do, as much of it as fits into an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from fleetd.domain.documents import read_documents
from fleetd.domain.errors import InvalidInput
from fleetd.service.answers import Answer, Group, Hint
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import read_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.selectors import label_changes
from fleetd.service.teaching import Lesson, Taught, bad, lesson_of

if TYPE_CHECKING:
    from fleetd.decide.previewing.results import ObjectChange, Preview
    from fleetd.service.previewing import Change, Previewed

MOST_CHARACTERS = 200_000
MOST_ROWS = 100
_FIELDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenObject:
    """What would be done with one object; depth 1 and 2 are reactions of triggers to the change."""

    action: str
    object: str
    cluster: str
    profile: str
    depth: int = 0
    trigger: str = ""
    data_loss: bool = False
    unsure: bool = False
    waits: str = ""
    fields_untrusted: tuple[str, ...] = ()
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenMatch:
    """A match that begins, changes or ends, and the object that led to it where a reaction did."""

    course: str
    trigger: str
    cluster: str
    object: str = ""
    depth: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenReach:
    """Clusters that a profile, trigger or set gains and loses; ten at most are named."""

    subject: str
    gained_count: int
    lost_count: int
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenNote:
    """Something about a subject that a person should read: a loss that waits, a problem, or what is not known."""

    kind: str
    subject: str
    count: int = 0
    said_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Counts are of everything; of each list there are `limit` rows, objects of the first clusters before those of others."""

    changes: bool
    counts: dict[str, int]
    declared: dict[str, str]
    groups: tuple[Group, ...] = ()
    risks: tuple[str, ...] = ()
    objects: tuple[ForeseenObject, ...] = ()
    matches: tuple[ForeseenMatch, ...] = ()
    reach: tuple[ForeseenReach, ...] = ()
    notes: tuple[ForeseenNote, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewChange(Question[Answer[Effect]]):
    """What a change would do to the fleet now: objects created, updated, deleted, data lost, triggers that fire next (depth 2).

    Nothing is written. Give manifests to declare, refs to delete, labels of members to change, or several of them together.
    """

    slow: ClassVar[bool] = True

    manifests: Annotated[str, About("YAML of one or more objects, as fleetd apply takes them")] = ""
    delete: Annotated[tuple[str, ...], About("declared objects: EventTrigger/mirror")] = ()
    labels: Annotated[tuple[str, ...], About("a member and its changes: prod/eu-1 env=prod tier-")] = ()
    limit: Annotated[int, About("rows of each list", 1, MOST_ROWS)] = 10

    def answered(self, ground: Ground) -> Answer[Effect]:
        # The stages and engines: who asks something else starts without them.
        from fleetd.service.previewing import Untaken, previewed

        try:
            found = previewed(ground, self._change())
        except Untaken as error:
            said = "; ".join(str(problem) for problem in error.problems[:5])
            lesson = lesson_of(InvalidInput(f"the change would not be taken: {len(error.problems)} things are wrong with it"))
            raise Taught(
                Lesson(code=lesson.code, sentence=lesson.sentence, field="manifests", said_untrusted=plain_text(said, most=1_000))
            ) from error
        warnings = tuple(plain_text(warning) for warning in found.warnings[:10])
        return ground.answer(_effect(found, self.limit), _hints(found), warnings)

    def _change(self) -> Change:
        from fleetd.service.previewing import Change  # as above

        if not (self.manifests.strip() or self.delete or self.labels):
            raise bad("manifests", "", "say what would change: manifests, delete or labels")
        if len(self.manifests) > MOST_CHARACTERS:
            raise bad("manifests", "", f"manifests have at most {MOST_CHARACTERS} characters")
        try:
            documents = tuple(read_documents(self.manifests, source="manifests")) if self.manifests.strip() else ()
        except InvalidInput as error:
            raise bad("manifests", "", plain_text(str(error))) from error
        labels = []
        for text in self.labels:
            name, *words = text.split()
            try:
                labels.append((name, label_changes(words)))
            except InvalidInput as error:
                raise bad("labels", plain_text(text, most=80), "write a member and its changes: prod/eu-1 env=prod tier-") from error
            if not words:
                raise bad("labels", plain_text(text, most=80), "write the changes behind the member: prod/eu-1 env=prod tier-")
        deletes = tuple(read_ref(text, "delete").ref for text in self.delete)
        return Change(documents=documents, deletes=deletes, labels=tuple(labels))


def _effect(found: Previewed, limit: int) -> Effect:
    effect = found.effect
    notes = tuple(_notes(effect))
    lists = (effect.objects, effect.matches, effect.reaches, notes)
    grouped = Counter(f"{item.action.value} by {safe_ref(item.profile)}" for item in effect.objects)
    return Effect(
        changes=not found.quiet,
        counts=dict(effect.counts),
        declared={safe_ref(str(item.ref)): item.done.value for item in found.declared[:MOST_ROWS]},
        groups=tuple(Group(key=key, count=count) for key, count in grouped.most_common(limit)),
        risks=_risks(effect),
        objects=tuple(_object(item) for item in sorted(effect.objects, key=_weight)[:limit]),
        matches=tuple(
            ForeseenMatch(
                course=item.course.value,
                trigger=safe_ref(item.trigger),
                cluster=safe_ref(item.cluster),
                object=safe_ref(str(item.object)) if item.object else "",
                depth=item.depth,
                because=safe_ref(item.because),
            )
            for item in effect.matches[:limit]
        ),
        reach=tuple(
            ForeseenReach(
                subject=safe_ref(item.subject),
                gained_count=len(item.gained),
                lost_count=len(item.lost),
                gained=tuple(map(safe_ref, item.gained[:10])),
                lost=tuple(map(safe_ref, item.lost[:10])),
            )
            for item in effect.reaches[:limit]
        ),
        notes=notes[:limit],
        left_out=sum(max(0, len(several) - limit) for several in lists),
    )


def _weight(item: ObjectChange) -> tuple[bool, bool, int]:
    """What somebody must see comes first: data that would be lost, deletes, then what the change itself does."""
    return not item.data_loss, item.action.value != "delete", item.depth


def _object(item: ObjectChange) -> ForeseenObject:
    fields = [
        f"{one.path} (not shown)" if one.withheld else f"{one.path}: {one.before or 'absent'} -> {one.after or 'absent'}"
        for one in item.fields
    ]
    return ForeseenObject(
        action=item.action.value,
        object=safe_ref(str(item.ref)),
        cluster=safe_ref(item.cluster),
        profile=safe_ref(item.profile),
        depth=item.depth,
        trigger=safe_ref(item.because),
        data_loss=item.data_loss,
        unsure=item.unsure,
        waits=item.waits,
        fields_untrusted=tuple(plain_text(text, most=160) for text in fields[:_FIELDS]),
        reason_untrusted=plain_text(item.reason),
    )


def _notes(effect: Preview) -> list[ForeseenNote]:
    found = [
        ForeseenNote(kind="needs_a_person", subject=safe_ref(item.subject), count=item.objects, said_untrusted=plain_text(item.summary))
        for item in effect.held
    ]
    found += [
        ForeseenNote(
            kind="problem",
            subject=safe_ref(item.subject.replace(", ", "/")),
            count=len(item.clusters),
            said_untrusted=plain_text(item.message),
        )
        for item in effect.problems
    ]
    for one in effect.coverage:
        said = f"{one.kind} on {one.clusters} clusters: {one.judged} recorded objects judged, {one.kept} taken to stay, others unknown"
        found.append(ForeseenNote(kind="not_known", subject=f"EventSource/{safe_ref(one.source)}", count=one.clusters, said_untrusted=said))
    return found


def _risks(effect: Preview) -> tuple[str, ...]:
    counts = effect.counts
    told = [
        (counts["data_loss"], "objects that hold data would be deleted"),
        (counts["held"], "losses are so large that they wait for a person"),
        (counts["conflict"], "objects are held by another profile"),
        (counts["problems"], "things cannot be read or rendered"),
        (sum(item.depth > 0 for item in effect.objects), "objects follow from triggers that fire next"),
        (counts["waiting"], "objects wait for clusters that are paused or away"),
        (effect.unjudged, "objects change where a source looks, and cannot be judged"),
        (effect.sealed, "add-ons are made of Secrets: what they hold is not known here"),
        (len(effect.leaving), "clusters leave; what stands there stays"),
        (len(effect.coverage), "sources look at objects of which not all are recorded"),
    ]
    return tuple(f"{count} {words}" for count, words in told if count)


def _hints(found: Previewed) -> tuple[Hint, ...]:
    hints = []
    deleted = next((item.ref for item in found.declared if item.done.value == "deleted"), None)
    if deleted is not None:
        arguments = {"ref": safe_ref(str(deleted)), "direction": "in"}
        hints.append(Hint(why="what references it", tool="list_references", arguments=arguments))
    began = next((item for item in found.effect.matches if item.depth), None)
    if began is not None:
        arguments = {"trigger": safe_ref(began.trigger), "cluster": safe_ref(began.cluster)}
        hints.append(Hint(why="how this trigger stands now", tool="explain_trigger", arguments=arguments))
    return tuple(hints)
