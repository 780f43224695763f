"""ClusterSets and Sets: so many of the clusters that match, and the same ones as long as they do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.sets import choose, set_ref
from fleetd.domain.states import ClusterState, DeclaredState

NAMES = st.sampled_from("abcdefgh")


@given(st.integers(0, 6), st.lists(NAMES, unique=True), st.lists(NAMES, unique=True).map(sorted), st.sets(NAMES))
def test_a_choice_is_of_those_that_match_and_stays_as_long_as_it_can(
    most: int, before: list[str], matching: list[str], up: set[str]
) -> None:
    now = choose(most, before, matching, up)
    assert len(now) == len(set(now)) <= most
    assert set(now) <= set(matching)
    kept = [item for item in before if item in matching and item in up]
    assert set(now) >= set(kept[:most])
    ready = [item for item in matching if item in up]
    assert len(now) >= min(most, len(ready))
    # Who is away gives its place up to somebody only.
    given_up = [item for item in before if item in matching and item not in now]
    assert not given_up or len(now) == most
    assert choose(most, now, matching, up) == now


def cluster_set(most: int = 2, *, name: str = "active", namespace: str = "", env: str = "x", kind: str = "ClusterSet") -> str:
    place = f", namespace: {namespace}" if namespace else ""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: {kind}
metadata: {{name: {name}{place}}}
spec: {{clusterSelector: {{matchLabels: {{env: {env}}}}}, maxReplicas: {most}}}
"""


def referring(said: Any, kind: str = "ClusterProfile", namespace: str = "") -> str:
    text: str = said.profile(more="setRefs: [active]").replace("clusterSelector: {matchLabels: {env: x}}", "")
    return text.replace("kind: ClusterProfile", f"kind: {kind}").replace("name: base, ann", f"name: base, {namespace} ann")


@pytest.fixture
def ready(fleet: Any, said: Any) -> Any:
    fleet.join("a", "b", "c", env="x")
    fleet.declare(said.content("base", "1"), referring(said))
    return fleet


def have(fleet: Any) -> list[str]:
    fleet.run()
    return [name for name in "abcd" if fleet.standing(name)]


def status(fleet: Any, key: str) -> list[str]:
    said = fleet.plane.statuses[set_ref("ClusterSet/active")].status
    return [item["name"] for item in said[key]]


def test_a_profile_goes_to_the_clusters_that_its_set_has(ready: Any) -> None:
    assert have(ready) == []
    ready.declare(cluster_set())
    assert have(ready) == ["a", "b"]
    assert status(ready, "matchingClusterRefs") == ["a", "b", "c"]
    assert status(ready, "selectedClusterRefs") == ["a", "b"]


def test_a_set_without_a_number_has_none(ready: Any) -> None:
    ready.declare(cluster_set().replace(", maxReplicas: 2", ""))
    assert have(ready) == []


def test_who_stops_matching_is_replaced_and_does_not_come_back_by_itself(ready: Any) -> None:
    ready.declare(cluster_set())
    ready.relabel("a", env="y")
    assert have(ready) == ["b", "c"]
    ready.relabel("a", env="x")
    assert have(ready) == ["b", "c"]
    ready.leave("b")
    assert have(ready) == ["a", "c"]


def test_who_cannot_be_reached_is_replaced_where_somebody_is_left(ready: Any) -> None:
    ready.declare(cluster_set())
    have(ready)
    ready.cut("a")
    assert status(ready, "selectedClusterRefs") == ["b", "c"]
    ready.cut("b")
    assert status(ready, "selectedClusterRefs") == ["b", "c"]
    ready.connect("a")
    assert status(ready, "selectedClusterRefs") == ["c", "a"]


def test_a_larger_and_a_smaller_number(ready: Any) -> None:
    ready.declare(cluster_set(3))
    assert have(ready) == ["a", "b", "c"]
    ready.declare(cluster_set(2))
    assert have(ready) == ["a", "b"]
    ready.undeclare("ClusterSet.lib.projectsveltos.io//active")
    assert have(ready) == []


def test_a_restart_changes_nothing(ready: Any) -> None:
    ready.declare(cluster_set(1))
    ready.relabel("a", env="y")
    ready.relabel("a", env="x")
    assert have(ready) == ["b"]
    turn = ready.restart()
    assert [item for item in turn.records if type(item).__name__ == "DeclaredStatus"] == []
    ready.connect("a", "b", "c")
    assert have(ready) == ["b"]


def test_an_edit_that_cannot_be_read_changes_nothing(ready: Any) -> None:
    ready.declare(cluster_set(1))
    wrong = cluster_set(1).replace("matchLabels: {env: x}", "matchExpressions: [{key: env, operator: Foo}]")
    ready.declare(wrong)
    assert have(ready) == ["a"]
    assert ready.plane.statuses[set_ref("ClusterSet/active")].state is DeclaredState.FAILED


def test_a_set_has_clusters_of_its_namespace_only(fleet: Any, said: Any) -> None:
    fleet.join("a", env="x")
    content = said.content("base", "1").replace("namespace: default", "namespace: fleet")
    fleet.declare(content, referring(said, "Profile", "namespace: fleet,"))
    fleet.declare(cluster_set(kind="Set", namespace="fleet"), cluster_set(kind="Set", namespace="other"))
    assert have(fleet) == ["a"]
    assert fleet.plane.selections == {"Set/fleet/active": ("fleet/a",)}


def test_a_trigger_hears_the_clusters_of_its_set(fleet: Any, said: Any) -> None:
    fleet.join("a", "b", env="x")
    sets = "clusterSetRefs: [active]"
    fleet.declare(said.source(), said.template(), said.trigger(more=sets).replace("{matchLabels: {role: source}}", "{}"))
    fleet.put("a", said.config_map("one", "1"))
    fleet.put("b", said.config_map("two", "2"))
    assert have(fleet) == []
    fleet.declare(cluster_set(1))
    fleet.list_all("a")
    assert have(fleet) == ["a"]
    fleet.relabel("a", env="y")
    fleet.list_all("b")
    assert have(fleet) == ["b"]


def test_the_journal_says_who_came_and_who_went(ready: Any) -> None:
    ready.declare(cluster_set())
    ready.relabel("a", env="y")
    told = [item.reason for item in ready.records if getattr(item, "decision", "") == "chosen"]
    assert told == ["takes fleet/c; lets go fleet/a"]


def test_a_set_is_no_reason_to_forget_who_is_only_away(ready: Any) -> None:
    ready.declare(cluster_set(3))
    have(ready)
    for name in "abc":
        ready.cut(name)
    assert status(ready, "selectedClusterRefs") == ["a", "b", "c"]
    assert {record.state for record in ready.plane.known_members.values()} == {ClusterState.UNREACHABLE}
