"""What a row or a page is about, and where each key leads from there; or why it leads nowhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleetd.service.questions.proposals import shown
from tui.lines import Page
from tui.places import Place

_LIB, _CONFIG = "lib.projectsveltos.io", "config.projectsveltos.io"


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody points at. Each part is empty where it has no such thing.

    Attributes:
        ref: the reference that `c` copies: of a declared object, an object on a cluster, an event or a cluster.
        declared: the reference of a declared object.
        placed: `object@namespace/cluster`.
    """

    ref: str = ""
    cluster: str = ""
    event: str = ""
    trigger: str = ""
    source: str = ""
    profile: str = ""
    declared: str = ""
    placed: str = ""
    request: str = ""
    proposal: str = ""

    @property
    def anything(self) -> str:
        """What the questions about one thing take, the most particular first."""
        return self.placed or (f"event:{self.event}" if self.event else "") or self.declared or self.profile


def of_row(screen: str, row: Mapping[str, Any]) -> Subject:
    """What a row of a list is about."""
    return _ROWS[screen](row)


def _declared(row: Mapping[str, Any]) -> Subject:
    ref, name = str(row["ref"]), str(row["name"])
    kind = ref.partition("/")[0].partition(".")[0]
    found = Subject(ref=ref, declared=ref)
    match kind:
        case "EventTrigger":
            return replace(found, trigger=name)
        case "EventSource":
            return replace(found, source=name)
        case "ClusterProfile" | "Profile":
            return replace(found, profile=str(row.get("profile") or _profile(ref)))
        case "SveltosCluster":
            return replace(found, cluster=f"{row['namespace']}/{name}")
        case _:
            return found


def _profile(ref: str) -> str:
    kind, _, rest = ref.partition("/")
    return f"{kind.partition('.')[0]}/{rest}"


def _cluster(row: Mapping[str, Any]) -> Subject:
    namespace, _, name = str(row["cluster"]).partition("/")
    return Subject(ref=row["cluster"], cluster=row["cluster"], declared=f"SveltosCluster.{_LIB}/{namespace}/{name}")


def _event(row: Mapping[str, Any]) -> Subject:
    placed = f"{row['object_ref']}@{row['cluster']}" if row.get("object_ref") else ""
    return Subject(ref=f"event:{row['event_id']}", cluster=row["cluster"], event=row["event_id"], source=row["event_source"], placed=placed)


def _pending(row: Mapping[str, Any]) -> Subject:
    return Subject(
        ref=f"event:{row['event_id']}",
        cluster=row["source_cluster"] or "",
        event=row["event_id"] or "",
        source=row["event_source"],
        trigger=row["event_trigger"],
        declared=f"EventTrigger.{_LIB}//{row['event_trigger']}",
    )


def _match(row: Mapping[str, Any]) -> Subject:
    placed = f"{row['object_ref']}@{row['cluster']}" if row["object_ref"] else ""
    return Subject(
        ref=placed or f"event:{row['event_id']}",
        cluster=row["cluster"],
        event=row["event_id"] or "",
        trigger=row["event_trigger"],
        source=row["event_source"],
        profile=row["profile"] or "",
        declared=f"EventTrigger.{_LIB}//{row['event_trigger']}",
        placed=placed,
    )


def _verdict(row: Mapping[str, Any]) -> Subject:
    placed = f"{row['object_ref']}@{row['cluster']}"
    declared = f"EventSource.{_LIB}//{row['event_source']}"
    return Subject(ref=placed, cluster=row["cluster"], source=row["event_source"], declared=declared, placed=placed)


def profile_ref(profile: str) -> str:
    """The reference of a profile that views name `Kind/name` or `Kind/namespace/name`."""
    kind, _, rest = profile.partition("/")
    return f"{kind}.{_CONFIG}/{rest if '/' in rest else '/' + rest}"


def _addon(row: Mapping[str, Any]) -> Subject:
    return Subject(ref=row["profile"], cluster=row["cluster"], profile=row["profile"], declared=profile_ref(row["profile"]))


def _put(row: Mapping[str, Any]) -> Subject:
    placed = f"{row['object_ref']}@{row['cluster']}"
    declared = profile_ref(row["profile"]) if row["profile"] else ""
    return Subject(ref=placed, cluster=row["cluster"], profile=row["profile"] or "", declared=declared, placed=placed)


def _journal(row: Mapping[str, Any]) -> Subject:
    return of_ref(str(row["subject_ref"]), str(row["cluster"] or ""))


def of_page(page: Page) -> Subject:
    """What a page is about."""
    return replace(of_ref(page.subject), proposal=page.proposal)


