"""Which template made a text that cannot be taken, when it was made by an event and only its copy is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fleetd.decide.copies import PREFIX
from fleetd.decide.engines.answers import Awaited
from fleetd.decide.instantiate import event_data
from fleetd.decide.languages import Moment
from fleetd.decide.plane.reacting import objects_of
from fleetd.decide.plane.state import Plane
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Spot
from fleetd.decide.trail import Trail, maker_of
from fleetd.decide.wanted import Wanted, WantedAddon
from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import holds_secrets
from fleetd.domain.refs import ObjectRef


@dataclass(frozen=True, slots=True)
class Origin:
    """The template that a value of a generated copy was rendered from, and how."""

    spot: Spot
    trail: Trail


def template_of_copy(plane: Plane, ref: ObjectRef) -> ObjectRef | None:
    """What an event made this of; None for what none made."""
    record = plane.generated.get(ref)
    if record is None:
        return None
    labels: Mapping[str, str] = record.manifest["metadata"].get("labels") or {}
    return ObjectRef(ref.kind, "", labels.get(f"{PREFIX}refnamespace", ""), labels.get(f"{PREFIX}refname", ""))


def origin_of(plane: Plane, render: Render, ref: ObjectRef, key: str) -> Origin | None:
    """Where a value of a generated copy comes from; None for what no event made, or what is made otherwise by now.

    Raises:
        Awaited: a child is asked first.
    """
    record, template = plane.generated.get(ref), template_of_copy(plane, ref)
    if record is None or template is None:
        return None
    content, trigger, member = plane.contents.get(template), plane.triggers.get(record.trigger), plane.members.get(record.cluster)
    objects = objects_of(plane, (record.trigger, record.cluster, record.object_ref))
    if content is None or trigger is None or member is None or not objects:
        return None
    try:
        text = render.texts(content)[key]
        trail = render.of(content, trigger.annotations).trail(text, event_data(trigger, member, objects), Moment.EVENT)
    except Awaited:
        raise
    except (GiveUp, KeyError):
        return None
    return Origin(Spot(template, ("data", key)), trail) if trail.text == render.texts(record.manifest).get(key) else None


def blamed(plane: Plane, render: Render, want: Wanted) -> Wanted:
    """The same, with problems of what an event made told of the template that made it."""
    return replace(want, addons=tuple(_blamed(plane, render, addon) if addon.problem else addon for addon in want.addons))


def _blamed(plane: Plane, render: Render, addon: WantedAddon) -> WantedAddon:
    problem, flaw = _explained(plane, render, addon)
    return replace(addon, problem=problem, flaw=flaw)


def _explained(plane: Plane, render: Render, addon: WantedAddon) -> tuple[str, Flaw | None]:
    flaw = addon.flaw
    if flaw is None or not flaw.line or flaw.spot.path[:1] != ("data",):
        return addon.problem, flaw
    try:
        origin = origin_of(plane, render, flaw.spot.ref, str(flaw.spot.path[-1]))
    except Awaited:
        return addon.problem, flaw  # the answer is waited for, and then it is told
    if origin is None:
        return addon.problem, flaw
    maker = maker_of(origin.trail, flaw.line, flaw.column or 1)
    named = "" if _secretive(plane, flaw.spot.ref) else maker.words
    return f"{addon.problem}; line {maker.line} of {origin.spot} made it{named}", Flaw(origin.spot, maker.line, maker.column)


def _secretive(plane: Plane, ref: ObjectRef) -> bool:
    content = plane.contents.get(ref)
    return content is not None and holds_secrets(content)
