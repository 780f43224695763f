"""What a rehearsed fleet would put where, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleetd.decide.definitions import Profile, SyncMode
from fleetd.decide.digest import canonical
from fleetd.decide.engines.answers import Asking
from fleetd.decide.instantiate import instantiate
from fleetd.decide.plane.reacting import objects_of
from fleetd.decide.plane.state import Plane, ReactionKey
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Flaw, Misrendered
from fleetd.decide.wanted import Wanted
from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.refs import ObjectRef


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is not rendered, and where in what was declared that stands."""

    message: str
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An object that would be applied, the ConfigMap or Secret that it comes from, and patches that may have changed it."""

    manifest: Manifest = field(repr=False)
    source: ObjectRef
    patches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What one profile puts on clusters that get the same of it; a match that makes no profile has problems only.

    `trigger` and `source_cluster` are empty for a profile that was declared, `object` where a trigger is for a report as a whole.
    """

    trigger: str
    source_cluster: str
    object: ObjectRef | None
    profile: str
    destinations: tuple[str, ...]
    made: tuple[Made, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def results_of(plane: Plane, now: datetime) -> list[Result]:
    """Of all matches, in the order of triggers, clusters and objects, and then of declared profiles."""
    found: list[Result] = []
    for key in sorted(plane.reactions, key=lambda key: (key[0], key[1], str(key[2] or ""))):
        reaction = plane.reactions[key]
        if reaction.problem:
            problem = Problem(reaction.problem, _flaw_of(plane, key, now))
            found.append(Result(key[0], key[1], key[2], reaction.profile, (), (), (problem,)))
        else:
            found.extend(_of_profile(plane, reaction.profile, key))
    for name in sorted(plane.profiles.keys() - plane.reaction_of.keys()):
        found.extend(_of_profile(plane, name, None))
    return found


def _flaw_of(plane: Plane, key: ReactionKey, now: datetime) -> Flaw | None:
    trigger, member = plane.triggers[key[0]], plane.members[key[1]]
    render = Render(now, asking=Asking(plane.answers, key))
    try:
        instantiate(trigger, member, objects_of(plane, key), plane.contents, render, source=plane.selected[key[0]][key[1]], uses=set())
    except Misrendered as error:
        return error.flaw
    except GiveUp:
        return None
    return None


def _of_profile(plane: Plane, name: str, key: ReactionKey | None) -> Iterator[Result]:
    trigger, source, one = key or ("", "", None)
    profile = plane.profiles[name]
    empty = Result(trigger, source, one, name, (), ())
    placements = {cluster: item.wanted for cluster, item in plane.placements.get(name, {}).items() if item.wanted is not None}
    if not placements:
        yield replace(empty, notes=(_why_nowhere(profile),))
        return
    groups: dict[bytes, Result] = {}
    for cluster, wanted in sorted(placements.items()):
        result = _on_cluster(empty, wanted)
        same = canonical([[item.manifest for item in result.made], [item.message for item in result.problems], result.notes])
        known = groups.get(same, result)
        groups[same] = replace(known, destinations=(*known.destinations, cluster))
    yield from groups.values()


def _why_nowhere(profile: Profile) -> str:
    if profile.paused:
        return "the profile is paused"
    if profile.sync_mode is SyncMode.DRY_RUN:
        return "syncMode DryRun: nothing is written"
    if profile.selector is None and not profile.cluster_refs and not profile.set_refs:
        return "it names no clusters"
    return "none of the clusters is one of its destinations"


def _on_cluster(empty: Result, wanted: Wanted) -> Result:
    made: dict[ObjectRef, Made] = {}
    problems: dict[str, Problem] = {}
    notes: dict[str, None] = {}
    for addon in wanted.addons:
        if addon.problem:
            problems.setdefault(addon.problem, Problem(addon.problem, addon.flaw))
        if addon.note:
            notes[addon.note] = None
        source = ObjectRef(addon.source.kind, "", addon.source.namespace, addon.source.name)
        for manifest, _ in addon.parsed.objects:
            ref = ref_of(manifest)
            if ref in made:
                notes[f"{ref} is wanted twice; what comes first counts"] = None
            else:
                made[ref] = Made(manifest, source, tuple(sorted(addon.parsed.used)))
    return replace(empty, made=tuple(made.values()), problems=tuple(problems.values()), notes=tuple(notes))


def unmet(plane: Plane) -> Iterable[str]:
    """Why triggers have met nothing: one sentence each."""
    met = {key[0] for key in plane.reactions}
    for name in sorted(plane.triggers.keys() - met):
        selected: Mapping[str, str] = plane.selected.get(name, {})
        if not selected:
            yield f"EventTrigger {name}: sourceClusterSelector chooses none of the clusters"
            continue
        for source in dict.fromkeys(selected.values()):
            known = plane.sources.get(source)
            if known is None:
                yield f"EventTrigger {name}: EventSource {source} is not in the files"
            elif known.problem:
                yield f"EventTrigger {name}: EventSource {source}: {known.problem}"
            else:
                yield f"EventTrigger {name}: EventSource {source} selects none of the objects{_refusals(plane, source)}"


def _refusals(plane: Plane, source: str) -> str:
    said = {
        f"{ref}: {judgement.reason}"
        for (name, _), report in plane.reports.items()
        if name == source
        for ref, judgement in report.judgements.items()
    }
    return f" ({'; '.join(sorted(said)[:3])})" if said else ""
