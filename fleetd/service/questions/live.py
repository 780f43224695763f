"""What must be known before an object is looked at on its cluster, and the answer made of what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.domain.refs import MANAGEMENT_CLUSTER, PlacedRef
from fleetd.service.answers import Answer, DaemonState, Hint
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import read_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.objects import ObjectPage
from fleetd.service.questions.sights import Seen, View, seen, unreachable
from fleetd.service.teaching import Code, Lesson, Taught, bad

_REQUEST = "SELECT * FROM fleet_requests WHERE id = :id"
_CONNECTION = "SELECT connection FROM fleet_clusters WHERE cluster = :cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPlace(Question[str]):
    """Which object on which cluster is meant, as a placed reference that a daemon can read."""

    ref: str

    def answered(self, ground: Ground) -> str:
        named = read_ref(self.ref)
        if not named.cluster:
            sentence = "live asks a cluster: name it with @namespace/cluster at the end; what is declared is live without it"
            raise bad("ref", plain_text(self.ref, most=80), sentence)
        cluster = ground.cluster(named.cluster, "ref")
        placed = str(PlacedRef(named.ref, cluster))
        if cluster == MANAGEMENT_CLUSTER:
            hint = Hint(why="what is declared", tool="get_object", arguments={"ref": safe_ref(str(named.ref))})
            raise bad(
                "ref", safe_ref(placed), "objects of the management plane are declared ones: ask without @ and without live", next=hint
            )
        if safe_ref(placed) != placed:
            raise bad("ref", safe_ref(placed), "a part of it can be no name of Kubernetes")
        row = ground.row(_CONNECTION, cluster=cluster)
        if row is not None and row["connection"] == "unreachable":
            raise unreachable(ground, cluster)
        return placed


@dataclass(frozen=True, slots=True, kw_only=True)
class IsDecided(Question[bool]):
    """Whether a request is answered."""

    request_id: str

    def answered(self, ground: Ground) -> bool:
        row = ground.row(_REQUEST, id=self.request_id)
        return row is not None and row["state"] != "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLive(Question[Answer[ObjectPage]]):
    """The object that a request asked for."""

    request_id: str
    seconds: float
    view: View = "spec"

    def answered(self, ground: Ground) -> Answer[ObjectPage]:
        row = ground.row(_REQUEST, id=self.request_id)
        if row is None or row["state"] == "waiting":
            raise self._not_yet(ground)
        page = live_page(seen(ground, row, self.view))
        hints = (Hint(why="who put it there, and why", tool="trace_lineage", arguments={"ref": page.ref}),) if page.profile else ()
        return ground.answer(page, hints)

    def _not_yet(self, ground: Ground) -> Taught:
        at = ground.moment()
        who = "the daemon has not answered"
        if at.daemon is not DaemonState.RUNNING:
            since = f": nothing was heard of one since {at.stale_since}" if at.stale_since else ""
            who = f"no daemon seems to run{since}, and none has answered"
        sentence = f"{who} within {self.seconds:g} s; request {self.request_id} waits a minute, its answer can be read later"
        hint = Hint(why="the answer, when there is one", tool="get_request", arguments={"request_id": self.request_id})
        return Taught(Lesson(code=Code.UNAVAILABLE, sentence=sentence, retry_after=self.seconds, next=hint))


def live_page(found: Seen) -> ObjectPage:
    """One object as it was seen."""
    return ObjectPage(
        ref=safe_ref(str(found.placed)),
        state="deleting" if found.live.deleting else "live",
        profile=found.profile,
        addon=found.addon,
        applied_at=found.applied_at,
        live=found.live,
        manifest_untrusted=found.manifest,
    )
