"""What else differs between two standings: reach, matches, losses that wait, problems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from fleetd.decide.previewing.books import Books
from fleetd.decide.previewing.results import Course, Held, MatchChange, Problem, Reach
from fleetd.decide.previewing.standing import Standing
from fleetd.domain.states import ProposalState


def reaches(before: Standing, after: Standing) -> Iterator[Reach]:
    """The clusters that declared profiles, triggers and sets gain and lose; those of generated profiles are the matches' to tell."""
    made = before.makers.keys() | after.makers.keys()
    yield from _gains(
        {name: had for name, had in _placed(before).items() if name not in made},
        {name: has for name, has in _placed(after).items() if name not in made},
    )
    yield from _gains(_prefixed(before.selected), _prefixed(after.selected))
    yield from _gains({name: set(had) for name, had in before.sets.items()}, {name: set(has) for name, has in after.sets.items()})


def _prefixed(selected: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    return {f"EventTrigger/{name}": set(clusters) for name, clusters in selected.items()}


def _placed(standing: Standing) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for (name, cluster), placed in standing.placed.items():
        if placed.wanted is not None:
            found[name].add(cluster)
    return found


def _gains(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> Iterator[Reach]:
    for subject in sorted(before.keys() | after.keys()):
        had, has = before.get(subject, set()), after.get(subject, set())
        if had != has:
            yield Reach(subject, tuple(sorted(has - had)), tuple(sorted(had - has)))


def matches(before: Standing, after: Standing) -> Iterator[MatchChange]:
    """Matches that begin, change what they make, or end."""
    for key in sorted(before.matches.keys() | after.matches.keys(), key=lambda key: (key[0], key[1], str(key[2] or ""))):
        was, now = before.matches.get(key), after.matches.get(key)
        if was is None and now is not None:
            yield MatchChange(Course.BEGINS, *key, now.profile)
        elif was is not None and now is None:
            yield MatchChange(Course.ENDS, *key, was.profile)
        elif was is not None and now is not None and (was.profile, was.mark) != (now.profile, now.mark):
            yield MatchChange(Course.CHANGES, *key, now.profile)


def losses(before: Standing, after: Standing, books: Books) -> Iterator[Held]:
    """What would wait for a person and does not yet."""
    for subject, loss in sorted(after.held.items()):
        known = before.held.get(subject)
        if loss.state is ProposalState.WAITING and (known is None or known.lost != loss.lost):
            yield Held(subject, loss.summary, loss.lost, _standing(subject, loss.lost, before, books))


def _standing(subject: str, lost: Iterable[str], before: Standing, books: Books) -> int:
    """How many objects stand because of what is lost: of a profile or a trigger on clusters, of a source because of objects."""
    kind, _, rest = subject.partition("/")
    gone = set(lost)
    if kind == "Profile":
        return sum(len(books.owned((rest, cluster))) for cluster in gone)
    source, _, cluster = rest.partition("@")
    profiles = [
        item.profile
        for (trigger, where, ref), item in before.matches.items()
        if (kind == "EventTrigger" and trigger == rest and where in gone)
        or (kind == "EventSource" and where == cluster and before.selected.get(trigger, {}).get(where) == source and str(ref) in gone)
    ]
    return sum(len(books.owned((name, where))) for name in profiles for where in _clusters(before, name))


def _clusters(standing: Standing, profile: str) -> list[str]:
    return [where for name, where in standing.placed if name == profile]


def problems(before: Standing, after: Standing) -> Iterator[Problem]:
    """What fails after the change and did not, or for another reason."""
    for ref, reason in sorted(after.failed.items()):
        if before.failed.get(ref) != reason:
            yield Problem(str(ref), reason)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, match in after.matches.items():
        was = before.matches.get(key)
        if match.problem and (was is None or was.problem != match.problem):
            found[f"EventTrigger/{key[0]}", match.problem].append(key[1])
    for (name, cluster), placed in after.placed.items():
        if placed.wanted is None or placed.wanted.unknown:
            continue
        old = before.placed.get((name, cluster))
        told = {item.problem for item in old.wanted.addons} if old is not None and old.wanted is not None else set()
        for addon in placed.wanted.addons:
            if addon.problem and addon.problem not in told:
                found[f"{name}, {addon.addon}", addon.problem].append(cluster)
    for (subject, message), clusters in sorted(found.items()):
        yield Problem(subject, message, tuple(sorted(set(clusters))))