def of_ref(ref: str, cluster: str = "") -> Subject:
    """What a reference is about, as far as it can be told from itself."""
    kind, _, rest = ref.partition("/")
    bare, name = kind.partition(".")[0], rest.rpartition("/")[2]
    found = Subject(ref=ref, cluster=cluster)
    if ref.startswith("event:"):
        return replace(found, event=ref.removeprefix("event:"))
    if "@" in ref:
        return replace(found, placed=ref, cluster=ref.partition("@")[2])
    match bare:
        case "EventTrigger":
            return replace(found, trigger=name, declared=f"EventTrigger.{_LIB}//{name}")
        case "EventSource":
            return replace(found, source=name, declared=f"EventSource.{_LIB}//{name}")
        case "ClusterProfile" | "Profile":
            profile = f"{bare}/{rest.removeprefix('/')}"
            return replace(found, profile=profile, declared=profile_ref(profile))
        case _ if "/" in ref and bare[:1].islower():
            return replace(found, cluster=ref)
        case _ if "/" in ref:
            return replace(found, declared=ref)
        case _:
            return found


_ROWS: Mapping[str, Callable[[Mapping[str, Any]], Subject]] = {
    "clusters": _cluster,
    "events": _event,
    "pending": _pending,
    "sources": _declared,
    "triggers": _declared,
    "profiles": _declared,
    "declared": _declared,
    "matches": _match,
    "verdicts": _verdict,
    "addons": _addon,
    "objects": _put,
    "drift": _put,
    "journal": _journal,
    "requests": lambda row: replace(of_ref(str(row["subject"])), request=str(row["id"])),
    "proposals": lambda row: replace(of_ref(str(row["subject"])), proposal=shown(row)),
}


def opened(screen: str, row: Mapping[str, Any], subject: Subject) -> Place | None:
    """Where enter leads from a row: down towards the object that fired, or the page of what it is."""
    leads = _OPENED.get(screen)
    return leads(row, subject) if leads is not None else described(subject)


def _of_event(_row: Mapping[str, Any], subject: Subject) -> Place | None:
    return Place("event", subject.event) if subject.event else described(subject)


_OPENED: Mapping[str, Callable[[Mapping[str, Any], Subject], Place | None]] = {
    "clusters": lambda _, subject: Place("cluster", subject.cluster),
    "events": _of_event,
    "matches": _of_event,
    "pending": lambda _, subject: Place("why", f"EventTrigger/{subject.trigger}", subject.cluster),
    "sources": lambda _, subject: Place("verdicts", of=f"EventSource={subject.source}"),
    "triggers": lambda _, subject: Place("trigger", subject.trigger),
    "profiles": lambda _, subject: Place("addons", of=f"profile={subject.profile}"),
    "addons": lambda _, subject: Place("why", subject.profile, subject.cluster),
    "objects": lambda _, subject: Place("trace", subject.placed),
    "drift": lambda row, _: Place("incident", str(row["incident_id"])),
    "verdicts": lambda _, subject: Place("object", subject.placed),
    "requests": lambda _, subject: Place("request", subject.request),
    "proposals": lambda row, _: Place("proposal", str(row["id"])),
}


def described(subject: Subject) -> Place | None:
    """The page of one thing."""
    if subject.declared and not subject.placed:
        return Place("object", subject.declared)
    if subject.placed:
        return Place("object", subject.placed)
    if subject.event:
        return Place("event", subject.event)
    return Place("cluster", subject.cluster) if subject.cluster else None


def why(subject: Subject) -> Place | None:
    """The gates: of a trigger on a cluster, or of a profile on one."""
    if subject.trigger:
        return Place("why", f"EventTrigger/{subject.trigger}", subject.cluster)
    if subject.profile and subject.cluster:
        return Place("why", subject.profile, subject.cluster)
    return Place("event", subject.event) if subject.event else None


def traced(subject: Subject) -> Place | None:
    """Lineage: up from an object, down from a cause."""
    about = subject.placed or (f"event:{subject.event}" if subject.event else "") or (subject.declared if not subject.cluster else "")
    return Place("trace", about or subject.declared) if about or subject.declared else None


def timeline(subject: Subject) -> Place | None:
    """What happened to it."""
    if subject.declared and not subject.placed and not subject.event:
        return Place("timeline", subject.declared)
    return Place("timeline", cluster=subject.cluster) if subject.cluster else None


def used_by(subject: Subject) -> Place | None:
    """What names it."""
    return Place("references", subject.declared) if subject.declared else None


def manifest(subject: Subject) -> Place | None:
    """Its YAML."""
    about = subject.declared if not subject.placed else subject.placed
    return Place("yaml", about) if about else None


def owner(subject: Subject) -> Place | None:
    """What put it there: of an object its profile, of a profile what it was made for."""
    if subject.profile and subject.placed:
        return Place("object", profile_ref(subject.profile))
    if subject.placed:
        return Place("trace", subject.placed, of="up")
    if subject.profile:
        return Place("trace", profile_ref(subject.profile), of="up")
    if subject.trigger:
        return Place("object", f"EventTrigger.{_LIB}//{subject.trigger}")
    return Place("object", f"EventSource.{_LIB}//{subject.source}") if subject.source else None


def matching(subject: Subject) -> Place | None:
    """What its events met."""
    return Place("matches", clusters=subject.cluster) if subject.cluster else None


def drifted(subject: Subject) -> Place | None:
    """What somebody else changed of it."""
    if subject.profile:
        return Place("drift", of=f"profile={subject.profile}")
    return Place("drift", of=f"cluster={subject.cluster}") if subject.cluster else None
