"""A script that looks at all selected objects together makes the report, from what is known whole only."""

from __future__ import annotations

from typing import Any

import pytest

from fleetd.domain.objects import holds_secrets
from fleetd.domain.records import EventRecord, VerdictRecord
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import VerdictState

SECRETS = GroupVersionKind("", "v1", "Secret")


def source(said: Any, script: str = "one", *, name: str = "marked", secrets: bool = False) -> str:
    text: str = said.source(name).replace("  collectResources", f"  aggregatedSelection: {script}\n  collectResources")
    return f'{text}    - {{group: "", version: v1, kind: Secret, namespace: default}}\n' if secrets else text


def valued(*values: str) -> Any:
    return lambda objects: [item for item in objects if item["data"]["value"] in values]


@pytest.fixture
def ready(fleet: Any, said: Any) -> Any:
    fleet.join("s", role="source")
    fleet.declare(source(said), said.template(), said.trigger())
    fleet.run()
    return fleet


def names(fleet: Any) -> list[str]:
    return sorted(ref.name for ref in fleet.plane.reports["marked", "fleet/s"].objects)


def verdicts(fleet: Any) -> dict[str, str]:
    report = fleet.plane.reports["marked", "fleet/s"]
    return {ref.name: said.state.value for ref, said in report.judgements.items()}


