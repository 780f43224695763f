"""Which triggers take which source's reports from which cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fleetd.decide.definitions import Trigger
from fleetd.decide.members import Member, template_data
from fleetd.decide.plane.holding import held, kept, nothing_lost
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.rendering import Render
from fleetd.domain.errors import GiveUp
from fleetd.domain.records import Stage

Reacting = Mapping[str, Mapping[str, str]]
"""trigger → source clusters that it has reactions to → the source that they came from"""


def reacting(plane: Plane) -> Reacting:
    """What would be taken back if nothing were selected any more."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for (trigger, cluster), refs in plane.reactions_by_trigger.items():
        for ref in refs:
            match = plane.matches.get(plane.match_of.get((trigger, cluster, ref), ""))
            if match is not None and cluster in plane.members:
                found[trigger][cluster] = match.source
                break
    return found


def select(plane: Plane, turn: Turn, name: str, only: set[str] | None, reactions: Reacting) -> set[str]:
    """Brings a trigger's source clusters up to date, all or only these; the clusters where something changed."""
    trigger = plane.triggers.get(name)
    before = plane.selected.get(name, {})
    now = {} if only is None else {cluster: source for cluster, source in before.items() if cluster not in only}
    known = {**reactions.get(name, {}), **before}
    if trigger is not None:
        chosen = plane.chosen(trigger.set_refs)
        for cluster in sorted(plane.choosing.clusters(trigger.sources) | chosen) if only is None else only:
            member = plane.members.get(cluster)
            if member is None or not (cluster in chosen or trigger.sources.matches(member.labels)):
                continue
            source = _source_on(trigger, member, turn.render, known.get(cluster, ""))
            if source:
                now[cluster] = source
    if only is None:
        now |= _kept(plane, turn, name, now, reactions.get(name, {}))
    else:
        now |= {cluster: before[cluster] for cluster in _still_held(plane, name) & only & before.keys() & plane.members.keys() - now.keys()}
    if now:
        plane.selected[name] = now
    else:
        plane.selected.pop(name, None)
    return _heard_anew(plane, name, before, now)


def _heard_anew(plane: Plane, name: str, before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    changed = {cluster for cluster in {*before, *now} if before.get(cluster) != now.get(cluster)}
    for cluster in changed:
        if cluster in before:
            plane.listeners[cluster][before[cluster]].discard(name)
        if cluster in now:
            plane.listeners.setdefault(cluster, {}).setdefault(now[cluster], set()).add(name)
    return changed


def _source_on(trigger: Trigger, member: Member, render: Render, known: str) -> str:
    """The name of the trigger's source on a cluster, empty where it has none; what cannot be rendered stays as it was known."""
    if not member.ready:
        return ""
    if "{{" not in trigger.source_name:
        return trigger.source_name
    try:
        return render.deploy(trigger.source_name, template_data(member), "spec.eventSourceName")
    except GiveUp:
        return known


def _kept(plane: Plane, turn: Turn, name: str, now: Mapping[str, str], reactions: Mapping[str, str]) -> dict[str, str]:
    """Source clusters that an edit would lose and that stay, because they are too many or the edit cannot be read."""
    subject = f"EventTrigger/{name}"
    if name not in plane.triggers:
        nothing_lost(plane, turn, subject)
        return dict(reactions) if subject in plane.unreadable else {}
    lost = {cluster: source for cluster, source in reactions.items() if _loses(plane, cluster, source, now.get(cluster, ""))}
    if not lost:
        nothing_lost(plane, turn, subject)
    elif held(plane, turn, Stage.MATCH, subject, lost, len(reactions)):
        return lost
    return {}


def _loses(plane: Plane, cluster: str, source: str, now: str) -> bool:
    if not now or now == source:
        return not now
    report = plane.reports.get((now, cluster))
    return report is None or not report.objects


def _still_held(plane: Plane, name: str) -> set[str]:
    lost = kept(plane, f"EventTrigger/{name}")
    if lost:
        return lost
    return set(plane.selected.get(name, ())) if name not in plane.triggers else set()
