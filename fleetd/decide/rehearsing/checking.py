"""Whether a rehearsed fleet is as a test expects it, and where it is not."""

from __future__ import annotations

import difflib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from fleetd.decide.observe import Judgement, cluster_shown, explained
from fleetd.decide.rehearsing.comparing import NOTHING, Difference, differences
from fleetd.decide.rehearsing.fleet import Deployed, Fleet
from fleetd.decide.rehearsing.rehearsal import observed_of
from fleetd.decide.rehearsing.results import Problem, results_of
from fleetd.decide.rehearsing.trial import Expected, ExpectedManifests, ExpectedVerdict
from fleetd.decide.spots import Path, path_text
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest, gvk_of, holds_secrets, ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState, VerdictState

WITHHELD = "[withheld]"
_CONTENTS = ("data", "stringData", "binaryData")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is not as expected; `path` is its place in the test. With `flawed`, the flaw in what was declared says more than that."""

    path: Path
    sentence: str
    wanted: Any = NOTHING
    found: Any = NOTHING
    problem: Problem | None = field(default=None, repr=False)


def cluster_named(fleet: Fleet, name: str) -> str:
    """The key of the cluster that a key or a mere name stands for.

    Raises:
        InvalidInput: there is none, or more than one.
    """
    known = sorted({*fleet.rehearsal.plane.members, *fleet.deployed, *fleet.others})
    if name in known:
        return name
    fitting = [key for key in known if key.rpartition("/")[2] == name]
    if len(fitting) == 1:
        return fitting[0]
    near = difflib.get_close_matches(name, [*known, *(key.rpartition("/")[2] for key in known)], n=1)
    hint = f": did you mean {near[0]}?" if near else f": there are {', '.join(known) or 'none'}"
    raise InvalidInput(f"{name} may be {' or '.join(fitting)}" if fitting else f"there is no cluster {name}{hint}")


def check(fleet: Fleet, expected: Expected, path: Path, *, circling: bool = False) -> Iterator[Failure]:
    """Everything that is not as expected, in the order of the test, and last the problems that nobody expected."""
    for index, verdict in enumerate(expected.verdicts):
        yield from _verdict(fleet, verdict, (*path, "verdicts", index))
    for index, stands in enumerate(expected.manifests):
        yield from _stands(fleet, stands, (*path, "manifests", index))
    problems = [*_problems(fleet, circling=circling)]
    for index, part in enumerate(expected.problems):
        if not any(part in one.message for one in problems):
            there = "; ".join(one.message for one in problems) or "none"
            yield Failure((*path, "problems", index), "this problem is not there", part, there)
    for one in problems:
        if not any(part in one.message for part in expected.problems):
            yield Failure(path, f"a problem that is not expected: {one.message}", problem=one)


def _problems(fleet: Fleet, *, circling: bool) -> Iterator[Problem]:
    plane = fleet.rehearsal.plane
    for ref, said in sorted(plane.statuses.items()):
        if said.state is DeclaredState.FAILED and said.reason:
            yield Problem(f"{ref.kind} {ref.name}: {said.reason}")
    seen = set()
    for result in results_of(plane, fleet.rehearsal.now):
        about = f"EventTrigger {result.trigger} on {result.source_cluster}" if result.trigger else result.profile
        about += f" for {result.object}" if result.object else ""
        for problem in result.problems:
            if (about, problem.message) not in seen:
                seen.add((about, problem.message))
                yield Problem(f"{about}: {problem.message}", problem.flaw)
    for subject, loss in sorted(plane.held.items()):
        yield Problem(f"held until somebody approves it: {loss.summary or subject}")
    if circling:
        yield Problem("what is deployed leads to something new again and again: the triggers go in a circle")


def _verdict(fleet: Fleet, expected: ExpectedVerdict, path: Path) -> Iterator[Failure]:
    plane = fleet.rehearsal.plane
    ref = ObjectRef.parse(expected.object_)
    about = f"EventSource {expected.source} of {ref}"
    source = plane.sources.get(expected.source)
    if source is None:
        near = difflib.get_close_matches(expected.source, plane.sources, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(plane.sources)) or 'none'}"
        yield Failure((*path, "source"), f"there is no EventSource {expected.source} in given.files: {hint}")
        return
    try:
        clusters = [cluster_named(fleet, expected.cluster)] if expected.cluster else _where(fleet, ref, expected.source)
    except InvalidInput as error:
        yield Failure((*path, "cluster"), str(error))
        return
    if len(clusters) > 1:
        yield Failure(path, f"{about}: the object stands on {', '.join(clusters)}: say which is meant with cluster")
        return
    if not clusters or fleet.live(clusters[0], ref) is None:
        yield Failure(
            (*path, "object"), f"{about}: there is no such object{f' on {clusters[0]}' if clusters else ''}{_nearest(fleet, ref)}"
        )
        return
    said, why = _said(fleet, expected.source, clusters[0], ref)
    if said is not expected.verdict:
        yield Failure((*path, "verdict"), f"{about} on {clusters[0]}", expected.verdict.value, f"{said.value}: {why}" if said else why)
    elif expected.reason and expected.reason not in why:
        yield Failure((*path, "reason"), f"{about} on {clusters[0]}: the reason", f"… {expected.reason} …", why)


def _said(fleet: Fleet, source: str, cluster: str, ref: ObjectRef) -> tuple[VerdictState | None, str]:
    plane = fleet.rehearsal.plane
    known = plane.sources[source]
    if known.problem:
        return VerdictState.ERROR, known.problem
    if not plane.listeners.get(cluster, {}).get(source):
        return None, f"no verdict: no trigger listens to this source on {cluster}"
    report = plane.report(source, cluster)
    judgement: Judgement | None = report.judgements.get(ref)
    live = fleet.live(cluster, ref)
    if judgement is not None and live is not None:
        more = explained(known, gvk_of(live), observed_of(live), cluster_shown(plane.members.get(cluster)), judgement)
        return judgement.state, "; ".join(filter(None, (judgement.reason, more if more != judgement.reason else "")))
    if ref in report.objects:
        return VerdictState.MATCH, "selected"
    return VerdictState.NO_MATCH, "its selectors do not look at this object"


def _where(fleet: Fleet, ref: ObjectRef, source: str) -> list[str]:
    """The members with such an object; those that the source is evaluated on, if there are any."""
    plane = fleet.rehearsal.plane
    having = [
        cluster for cluster in sorted({*fleet.others, *fleet.deployed} & plane.members.keys()) if fleet.live(cluster, ref) is not None
    ]
    return [cluster for cluster in having if plane.listeners.get(cluster, {}).get(source)] or having


def _nearest(fleet: Fleet, ref: ObjectRef) -> str:
    known = [str(one) for one in chain(*fleet.others.values(), *fleet.deployed.values())]
    near = difflib.get_close_matches(str(ref), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _stands(fleet: Fleet, expected: ExpectedManifests, path: Path) -> Iterator[Failure]:
    for name in (expected.cluster,) if isinstance(expected.cluster, str) else expected.cluster:
        try:
            cluster = cluster_named(fleet, name)
        except InvalidInput as error:
            yield Failure((*path, "cluster"), str(error))
            continue
        here = fleet.deployed.get(cluster, {})
        for key, manifests in _lists(expected):
            for number, manifest in enumerate(manifests):
                yield from _has(cluster, here, manifest, (*path, key, number))
        if expected.only is not None:
            mentioned = {ref_of(manifest) for manifest in expected.only} | {ref_of(manifest) for manifest in expected.has}
            for ref in sorted(here.keys() - mentioned):
                yield Failure((*path, "only"), f"{cluster}: {ref} stands there, too, by {here[ref].profile}")
        for number, text in enumerate(expected.lacks):
            ref = ObjectRef.parse(text)
            if ref in here:
                yield Failure((*path, "lacks", number), f"{cluster}: {ref} stands there, by {here[ref].profile}")


def _lists(expected: ExpectedManifests) -> Iterator[tuple[str, Sequence[Manifest]]]:
    yield "has", expected.has
    yield "only", expected.only or ()


def _has(cluster: str, here: dict[ObjectRef, Deployed], manifest: Manifest, path: Path) -> Iterator[Failure]:
    ref = ref_of(manifest)
    one = here.get(ref)
    if one is None:
        yield Failure(path, f"{cluster}: {ref} is not deployed there: {_instead(ref, here)}")
        return
    for difference in differences(manifest, _readable(one.manifest) if "stringData" in manifest else one.manifest):
        about = f"{cluster}: {ref}: {path_text(difference.path)}"
        yield Failure((*path, *difference.path), about, difference.wanted, _shown(difference, one.manifest))


def _readable(manifest: Manifest) -> Manifest:
    """A Secret with its values as texts, too, as somebody writes them; a cluster keeps them in base64 only."""
    if not holds_secrets(manifest):
        return manifest
    texts = {key: b64decode(value).decode(errors="replace") for key, value in (manifest.get("data") or {}).items()}
    return {**manifest, "stringData": {**texts, **(manifest.get("stringData") or {})}}


def _instead(ref: ObjectRef, here: Iterable[ObjectRef]) -> str:
    known: Sequence[str] = sorted(map(str, here))
    near = difflib.get_close_matches(str(ref), known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(known) - 8} more" if len(known) > 8 else ""
    return f"there is {', '.join(known[:8])}{more}" if known else "nothing is"


def _shown(difference: Difference, manifest: Manifest) -> Any:
    """What is found, unless it is a secret."""
    if difference.found is not NOTHING and holds_secrets(manifest) and difference.path[:1] and difference.path[0] in _CONTENTS:
        return WITHHELD
    return difference.found
