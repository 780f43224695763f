"""An object as its cluster gave it a moment ago: what the daemon wrote down of it, and what stood against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from fleetd.domain.inspection import Sight
from fleetd.domain.refs import PlacedRef
from fleetd.service.answers import Hint
from fleetd.service.foreign import plain_text, plain_value, safe_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.service.times import said
from fleetd.store.moments import moment
from fleetd.store.reading import Record

Left = Literal["as fleetd left it", "differs from what fleetd put there", "not put there by fleetd"]
View = Literal["summary", "spec", "manifest"]
_INSPECTION = "SELECT at, answer FROM fleet_inspections WHERE request_id = :id"
_OURS = "SELECT profile, addon, applied_at FROM fleet_objects WHERE cluster = :cluster AND object_ref = :ref"
_MEMBER = "SELECT last_seen_at FROM fleet_clusters WHERE cluster = :cluster"
_SENTENCES = {
    Sight.ABSENT: (Code.NOT_FOUND, "there is no such object on the cluster now"),
    Sight.FORBIDDEN: (Code.NOT_PERMITTED, "the credentials that fleetd has for this cluster may not read objects of this kind"),
    Sight.NO_KIND: (Code.NOT_FOUND, "the cluster serves no such kind: write it with its group, as in Deployment.apps/shop/web"),
    Sight.TOO_LARGE: (Code.OVER_BUDGET, "the object is larger than fleetd reads"),
    Sight.LATE: (Code.UNAVAILABLE, "the cluster or the daemon took too long to answer: ask again"),
    Sight.REFUSED: (Code.FAILED, "it could not be read; get_request has the cluster's own words"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveObject:
    """The object on its cluster, read at `read_at`. `differs_untrusted` names fields that fleetd owns, with what it wants in them,
    `digests_untrusted` the values of a Secret by a keyed digest: the same digest is the same value.
    """

    read_at: str
    compared: Left
    deleting: bool = False
    resource_version: str = ""
    more_differ: int = 0
    cut_untrusted: tuple[str, ...] = ()
    digests_untrusted: dict[str, str] = field(default_factory=dict)
    managers_untrusted: tuple[str, ...] = ()
    differs_untrusted: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an inspection gave, before a question makes its answer of it."""

    placed: PlacedRef
    live: LiveObject
    profile: str = ""
    addon: str = ""
    applied_at: str | None = None
    manifest: dict[str, Any] = field(default_factory=dict)


def seen(ground: Ground, row: Record, view: View) -> Seen:
    """What came of a request to look at an object.

    Raises:
        Taught: nothing came of it, in one sentence; or it is kept no longer.
    """
    placed = PlacedRef.parse(row["subject"])
    if row["state"] == "failed":
        raise _not_seen(ground, row, placed)
    kept = ground.row(_INSPECTION, id=row["id"])
    if kept is None:
        sentence = "what the cluster answered is kept for ten minutes only: ask again with get_object and live"
        raise Taught(Lesson(code=Code.NOT_FOUND, sentence=sentence, next=_again(placed)))
    answer = orjson.loads(kept["answer"])
    ours = ground.row(_OURS, cluster=placed.cluster, ref=str(placed.ref)) or {}
    return Seen(
        placed=placed,
        live=LiveObject(
            read_at=said(moment(kept["at"])),
            compared=_compared(answer.get("left")),
            deleting=bool(answer.get("deleting")),
            resource_version=plain_text(answer.get("resource_version"), most=40),
            more_differ=int(answer.get("more_differ") or 0),
            cut_untrusted=tuple(plain_text(one, most=200) for one in answer.get("cut") or ()),
            digests_untrusted={
                plain_text(key, most=120): plain_text(value, most=64) for key, value in (answer.get("digests") or {}).items()
            },
            managers_untrusted=tuple(plain_text(one, most=120) for one in answer.get("managers") or ()),
            differs_untrusted=tuple(
                {key: plain_text(value, most=200) for key, value in one.items()} for one in answer.get("differs") or ()
            ),
        ),
        profile=safe_ref(ours.get("profile")),
        addon=safe_ref(ours.get("addon")),
        applied_at=ours.get("applied_at"),
        manifest=_viewed(answer.get("manifest") or {}, view),
    )


def _compared(left: bool | None) -> Left:
    if left is None:
        return "not put there by fleetd"
    return "as fleetd left it" if left else "differs from what fleetd put there"


def _viewed(manifest: dict[str, Any], view: View) -> dict[str, Any]:
    if view == "summary":
        return {}
    # It was stripped when it was written; a row may be as old as the rules that stripped it.
    plain: dict[str, Any] = plain_value(manifest)
    return plain if view == "manifest" else {key: value for key, value in plain.items() if key not in ("apiVersion", "kind", "metadata")}


def _not_seen(ground: Ground, row: Record, placed: PlacedRef) -> Taught:
    word = str(row["outcome"]).partition(":")[0]
    if word == Sight.AWAY:
        return unreachable(ground, placed.cluster)
    code, sentence = _SENTENCES.get(Sight(word), _SENTENCES[Sight.REFUSED]) if word in list(Sight) else _SENTENCES[Sight.REFUSED]
    if word == Sight.ABSENT and (ours := ground.row(_OURS, cluster=placed.cluster, ref=str(placed.ref))):
        sentence += f"; {safe_ref(ours['profile'])} had put it there, last at {said(moment(ours['applied_at']))}"
    told = word in (Sight.FORBIDDEN, Sight.REFUSED)
    hint = Hint(why="what fleetd put there", tool="find_objects", arguments={"clusters": safe_ref(placed.cluster)})
    if told:
        hint = Hint(why="the cluster's own words", tool="get_request", arguments={"request_id": row["id"]})
    return Taught(Lesson(code=code, sentence=sentence, field="ref", got=safe_ref(row["subject"]), next=hint))


def unreachable(ground: Ground, cluster: str) -> Taught:
    """The lesson for a cluster that cannot be spoken to."""
    member = ground.row(_MEMBER, cluster=cluster)
    last = member["last_seen_at"] if member else None
    seen_at = f"it answered last at {said(moment(last))}" if last else "it has never answered"
    hint = Hint(why="what is wrong with it", tool="get_cluster", arguments={"cluster": safe_ref(cluster)})
    return Taught(Lesson(code=Code.CLUSTER_UNREACHABLE, sentence=f"the cluster cannot be reached now; {seen_at}", field="ref", next=hint))


def _again(placed: PlacedRef) -> Hint:
    return Hint(why="as it is now", tool="get_object", arguments={"ref": safe_ref(str(placed)), "live": True})
