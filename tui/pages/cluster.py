"""One cluster: its state, what acts on it, what is deployed there, what happened last."""

from __future__ import annotations

from datetime import timedelta

from fleetd.service.questions.clusters import GetCluster
from fleetd.service.questions.drift import GetDrift
from tui.lines import Page, facts, heading, link, plain, table
from tui.pages.asking import Ask
from tui.places import Place
from tui.words import span


async def page(ask: Ask, place: Place) -> Page:
    """Everything about one cluster on one page."""
    found = (await ask(GetCluster(cluster=place.subject, detail="full", as_of=place.as_of))).result
    row = found.cluster
    name = row.cluster
    incidents = (await ask(GetDrift(clusters=name, only="open", detail="full", as_of=place.as_of))).items
    events = found.last_events
    lines = [
        *facts(
            {
                "cluster": name,
                "state": row.connection + (", stale" if row.stale else ""),
                "reason": row.reason_untrusted,
                "paused": "paused" if row.paused else "",
                "version": row.kubernetes_version,
                "kind": found.kind,
                "mode": found.mode,
                "since": found.since,
                "last heard of": row.last_seen_at,
            },
            states=("state", "paused"),
        ),
        *heading("Labels", len(row.labels)),
        *(plain(f"  {key}={value}") for key, value in sorted(row.labels.items())),
        *heading("Pending events", row.pending_events),
    ]
    if row.oldest_pending is not None:
        oldest = row.oldest_pending
        waits = span(timedelta(seconds=oldest.age_seconds))
        said = f"the oldest: {oldest.event_trigger}, {oldest.state} for {waits}  {oldest.reason_untrusted}"
        lines.append(link(said, Place("why", f"EventTrigger/{oldest.event_trigger}", oldest.source_cluster)))
    profiles = [(_states(one.states), one.profile) for one in found.profiles]
    lines += [*heading("Profiles", len(profiles))]
    if profiles:
        lines += table(("STATE", "PROFILE"), profiles, [Place("why", one.profile, name) for one in found.profiles])
    lines += [*heading("Open drift", len(incidents))]
    for one in incidents:
        fields = ", ".join(field.field_path_untrusted for field in one.fields)
        lines.append(link(f"{one.object_ref}  {fields}  by {one.changed_by_untrusted}", Place("incident", one.incident_id)))
    lines += [*heading("Last events", len(events))]
    rows = [(event.detected_at, event.event_source, f"{event.matching_count} match") for event in events]
    if rows:
        lines += table(("AT", "SOURCE", ""), rows, [Place("event", event.event_id) for event in events], states=())
    lines += [*heading("Triggers that its events met", len(found.fires_for))]
    lines += [link(trigger, Place("why", f"EventTrigger/{trigger}", name)) for trigger in found.fires_for]
    lines += [
        *heading("From here"),
        link(f"objects that fleetd put here: {found.objects}", Place("objects", of=f"cluster={name}")),
        link("its add-ons", Place("addons", of=f"cluster={name}")),
        link("its events", Place("events", of=f"cluster={name}")),
        link("what happened here", Place("timeline", cluster=name)),
    ]
    return Page(f"Cluster {name}", tuple(lines), name)


def _states(states: dict[str, int]) -> str:
    worst = sorted(states.items(), key=lambda one: (one[0] in ("deployed", "healthy"), one[0]))
    return ", ".join(f"{state} {count}" for state, count in worst) or "-"
