"""What the daemon keeps of a condition: why it was true or not, once for each verdict; and the cluster that a rule may ask about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.membering import member_state
from fleetd.decide.plane.observing import seen
from fleetd.decide.plane.restoring import restore
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.objects import Manifest, Observed, ref_of
from fleetd.domain.records import DeclaredStatus, Record, VerdictRecord
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import ClusterState, VerdictState

LIB = "lib.projectsveltos.io/v1beta1"
CLUSTER = "default/east"
KIND = GroupVersionKind("", "v1", "ConfigMap")
SECRET = GroupVersionKind("", "v1", "Secret")


def _cluster(labels: dict[str, str]) -> Manifest:
    return {"apiVersion": LIB, "kind": "SveltosCluster", "metadata": {"name": "east", "namespace": "default", "labels": labels}, "spec": {}}


def _source(rule: str, kind: str = "ConfigMap", **annotations: str) -> Manifest:
    selector = {"group": "", "version": "v1", "kind": kind, "evaluateCEL": [{"name": "r", "rule": rule}]}
    metadata = {"name": "s", "annotations": annotations}
    return {"apiVersion": LIB, "kind": "EventSource", "metadata": metadata, "spec": {"resourceSelectors": [selector]}}


TRIGGER: Manifest = {
    "apiVersion": LIB,
    "kind": "EventTrigger",
    "metadata": {"name": "t"},
    "spec": {"sourceClusterSelector": {"matchExpressions": [{"key": "env", "operator": "Exists"}]}, "eventSourceName": "s"},
}


class Fleet:
    """One plane, and the records of its last turn."""

    def __init__(self) -> None:
        self.plane = Plane("test")
        self.last: Turn = self._turn()

    def _turn(self) -> Turn:
        numbers = count()
        self.last = Turn(datetime(2030, 1, 1, tzinfo=UTC), lambda: f"id{next(numbers)}")
        return self.last

    def declare(self, *manifests: Manifest) -> list[Record]:
        turn = self._turn()
        for manifest in manifests:
            declared(self.plane, turn, ref_of(manifest), manifest)
        if CLUSTER in self.plane.members:
            member_state(self.plane, turn, CLUSTER, ClusterState.READY)
        settle(self.plane, turn)
        return turn.records

    def see(self, data: dict[str, str], gvk: GroupVersionKind = KIND) -> list[VerdictRecord]:
        turn = self._turn()
        ref = ObjectRef(gvk.kind, "", "default", "one")
        body = {"apiVersion": "v1", "kind": gvk.kind, "metadata": {"name": "one", "namespace": "default"}, "data": data}
        seen(self.plane, turn, CLUSTER, gvk, [(True, Observed(ref, "u", "1", body))])
        settle(self.plane, turn)
        return [record for record in turn.records if isinstance(record, VerdictRecord)]


@pytest.fixture
def fleet() -> Callable[..., Fleet]:
    """A fleet with one cluster, one trigger, and this rule."""

    def made(rule: str, kind: str = "ConfigMap", **labels: str) -> Fleet:
        found = Fleet()
        found.declare(_cluster({"env": "prod", **labels}), _source(rule, kind), TRIGGER)
        return found

    return made


def test_a_verdict_holds_what_decided_and_the_nearest_change(fleet: Callable[..., Fleet]) -> None:
    one = fleet("int(resource.data.size) >= 3 && resource.data.kind == 'cache'")
    (verdict,) = one.see({"size": "5", "kind": "queue"})
    assert (verdict.state, verdict.reason) == (VerdictState.NO_MATCH, "rule r is not true")
    assert verdict.deciding == (
        "evaluateCEL r: resource.data.kind == 'cache' is false: resource.data.kind = \"queue\";"
        " would be true if resource.data.kind were 'cache'"
    )
    (verdict,) = one.see({"size": "5", "kind": "cache"})
    assert verdict.state is VerdictState.MATCH
    assert verdict.deciding.startswith("evaluateCEL r: ")
    (verdict,) = one.see({"kind": "cache"})
    assert verdict.reason == "rule r counts as not true: no such key: 'size'"
    assert "resource.data.size failed: no such key: 'size'" in verdict.deciding


def test_the_same_verdict_for_other_values_is_no_news(fleet: Callable[..., Fleet]) -> None:
    one = fleet("int(resource.data.size) >= 3")
    assert one.see({"size": "1"})
    assert one.see({"size": "2"}) == []
    assert len(one.see({"size": "3"})) == 1


def test_what_a_restart_restores_is_compared_without_values(fleet: Callable[..., Fleet]) -> None:
    one = fleet("int(resource.data.size) >= 3")
    verdicts = one.see({"size": "1"})
    again = Fleet()
    empty: dict[str, Any] = dict.fromkeys(("declared", "members", "matches", "destinations", "generated", "addons"), ())
    restore(again.plane, SimpleNamespace(**empty, verdicts=verdicts, reports={}, inventory=(), incidents=(), held=(), damped=()))  # type: ignore[arg-type]
    again.declare(_cluster({"env": "prod"}), _source("int(resource.data.size) >= 3"), TRIGGER)
    assert again.see({"size": "2"}) == []
    assert len(again.see({"size": "4"})) == 1


def test_an_edited_rule_says_anew_why(fleet: Callable[..., Fleet]) -> None:
    one = fleet("resource.data.size == '3'")
    assert one.see({"size": "1"})
    one.declare(_source("resource.data.size == '4'"))
    (verdict,) = one.see({"size": "1"})
    assert "were '4'" in verdict.deciding
    one.declare(_source("resource.data.size == '4'"))
    assert one.see({"size": "1"}) == []


@pytest.mark.parametrize("rule", ["resource.data.token == 'x'", "int(resource.data.token) > 1", "resource.data.token.startsWith('hun')"])
def test_no_verdict_holds_a_value_of_a_secret(rule: str, fleet: Callable[..., Fleet]) -> None:
    (verdict,) = fleet(rule, "Secret").see({"token": "hunter2"}, SECRET)
    assert "hunter2" not in verdict.reason + verdict.deciding


def test_a_rule_asks_about_the_cluster(fleet: Callable[..., Fleet]) -> None:
    rule = "cluster.namespace + '/' + cluster.name == 'default/east' && cluster.labels.tier == resource.data.tier"
    (verdict,) = fleet(rule, tier="edge").see({"tier": "edge"})
    assert verdict.state is VerdictState.MATCH
    (verdict,) = fleet(rule, tier="core").see({"tier": "edge"})
    assert 'cluster.labels.tier = "core"' in verdict.deciding


def test_a_relabelled_cluster_is_judged_anew_where_a_rule_asks_about_it(fleet: Callable[..., Fleet]) -> None:
    asking, not_asking = fleet("cluster.labels.tier == 'edge'", tier="core"), fleet("resource.data.tier == 'edge'", tier="core")
    for one in (asking, not_asking):
        one.see({"tier": "edge"})
        one.declare(_cluster({"env": "prod", "tier": "edge"}))
    assert asking.last.rejudge == {(CLUSTER, KIND)}
    assert not_asking.last.rejudge == set()
    (verdict,) = asking.see({"tier": "edge"})
    assert verdict.state is VerdictState.MATCH


def _status(records: list[Record]) -> DeclaredStatus:
    (status,) = [record for record in records if isinstance(record, DeclaredStatus) and record.ref.kind == "EventSource"]
    return status


def test_the_second_engine_is_chosen_by_an_annotation_and_a_wrong_name_is_told() -> None:
    fleet = Fleet()
    fleet.declare(_cluster({"env": "prod"}), TRIGGER)
    # The second engine holds true to be 1; ours does not.
    chosen = fleet.declare(_source("true == 1", **{"fleetd.io/cel-engine": "cel-python"}))
    assert (_status(chosen).state, _status(chosen).reason) == ("ready", "")
    assert [verdict.state for verdict in fleet.see({})] == [VerdictState.MATCH]
    wrong = _status(fleet.declare(_source("true == 1", **{"fleetd.io/cel-engine": "celpython"})))
    assert wrong.state == "failed"
    assert "did you mean cel-python?" in wrong.reason


def test_what_goes_to_the_second_engine_is_told_on_the_sources_row() -> None:
    fleet = Fleet()
    status = _status(fleet.declare(_source("google.protobuf.Int64Value{value: 3} == 3")))
    assert status.state == "ready"
    assert "rule 'r' is evaluated by cel-python" in status.reason
    assert "messages are not built" in status.reason