def test_the_script_chooses_among_what_the_selectors_take(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"), said.config_map("b", "2"), said.config_map("c", "1", mark="no"))
    assert ready.select(valued("1")) == 1
    assert names(ready) == ["a"]
    assert verdicts(ready) == {"a": "match", "b": "no_match", "c": "no_match"}
    ready.run()
    assert ready.standing("s") == {"copy-s-a": "1"}


def test_it_is_asked_once_for_all_changes_of_a_turn_and_not_for_none(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"), said.config_map("b", "2"))
    assert ready.select(valued("1", "2")) == 1
    ready.put("s", said.config_map("a", "1"))
    assert ready.select(valued("1")) == 0
    ready.put("s", said.config_map("a", "3"))
    assert ready.select(valued("3")) == 1
    assert names(ready) == ["a"]


def test_an_answer_about_objects_that_changed_since_is_not_taken(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"))
    early, ready.selections = ready.selections, []
    ready.put("s", said.config_map("a", "2"))
    late, ready.selections = ready.selections, early
    ready.select(lambda objects: objects)
    assert names(ready) == []
    ready.selections = late
    ready.select(lambda objects: objects)
    assert names(ready) == ["a"]


def test_it_may_make_up_objects_which_templates_see(ready: Any, said: Any) -> None:
    def summed(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        total = str(sum(int(item["data"]["value"]) for item in objects))
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sum", "namespace": "default"}, "data": {"value": total}}]

    ready.put("s", said.config_map("a", "1"), said.config_map("b", "2"))
    ready.select(summed)
    ready.run()
    assert ready.standing("s") == {"copy-s-sum": "3"}
    ready.put("s", said.config_map("b", "5"))
    ready.select(summed)
    ready.run()
    assert ready.standing("s") == {"copy-s-sum": "6"}
    ready.list_all("s")
    assert ready.doubts == set()
    ready.drop("s", said.ref("a"), said.ref("b"))
    ready.run()
    assert ready.standing("s") == {}
    assert "sum" not in verdicts(ready)


def test_nothing_selected_needs_no_script(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"))
    ready.select(valued("1"))
    ready.drop("s", said.ref("a"))
    assert ready.select(valued("1")) == 0
    assert names(ready) == []


def test_a_failing_script_keeps_what_was_and_says_so(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"))
    ready.select(valued("1"))
    ready.put("s", said.config_map("b", "1"))
    ready.select("line 3: attempt to index a nil value")
    assert names(ready) == ["a"]
    assert {item.reason for item in ready.told(VerdictRecord)} == {"line 3: attempt to index a nil value"}
    assert set(verdicts(ready).values()) == {"error"}
    ready.put("s", said.config_map("b", "2"))
    ready.select(valued("1", "2"))
    assert names(ready) == ["a", "b"]


def test_what_is_no_object_is_an_error_with_its_number(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"))
    ready.select(lambda objects: [*objects, {"kind": "ConfigMap"}])
    (verdict,) = ready.told(VerdictRecord)
    assert verdict.state is VerdictState.ERROR
    assert verdict.reason.startswith("object 2 of 2 that the script returned: the document is no Kubernetes object")


def test_it_waits_until_every_kind_was_listed(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.put("s", said.config_map("a", "1"))
    fleet.declare(source(said, secrets=True), said.template(), said.trigger())
    fleet.list_all("s")
    assert fleet.selections == []
    fleet.list_all("s", SECRETS)
    assert len(fleet.selections) == 1


def test_a_restart_concludes_nothing_before_all_is_known_again(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"), said.config_map("b", "1"))
    ready.select(valued("1"))
    ready.run()
    ready.restart()
    assert ready.selections == []
    assert names(ready) == ["a", "b"]
    ready.connect("s")
    assert ready.select(valued("1")) == 1
    assert names(ready) == ["a", "b"]
    assert ready.told(EventRecord) == []


def test_what_is_missing_after_a_restart_is_read_twice(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"), said.config_map("b", "1"))
    ready.select(valued("1"))
    ready.run()
    ready.restart()
    ready.drop("s", said.ref("b"), unseen=True)
    ready.connect("s")
    assert ready.select(valued("1")) == 0
    assert names(ready) == ["a", "b"]
    ready.run()
    assert ready.select(valued("1")) == 1
    assert names(ready) == ["a"]


def test_what_is_merely_missing_is_read_twice(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"), said.config_map("b", "1"))
    ready.select(valued("1"))
    ready.list_all("s", without=[said.ref("b")])
    assert ready.select(valued("1")) == 0
    ready.list_all("s", confirming=True)
    ready.doubts.clear()
    assert ready.select(valued("1")) == 0
    assert names(ready) == ["a", "b"]


def test_an_edit_that_would_lose_too_much_is_held(ready: Any, said: Any) -> None:
    ready.put("s", *(said.config_map(f"n{number:02}", "1") for number in range(20)))
    ready.select(valued("1"))
    ready.declare(source(said, "other"))
    ready.run()
    assert ready.select(valued("2")) == 1
    assert len(names(ready)) == 20
    (held,) = ready.plane.held.values()
    assert held.subject == "EventSource/marked@fleet/s"
    ready.ask("approve", held.subject)
    assert names(ready) == []


def test_a_source_that_no_trigger_wants_any_more_forgets_its_candidates(ready: Any, said: Any) -> None:
    ready.put("s", said.config_map("a", "1"))
    ready.select(valued("1"))
    ready.undeclare("EventTrigger.lib.projectsveltos.io//copy")
    report = ready.plane.reports["marked", "fleet/s"]
    assert (report.taken, report.listed, names(ready)) == ({}, set(), [])
    ready.declare(said.trigger())
    ready.run()
    assert ready.select(valued("1")) == 1
    assert names(ready) == ["a"]


def test_a_script_of_a_selector_comes_first(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    scripted = source(said).replace('value: "yes"}]}', 'value: "yes"}], evaluate: "x"}')
    fleet.declare(scripted, said.template(), said.trigger())
    fleet.run()
    with_one = said.config_map("a", "1")
    fleet.put("s", with_one)
    assert fleet.select(valued("1")) == 0
    assert fleet.plane.reports["marked", "fleet/s"].unsure == {ObjectRef("ConfigMap", "", "default", "a")}


def test_what_is_made_of_a_secret_is_one(fleet: Any, said: Any) -> None:
    """A script may put a Secret's value into any object, and into any sentence."""
    fleet.join("s", role="source")
    fleet.declare(source(said, secrets=True), said.template(), said.trigger())
    secret = {**said.config_map("hidden", "canary"), "kind": "Secret"}
    fleet.put("s", secret, unseen=True)
    fleet.list_all("s")
    fleet.list_all("s", SECRETS)

    def open_it(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        value = objects[0]["data"]["value"]
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "open", "namespace": "default"}, "data": {"value": value}}]

    assert fleet.select(open_it) == 1
    (made,) = fleet.plane.reports["marked", "fleet/s"].objects.values()
    assert made.body is not None
    assert holds_secrets(made.body)
    copies = [record.manifest for record in fleet.plane.generated.values() if record.ref.kind == "ConfigMap"]
    assert copies
    assert all(holds_secrets(copy) for copy in copies)
    fleet.put("s", {**said.config_map("other", "canary"), "kind": "Secret"}, unseen=True)
    fleet.list_all("s", SECRETS)
    assert fleet.select("canary is no number") == 1
    assert all("canary" not in item.reason for item in fleet.told(VerdictRecord))
