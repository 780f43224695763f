"""Drift incidents, requests and proposals, one at a time."""

from __future__ import annotations

from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.proposals import shown
from fleetd.service.questions.requests import GetRequest
from fleetd.service.questions.windows import Choice, ReadRows
from tui.lines import Line, Page, facts, heading, link, plain
from tui.pages.asking import Ask
from tui.paint import BAD, GOOD, QUIET, styled
from tui.places import Place
from tui.subjects import profile_ref
from tui.words import said_whole

_NO_MORE = (plain("this is no more", QUIET),)


async def incident(ask: Ask, place: Place) -> Page:
    """Wanted and found side by side, and who changed it."""
    rows = await ask(ReadRows(choice=Choice(sheet="drift", as_of=place.as_of), keys=(place.subject,)))
    if not rows:
        return Page("Drift", _NO_MORE)
    row = rows[0]
    found = (await ask(GetDrift(ref=row["object_ref"], clusters=row["cluster"], limit=200, as_of=place.as_of))).items
    fields = next((one.fields for one in found if one.incident_id == place.subject), ())
    placed = f"{row['object_ref']}@{row['cluster']}"
    lines = [
        *facts(
            {
                "object": row["object_ref"],
                "cluster": row["cluster"],
                "outcome": row["outcome"],
                "changed by": row["changed_by"],
                "detected": row["detected_at"],
                "corrected": row["corrected_at"],
                "times": row["flap_count"],
                "profile": row["profile"],
            },
            states=("outcome",),
        ),
        *heading("Fields", len(fields)),
    ]
    for field in fields:
        lines.append(plain(f"  {field.field_path_untrusted}"))
        lines.append(Line(styled("    - wanted  ", QUIET) + styled(field.wanted_untrusted or "(nothing)", GOOD)))
        lines.append(Line(styled("    + found   ", QUIET) + styled(field.found_untrusted or "(nothing)", BAD)))
    lines += [
        *heading("From here"),
        link("the object", Place("object", placed)),
        link("why it is there", Place("trace", placed, of="up")),
        link("its profile on this cluster", Place("why", row["profile"], row["cluster"])),
        link("other drift on this cluster", Place("drift", of=f"cluster={row['cluster']}")),
    ]
    return Page(f"Drift of {said_whole(row['object_ref'])}", tuple(lines), placed)


async def request(ask: Ask, place: Place) -> Page:
    """What became of something that was asked of the daemon."""
    await ask(ReadRows(choice=Choice(sheet="requests", as_of=place.as_of), keys=()))
    found = (await ask(GetRequest(request_id=place.subject))).result
    shown = {
        "request": found.request_id,
        "state": found.state,
        "verb": found.verb,
        "subject": found.subject,
        "asked": found.created_at,
        "decided": found.decided_at,
        "outcome": found.outcome_untrusted,
    }
    return Page(f"Request {found.verb} {found.subject}", tuple(facts(shown, states=("state",))), found.subject)


async def proposal(ask: Ask, place: Place) -> Page:
    """What waits for a person, and what it would take away."""
    rows = await ask(ReadRows(choice=Choice(sheet="proposals", as_of=place.as_of), keys=(place.subject,)))
    if not rows:
        return Page("Proposal", _NO_MORE)
    row = rows[0]
    facts_shown = {
        "id": row["id"],
        "state": row["state"],
        "subject": row["subject"],
        "what": row["reason"],
        "since": row["created_at"],
        "waits until": row["expires_at"],
        "decided by": row["decided_by"],
        "decided": row["decided_at"],
        "because": row["decision"],
    }
    waits = row["state"] == "waiting"
    lines = [
        *facts(facts_shown, states=("state",)),
        *heading("Would be lost" if waits else "Was about"),
        *(plain(f"  {line}") for line in said_whole(row["lost"]).split(",")),
        *heading("From here"),
    ]
    if waits:
        lines.append(plain("  A   lets it follow, and X says no; nothing goes before that"))
    lines.append(link("its profile", Place("object", profile_ref(row["subject"]))) if str(row["subject"]).count("/") in (1, 2) else plain())
    return Page(f"Held: {said_whole(row['subject'])}", tuple(lines), str(row["subject"]), proposal=shown(row))
