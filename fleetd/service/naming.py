"""What people call an object, as a reference; where none of that name is declared, the nearest that are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Hint
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Code, Lesson, Taught, bad, near
from fleetd.service.times import said
from fleetd.store.moments import moment

_WORD = re.compile(r"[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*")
_GRAMMAR = "write Kind.group/namespace/name or Kind/name, for example EventSource/load-balancers, and @namespace/cluster on a cluster"


@dataclass(frozen=True, slots=True)
class Named:
    """An object, in the management plane or on a cluster."""

    ref: ObjectRef
    cluster: str = ""

    def __str__(self) -> str:
        return f"{self.ref}@{self.cluster}" if self.cluster else str(self.ref)


def read_ref(text: str, field: str = "ref") -> Named:
    """Reads the grammar of references; a known kind needs no group, and a declared object without a namespace gets its kind's.

    Raises:
        Taught: it is no reference.
    """
    name, at, cluster = text.strip().partition("@")
    parts = name.split("/")
    if not 2 <= len(parts) <= 3 or not parts[0] or not parts[-1] or (at and not cluster):
        raise bad(field, plain_text(text, most=80), f"this is no reference: {_GRAMMAR}", next=_by_name(text))
    kind, _, group = parts[0].partition(".")
    from fleetd.domain.kinds.registry import KINDS, kind_by_name  # the models of all kinds: a list that names none starts in half the time

    try:
        spec = kind_by_name(parts[0])
    except InvalidInput as error:
        if kind[:1].islower():
            sentence = f"{plain_text(kind, most=40)} is no declared kind; of another kind write the name as in a manifest: Service/shop/web"
            raise bad(field, plain_text(text, most=80), sentence) from error
        if len(parts) == 3:
            return Named(ObjectRef(kind, group, parts[1], parts[2]), cluster)
        raise _no_kind(field, text, kind, {one.kind.lower(): one.kind for one in KINDS}) from error
    namespace = parts[1] if len(parts) == 3 else "default"
    return Named(ObjectRef(spec.gvk.kind, spec.gvk.group, namespace if spec.namespaced else "", parts[-1]), cluster)


def _by_name(text: str) -> Hint | None:
    """A look for the last word of something that is no reference."""
    words = _WORD.findall(text)
    return Hint(why="objects of this name", tool="find_objects", arguments={"query": words[-1][:60].lower()}) if words else None


def _no_kind(field: str, text: str, kind: str, kinds: Mapping[str, str]) -> Taught:
    likely = tuple(kinds[one] for one in near(kind[:60], kinds, most=1))
    hint = Hint(why=f"every {likely[0]}", tool="find_objects", arguments={"kinds": [*likely]}) if likely else None
    rest = plain_text(text.strip().partition("/")[2], most=80)
    meant = tuple(f"{one}/{rest}" for one in likely)
    sentence = f"{safe_ref(kind[:40])} is no declared kind: {_GRAMMAR}"
    got = plain_text(text, most=80)
    return Taught(Lesson(code=Code.BAD_ARGUMENT, sentence=sentence, field=field, got=got, did_you_mean=meant, next=hint))


def require(ground: Ground, ref: ObjectRef, field: str = "ref") -> None:
    """That the object is declared.

    Raises:
        Taught: it is not; with the nearest names, or until when it was.
    """
    if not ground.rows("SELECT 1 AS one FROM fleet_declared WHERE ref = :ref", ref=str(ref)):
        raise not_declared(ground, ref, field)


def require_known(ground: Ground, kind: str, name: str, field: str) -> None:
    """That an object of this name is declared, was once, or was generated; so that nobody takes a slip of the pen for "none".

    Raises:
        Taught: none of it.
    """
    require_once(ground, read_ref(f"{kind}/{name}", field).ref, field)


def require_once(ground: Ground, ref: ObjectRef, field: str) -> None:
    """As `require_known`, by the whole reference.

    Raises:
        Taught: it never was declared, nor generated.
    """
    known = "SELECT 1 AS one FROM {view} WHERE ref = :ref LIMIT 1"
    if not any(ground.rows(known.format(view=view), ref=str(ref)) for view in ("fleet_declared_history", "fleet_generated")):
        raise not_declared(ground, ref, field)


def _is_declared_kind(ref: ObjectRef) -> bool:
    from fleetd.domain.kinds.registry import kind_by_name  # see read_ref

    try:
        return kind_by_name(str(ref.group_kind)).gvk.group == ref.group
    except InvalidInput:
        return False


def not_declared(ground: Ground, ref: ObjectRef, field: str) -> Taught:
    """The lesson for an object that is not declared."""
    others = ground.rows(
        "SELECT ref FROM fleet_declared WHERE api_group = :api_group AND kind = :kind ORDER BY ref LIMIT 500",
        api_group=ref.group,
        kind=ref.kind,
    )
    gone = ground.row("SELECT MAX(valid_to) AS ended_at FROM fleet_declared_history WHERE ref = :ref", ref=str(ref))
    kind = safe_ref(ref.kind)
    sentence = f"no {kind} of this name is declared"
    came = ground.row_now("SELECT MIN(valid_from) AS at FROM fleet_declared_history WHERE ref = :ref", ref=str(ref))
    if ground.then is not None and came and came["at"] and moment(came["at"]) > ground.then:
        sentence = f"this {kind} was not declared yet: its first revision is of {said(moment(came['at']))}"
    elif gone and gone["ended_at"]:
        sentence = f"this {kind} was declared until {said(moment(gone['ended_at']))}"
    hint = Hint(why=f"every {kind}", tool="find_objects", arguments={"kinds": [kind]})
    names = [safe_ref(row["ref"]) for row in others]
    near_names = near(str(ref), names)
    if not _is_declared_kind(ref):
        sentence = f"a {kind} is no declared object: where it is on a cluster, name that with @namespace/cluster at the end"
        places = ground.rows("SELECT cluster FROM fleet_objects WHERE object_ref = :ref ORDER BY cluster LIMIT 3", ref=str(ref))
        near_names = tuple(f"{safe_ref(str(ref))}@{safe_ref(row['cluster'])}" for row in places)
        hint = Hint(why=f"every {kind} that fleetd put on a cluster", tool="find_objects", arguments={"kinds": [kind], "clusters": "*"})
    lesson = Lesson(
        code=Code.NOT_FOUND,
        sentence=sentence,
        field=field,
        got=plain_text(str(ref), most=120),
        did_you_mean=near_names,
        next=hint,
    )
    return Taught(lesson)
