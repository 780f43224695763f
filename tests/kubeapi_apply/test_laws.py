"""What holds for every configuration that is applied."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.domain.fieldset import FieldSet, fields_of, missing_or_different, project
from fleetd.domain.mergefacts import facts_of
from fleetd.domain.refs import GroupVersionKind

Apply = Callable[..., dict[str, Any]]
Services = Callable[..., st.SearchStrategy[dict[str, Any]]]

FACTS = facts_of(GroupVersionKind("", "v1", "Service"))
LATER = "2024-01-01T00:01:00Z"


def owned(obj: dict[str, Any], manager: str) -> FieldSet:
    for entry in obj["metadata"].get("managedFields", ()):
        if entry["manager"] == manager:
            return FieldSet.from_fields_v1(entry["fieldsV1"])
    return FieldSet()


def unordered(obj: Any) -> Any:
    """With each list as a set, for laws that say nothing of order."""
    if isinstance(obj, dict):
        return {name: unordered(each) for name, each in obj.items()}
    return sorted(repr(unordered(each)) for each in obj) if isinstance(obj, list) else obj


def test_applying_twice_changes_nothing(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(other: dict[str, Any], config: dict[str, Any]) -> None:
        once = apply(apply(None, other, "two"), config, force=True)
        assert apply(once, config, now=LATER) == once

    law()


def test_disjoint_configurations_may_come_in_any_order(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(mine="a"), services(mine="b"))
    def law(one: dict[str, Any], two: dict[str, Any]) -> None:
        assert unordered(apply(apply(None, one, "one"), two, "two")) == unordered(apply(apply(None, two, "two"), one, "one"))

    law()


def test_applying_nothing_removes_what_only_that_manager_owned(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(other: dict[str, Any], config: dict[str, Any]) -> None:
        both = apply(apply(None, other, "two"), config, "one", force=True)
        rest = owned(both, "two")
        left = apply(both, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}, "one")
        assert owned(left, "two") == rest
        assert not owned(left, "one")
        assert set(fields_of(left, FACTS).leaves()) == set(rest.leaves())
        assert project(left, rest) == project(both, rest)

    law()


def test_a_forced_apply_owns_all_its_fields_and_sets_them(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(other: dict[str, Any], config: dict[str, Any]) -> None:
        merged = apply(apply(None, other, "two"), config, "one", force=True)
        fields = fields_of(config, FACTS)
        assert owned(merged, "one") == fields
        assert missing_or_different(config, merged, FACTS) == []
        said = {name: part for name, part in config.items() if name not in ("apiVersion", "kind", "metadata")}
        if metadata := {name: part for name, part in config["metadata"].items() if name != "name"}:
            said["metadata"] = metadata
        assert project(merged, fields) == said

    law()


def test_two_owners_of_a_field_agree_on_its_value(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(other: dict[str, Any], config: dict[str, Any]) -> None:
        before = apply(None, other, "two")
        merged = apply(before, config, "one", force=True)
        shared = owned(merged, "one") & owned(merged, "two")
        assert unordered(project(merged, shared)) == unordered(project(before, shared))

    law()


def test_nothing_that_is_given_is_changed(services: Services, apply: Apply) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(other: dict[str, Any], config: dict[str, Any]) -> None:
        live = apply(None, other, "two")
        kept = copy.deepcopy((live, config))
        merged = apply(live, config, "one", force=True)
        for part in ("labels", "finalizers"):
            merged["metadata"].get(part, []).clear()
        merged.get("spec", {}).clear()
        assert (live, config) == kept

    law()


def test_fields_v1_survives_reading_and_writing(services: Services) -> None:
    @settings(deadline=None)
    @given(services())
    def law(config: dict[str, Any]) -> None:
        fields = fields_of(config, FACTS)
        written = fields.to_fields_v1()
        assert FieldSet.from_fields_v1(written) == fields
        assert FieldSet.from_fields_v1(written).to_fields_v1() == written

    law()


def test_sets_of_fields_obey_the_laws_of_sets(services: Services) -> None:
    @settings(deadline=None)
    @given(services(), services())
    def law(one: dict[str, Any], two: dict[str, Any]) -> None:
        a, b = fields_of(one, FACTS), fields_of(two, FACTS)
        assert set((a | b).paths()) == set(a.paths()) | set(b.paths())
        assert set((a & b).paths()) == set(a.paths()) & set(b.paths())
        assert set((a - b).paths()) == set(a.paths()) - set(b.paths())
        assert (a - b) | (a & b) == a
        assert all(a.contains(path) for path in a.paths())

    law()
