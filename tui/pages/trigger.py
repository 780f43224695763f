"""One trigger: what it waits for, whether it acts, and where."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.objects import GetObject
from fleetd.service.questions.windows import Choice, ListKeys, ReadRows
from tui.lines import Page, facts, heading, link, plain, table
from tui.pages.asking import Ask
from tui.pages.ladder import gates
from tui.paint import QUIET, STRONG, styled
from tui.places import Place
from tui.subjects import of_row
from tui.words import inert

SHOWN = 20


async def page(ask: Ask, place: Place) -> Page:
    """Gates on the cluster that matters most, and the last matches with the objects that fired."""
    name = place.subject.rpartition("/")[2]
    ref = f"EventTrigger.lib.projectsveltos.io//{name}"
    declared = (await ask(GetObject(ref=ref, view="summary", as_of=place.as_of))).result
    found = (await ask(ExplainTrigger(trigger=name, as_of=place.as_of))).result
    choice = Choice(sheet="matches", subject=f"EventTrigger={name}", as_of=place.as_of)
    keys = (await ask(ListKeys(choice=choice))).keys
    rows = await ask(ReadRows(choice=choice, keys=keys[:SHOWN]))
    order = {key: number for number, key in enumerate(keys[:SHOWN])}
    matches = sorted(rows, key=lambda row: order[row["key"]])
    states = Counter(row["state"] for row in matches)
    lines = [
        *facts(
            {"trigger": name, "state": declared.state, "reason": declared.reason_untrusted, "event source": found.event_source},
            states=("state",),
        ),
        *heading(f"Gates on {found.cluster}"),
        *gates(found.gates, found.first_failing),
        *heading("Matches", len(keys)),
    ]
    if matches:
        said = ", ".join(f"{count} {state}" for state, count in states.most_common())
        lines.append(plain(f"  of the last {len(matches)}: {said}", QUIET))
        cells = [
            (row["state"], row["cluster"], inert(row["object_ref"] or "(all together)"), row["matched_at"], inert(row["reason"] or "-"))
            for row in matches
        ]
        lines += table(("STATE", "CLUSTER", "OBJECT", "AT", "REASON"), cells, [_object(row) for row in matches])
    lines += [
        *heading("From here"),
        link("all its matches", Place("matches", of=f"EventTrigger={name}")),
        link(
            Text("its source ") + styled(found.event_source, STRONG) + Text(" and all it says"),
            Place("verdicts", of=f"EventSource={found.event_source}"),
        ),
        link("what names it, and what it names", Place("references", ref)),
        link("what came of it", Place("trace", f"EventTrigger/{name}", of="down")),
        link("as it is declared", Place("yaml", ref)),
    ]
    return Page(f"EventTrigger {name}", tuple(lines), ref)


def _object(row: dict[str, object]) -> Place | None:
    subject = of_row("matches", row)
    return Place("event", subject.event) if subject.event else None
