"""What a preview says, for people: tables on a terminal, Markdown for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from fleetd.cli.output import counted, plain, write_line, write_table
from fleetd.decide.plan import Action
from fleetd.decide.previewing.results import FieldChange, Held, MatchChange, ObjectChange, Preview
from fleetd.service.previewing import Previewed

NAMED = 3
"""Clusters that a line names; the others are counted."""
WRITES = (Action.CREATE, Action.UPDATE, Action.DELETE)


def tables(found: Previewed, limit: int) -> None:
    """What is alike on several clusters is one line."""
    effect = found.effect
    if found.quiet:
        write_line("nothing would change")
        return
    _table(("DECLARED", "BECOMES"), [(str(item.ref), item.done.value) for item in found.declared], limit)
    _table(("ACTION", "OBJECT", "CLUSTERS", "PROFILE", "DEPTH", "WHY"), list(_lines(effect)), limit)
    _table(("MATCHES", "TRIGGER", "COURSE", "CLUSTERS", "DEPTH", "BECAUSE"), list(_matches(effect)), limit)
    _table(("REACH", "GAINED", "LOST"), [(item.subject, _named(item.gained), _named(item.lost)) for item in effect.reaches], limit)
    held = [(item.subject, str(len(item.lost)), str(item.objects), _loss(item)) for item in effect.held]
    _table(("NEEDS A PERSON", "LOST", "OBJECTS", "WHY"), held, limit)
    _table(("PROBLEM", "CLUSTERS", "MESSAGE"), [(item.subject, _named(item.clusters), item.message) for item in effect.problems], limit)
    for sentence in notes(effect):
        write_line(sentence)
    write_line(summary(found))


def _table(columns: Sequence[str], lines: Sequence[Sequence[str]], limit: int) -> None:
    if not lines:
        return
    write_table(columns, lines[:limit])
    if len(lines) > limit:
        write_line(f"and {len(lines) - limit} more")
    write_line("")


def _lines(effect: Preview) -> Iterator[tuple[str, ...]]:
    def alike(item: ObjectChange) -> tuple[int, str, str, str, str]:
        return item.depth, item.action.value, item.profile, str(item.ref), _why(item)

    for (depth, action, profile, ref, why), several in groupby(sorted(effect.objects, key=alike), key=alike):
        yield action, ref, _named([item.cluster for item in several]), profile, str(depth), why


def _matches(effect: Preview) -> Iterator[tuple[str, ...]]:
    def alike(item: MatchChange) -> tuple[int, str, str]:
        return item.depth, item.trigger, item.course.value

    for (depth, trigger, course), grouped in groupby(sorted(effect.matches, key=alike), key=alike):
        several = list(grouped)
        led = list(dict.fromkeys(item.because for item in several if item.because))
        yield str(len(several)), trigger, course, _named(list(dict.fromkeys(item.cluster for item in several))), str(depth), _named(led)


def _why(item: ObjectChange) -> str:
    parts = [
        "DATA LOSS" if item.data_loss else "",
        item.reason,
        f"waits: {item.waits}" if item.waits else "",
        ", ".join(map(_field, item.fields[:3])) + (f" and {len(item.fields) - 3} more fields" if len(item.fields) > 3 else ""),
        f"by {item.because}" if item.because else "",
    ]
    return "; ".join(filter(None, parts))


def _field(field: FieldChange) -> str:
    if field.withheld:
        return f"{field.path} (not shown)"
    return f"{field.path}: {field.before or 'absent'} → {field.after or 'absent'}" if field.before or field.after else field.path


def _named(clusters: Sequence[str]) -> str:
    more = f" and {len(clusters) - NAMED} more" if len(clusters) > NAMED else ""
    return f"{', '.join(clusters[:NAMED])}{more}"


def _loss(item: Held) -> str:
    return item.summary.removeprefix(f"{item.subject}: ")


def notes(effect: Preview) -> Iterator[str]:
    """What is not known, and what stays."""
    for one in effect.coverage:
        known = f"{counted(one.judged, 'recorded object')} judged" + (f", {one.kept} of unknown contents taken to stay" if one.kept else "")
        where = f"on {counted(one.clusters, 'cluster')}"
        yield f"EventSource {one.source} looks anew at {one.kind} {where}: {known}; others there are not known"
    if effect.joining:
        yield f"taken to answer: {_named(effect.joining)}"
    if effect.leaving:
        yield f"leave: {_named(effect.leaving)}; {counted(effect.standing, 'object')} of ours stay there as they are"
    if effect.unjudged:
        yield f"{counted(effect.unjudged, 'object')} would change where a source looks, and too little is recorded to judge them"
    if effect.sealed:
        yield f"{counted(effect.sealed, 'add-on')} made of Secrets: what they hold is not known without the master key"


def summary(found: Previewed) -> str:
    """All counts on one line."""
    counts = found.effect.counts
    words = [f"{counts[action.value]} {action.value}" for action in (*WRITES, Action.LEAVE, Action.CONFLICT) if counts[action.value]]
    told = f"{', '.join(words) or 'no object changes'} on {counts['clusters']} of {counted(found.clusters, 'cluster')}"
    held = "one loss needs a person" if counts["held"] == 1 else f"{counts['held']} losses need a person"
    more = [
        f"{counts['data_loss']} with data" if counts["data_loss"] else "",
        f"{counts['waiting']} waiting for their clusters" if counts["waiting"] else "",
        held if counts["held"] else "",
        counted(counts["problems"], "problem") if counts["problems"] else "",
    ]
    return "; ".join(filter(None, (told, *more)))


def markdown(found: Previewed, limit: int) -> None:
    """Counts first; then the first clusters with their first rows, and how many are left out."""
    for line in _markdown(found, limit):
        write_line(line)


def _markdown(found: Previewed, limit: int) -> Iterator[str]:
    effect, counts = found.effect, found.effect.counts
    yield "### What this change would do to the fleet"
    yield ""
    if found.quiet:
        yield "Nothing would change."
        return
    yield f"{_text(summary(found))}, as of change {found.revision}."
    yield ""
    yield "| " + " | ".join(name.replace("_", " ") for name in counts) + " |"
    yield "|" + "---:|" * len(counts)
    yield "| " + " | ".join(map(str, counts.values())) + " |"
    declared = [f"- {item.done.value} {_code(item.ref)}" for item in found.declared]
    yield from _section("Declared", declared, limit)
    held = [f"- {_code(item.subject)}: {_text(_loss(item))}; {counted(item.objects, 'object')} stand because of it" for item in effect.held]
    yield from _section("Needs a person", held, limit)
    losing = [f"- {_code(item.ref)} on {_code(item.cluster)}: {_text(item.reason)}" for item in effect.objects if item.data_loss]
    yield from _section("Data would be lost", losing, limit)
    problems = [f"- {_code(item.subject)}: {_text(item.message)}{_where(item.clusters)}" for item in effect.problems]
    yield from _section("Problems", problems, limit)
    reaches = [f"- {_code(item.subject)}{_moved('gains', item.gained)}{_moved('loses', item.lost)}" for item in effect.reaches]
    yield from _section("Who gets what", reaches, limit)
    yield from _objects(effect, limit)
    matches = [
        f"- {item.course.value}: {_code(item.trigger)} on {_code(item.cluster)}, {_code(item.object or 'the report')}{_round(item.depth)}"
        for item in effect.matches
    ]
    yield from _section("Matches", matches, limit)
    yield from _section("What is not known", [f"- {_text(sentence)}" for sentence in notes(effect)], limit)


def _objects(effect: Preview, limit: int) -> Iterator[str]:
    by_cluster = [
        (cluster, list(several))
        for cluster, several in groupby(sorted(effect.objects, key=lambda item: (item.cluster, item.depth)), key=lambda item: item.cluster)
    ]
    if not by_cluster:
        return
    yield ""
    yield "#### Objects"
    for cluster, several in by_cluster[:limit]:
        yield ""
        yield f"<details><summary>{_plain_html(cluster)}: {counted(len(several), 'object')}</summary>"
        yield ""
        yield from _bounded([_row(item) for item in several], limit)
        yield ""
        yield "</details>"
    if len(by_cluster) > limit:
        left = by_cluster[limit:]
        yield ""
        yield f"…and {counted(sum(len(several) for _, several in left), 'object')} on {counted(len(left), 'more cluster')}."


def _row(item: ObjectChange) -> str:
    why = _why(item)
    return f"- **{item.action.value}** {_code(item.ref)} by {_code(item.profile)}{f': {_code(why)}' if why else ''}{_round(item.depth)}"


def _section(title: str, lines: Sequence[str], limit: int) -> Iterator[str]:
    if lines:
        yield ""
        yield f"#### {title}"
        yield ""
        yield from _bounded(lines, limit)


def _bounded(lines: Sequence[str], limit: int) -> Iterator[str]:
    yield from lines[:limit]
    if len(lines) > limit:
        yield f"- …and {len(lines) - limit} more"


def _moved(word: str, clusters: Sequence[str]) -> str:
    return f" {word} {counted(len(clusters), 'cluster')} ({_codes(clusters)})" if clusters else ""


def _where(clusters: Sequence[str]) -> str:
    return f" (on {_codes(clusters)})" if clusters else ""


def _codes(clusters: Sequence[str]) -> str:
    more = f" and {len(clusters) - NAMED} more" if len(clusters) > NAMED else ""
    return ", ".join(map(_code, clusters[:NAMED])) + more


def _round(depth: int) -> str:
    return f" — round {depth}" if depth else ""


def _code(what: object) -> str:
    """As code, whatever stands in it: nothing in it is markup, or calls anybody."""
    return f"`{plain(str(what)).replace('`', chr(39))}`"


def _text(text: str) -> str:
    """Text that somebody else may have had a part in."""
    return _plain_html(text).replace("`", "'").replace("@", "@\u200b").replace("[", "\\[").replace("*", "\\*")


def _plain_html(text: str) -> str:
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
