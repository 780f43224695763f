"""Sources judge what is recorded of objects: the only part of the clusters that a preview can see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.decide.observe import Source
from fleetd.decide.plane.observing import seen
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.decide.previewing.results import Coverage
from fleetd.domain.objects import Manifest, Observed
from fleetd.domain.refs import GroupVersionKind, ObjectRef

Bodies = Mapping[tuple[str, GroupVersionKind], list[Manifest]]


def bodies_of(plane: Plane) -> Bodies:
    """By cluster and kind, everything that some report shows as a whole; each object once."""
    found: dict[tuple[str, GroupVersionKind], dict[ObjectRef, Manifest]] = defaultdict(dict)
    for (_, cluster), report in plane.reports.items():
        for ref, item in report.objects.items():
            if item.body is not None:
                found[cluster, GroupVersionKind.of(item.api_version, ref.kind)][ref] = item.body
    return {key: list(several.values()) for key, several in found.items()}


@dataclass(frozen=True, slots=True)
class Listening:
    """A source that would be asked, for the first time or by other rules, about a kind on a cluster."""

    cluster: str
    gvk: GroupVersionKind
    source: Source


Interest = Mapping[str, Mapping[GroupVersionKind, tuple[Source, ...]]]


def anew(before: Interest, after: Interest) -> list[Listening]:
    """What is listened to in another way than before."""
    return [
        Listening(cluster, gvk, source)
        for cluster, kinds in sorted(after.items())
        for gvk, sources in kinds.items()
        for source in sources
        if not any(source is known for known in before.get(cluster, {}).get(gvk, ()))
    ]


def judge_recorded(plane: Plane, turn: Turn, listening: Iterable[Listening], bodies: Bodies, *, confirming: bool) -> None:
    """Shows these sources, and no others, what is recorded. A refusal counts at the second look (`confirming`) only."""
    for item in listening:
        objects = [observed(body) for body in bodies.get((item.cluster, item.gvk), ())]
        kinds = plane.interest.get(item.cluster, {})
        everybody = kinds.get(item.gvk, ())
        if item.source not in everybody:
            continue
        kinds[item.gvk] = (item.source,)
        try:
            seen(plane, turn, item.cluster, item.gvk, [(True, one) for one in objects], confirming=confirming)
        finally:
            kinds[item.gvk] = everybody


def coverage(plane: Plane, listening: Iterable[Listening], bodies: Bodies) -> Iterator[Coverage]:
    """What these sources were shown, kind by kind."""
    clusters: Counter[tuple[str, str]] = Counter()
    judged: Counter[tuple[str, str]] = Counter()
    kept: Counter[tuple[str, str]] = Counter()
    for item in listening:
        key = item.source.name, str(item.gvk.group_kind)
        clusters[key] += 1
        judged[key] += len(bodies.get((item.cluster, item.gvk), ()))
        report = plane.reports.get((item.source.name, item.cluster))
        objects = report.objects.values() if report is not None else ()
        kept[key] += sum(one.body is None and one.ref.group_kind == item.gvk.group_kind for one in objects)
    for key, count in sorted(clusters.items()):
        yield Coverage(*key, count, judged[key], kept[key])


def observed(body: Manifest, *, uid: str = "") -> Observed:
    """An object as a watch would show it."""
    metadata: dict[str, Any] = body["metadata"]
    gvk = GroupVersionKind.of(str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
    ref = ObjectRef(gvk.kind, gvk.group, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))
    known = uid or str(metadata.get("uid") or "")
    return Observed(ref=ref, uid=known, resource_version="", body=body, raw=orjson.dumps(body))
