"""What a trigger made in the management plane: by which event, for which object, and where it is deployed."""

from __future__ import annotations

from fleetd.service.questions.windows import MadeBy
from fleetd.service.teaching import Taught
from tui.lines import Page, facts, heading, link, plain, table
from tui.pages.asking import Ask, listed
from tui.paint import QUIET
from tui.places import Place
from tui.subjects import of_ref


async def generated(ask: Ask, place: Place, undeclared: Taught) -> Page:
    """The page of an object that nobody declared.

    Raises:
        Taught: no trigger made it either.
    """
    made = await ask(MadeBy(ref=place.subject, as_of=place.as_of))
    if made is None:
        raise undeclared
    profile = of_ref(made["ref"]).profile
    addons = await listed(ask, "addons", f"profile={profile}", place.as_of) if profile else []
    event, placed = f"event:{made['cause_id']}", f"{made['object_ref']}@{made['cluster']}"
    lines = [
        *facts(
            {
                "ref": made["ref"],
                "made by": f"EventTrigger/{made['event_trigger']}",
                "for": placed if made["object_ref"] else f"everything that matches on {made['cluster']}",
                "at": made["generated_at"],
                "cause": event,
            }
        ),
        plain("nobody declared it: a trigger made it from its templates, and it goes with its reason", QUIET),
        *heading("Add-ons", len(addons)),
    ]
    if addons:
        cells = [(row["state"], row["cluster"], row["addon"], row["reason"]) for row in addons]
        lines += table(("STATE", "CLUSTER", "ADD-ON", "REASON"), cells, [Place("why", profile, row["cluster"]) for row in addons])
    lines += heading("From here")
    lines.append(link("the trigger, and its gates", Place("trigger", made["event_trigger"])))
    lines.append(link("the event that made it", Place("event", made["cause_id"])))
    if made["object_ref"]:
        lines.append(link("the object that it was made for", Place("object", placed)))
    lines.append(link("what came of it", Place("trace", made["ref"], of="down")))
    return Page(made["ref"], tuple(lines), made["ref"])
