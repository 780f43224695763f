"""Gates: what must hold in its order for something to happen, each with the reason that it does or does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleetd.decide.select import Labels, Selector
from fleetd.service.foreign import plain_text, safe_labels
from fleetd.service.questions.ground import Ground
from fleetd.store.past import PAST_STATE
from fleetd.store.reading import Record

STATE_UNKNOWN = "whether it was in force then is not kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition; `passed` is null where nothing known can tell."""

    gate: str
    passed: bool | None
    because: str
    said_untrusted: str = ""


def first_failing(gates: Iterable[Gate]) -> str:
    """The first gate that is shut, empty when all are open."""
    return next((gate.gate for gate in gates if gate.passed is False), "")


class Gates:
    """Gates that several explanations share."""

    @staticmethod
    def declared(row: Record) -> Gate:
        """Whether the declared object is in force."""
        state = row["state"]
        if state == PAST_STATE:
            return Gate(gate="declared", passed=None, because=f"it was declared; {STATE_UNKNOWN}")
        because = "it is declared and in force" if state == "ready" else f"its state is {state}"
        return Gate(gate="declared", passed=state == "ready", because=because, said_untrusted=plain_text(row["reason"]))

    @staticmethod
    def selected(selector: Selector, labels: Labels) -> Gate:
        """Whether a selector chooses a cluster with these labels, and which term decides."""
        why_not = selector.why_not(labels)
        sentence = why_not or f"{selector} holds"
        pairs = [*labels.items(), *((term.key, value) for term in selector.terms for value in term.values or ("",))]
        if all(safe_labels({key: value}) for key, value in pairs):
            return Gate(gate="cluster_selected", passed=why_not is None, because=sentence)
        # What could be no label is somebody's text.
        because = "its labels fit" if why_not is None else "its labels do not fit"
        return Gate(gate="cluster_selected", passed=why_not is None, because=because, said_untrusted=plain_text(sentence))

    @staticmethod
    def cluster(ground: Ground, cluster: str) -> Iterator[Gate]:
        """Whether the cluster can be spoken to, and may be written to."""
        row = ground.rows("SELECT * FROM fleet_clusters WHERE cluster = :cluster", cluster=cluster)[0]
        ready = row["connection"] == "ready" and row["ready"]
        heard = "" if ground.then is not None else f", last heard of at {row['last_seen_at'] or 'no time'}"
        because = "it answers" if ready else f"it is {row['connection']}{heard}"
        yield Gate(gate="cluster_ready", passed=ready, because=because, said_untrusted="" if ready else plain_text(row["reason"]))
        yield Gate(gate="cluster_not_paused", passed=not row["paused"], because="it is paused" if row["paused"] else "it is not paused")
