"""A fleet out of what is declared: what would be put where, and where each value came from, whatever the values are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.decide.plane.turn import Ask
from fleetd.decide.rehearsing.provenance import origins_of
from fleetd.decide.rehearsing.rehearsal import Answer, Given, Rehearsal, carry_out
from fleetd.decide.rehearsing.results import Result, results_of, unmet
from fleetd.domain.objects import Manifest

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TEMPLATES = (
    "v: {{ .Resource.data.v }}",
    'v: "{{ .Resource.data.v }}"',
    "v: {{ .Resource.data.v | quote }}",
    "v: |\n        {{ .Resource.data.v | nindent 8 }}",
    "v: x\n      {{ .Resource.data.v }}: y",
    "{{ .Resource.data | toYaml | nindent 6 }}",
    "v: {{ .Resource.data.v | toJson }}\n      w: '{{ `{{ .ClusterName }}` }}'",
)
HOSTILE = st.one_of(
    st.sampled_from(
        [
            '"',
            "'",
            "\n---\n",
            "{{ .ClusterName }}",
            "*x",
            "&a b",
            "!!x",
            "a: b",
            "- a",
            "#",
            "\t",
            "\x00",
            "\ud800",
            "é\u2028",
            "}}",
            "|",
            "%a",
        ]
    ),
    st.text(max_size=12),
)


def cluster(name: str, role: str) -> Manifest:
    metadata = {"name": name, "namespace": "fleet", "labels": {"role": role}}
    return {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "SveltosCluster", "metadata": metadata, "spec": {}}


def declared(body: str, *, template: bool = True) -> list[Manifest]:
    name = "made-{{ .Resource.metadata.name }}"
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: made\ndata:\n      {body}\n"
    annotations = {"projectsveltos.io/instantiate": "ok"} | ({"projectsveltos.io/template": "ok"} if template else {})
    return [
        {
            "apiVersion": "lib.projectsveltos.io/v1beta1",
            "kind": "EventSource",
            "metadata": {"name": "all"},
            "spec": {"collectResources": True, "resourceSelectors": [{"group": "", "version": "v1", "kind": "ConfigMap"}]},
        },
        {
            "apiVersion": "lib.projectsveltos.io/v1beta1",
            "kind": "EventTrigger",
            "metadata": {"name": "copy"},
            "spec": {
                "sourceClusterSelector": {"matchLabels": {"role": "source"}},
                "destinationClusterSelector": {"matchLabels": {"role": "target"}},
                "eventSourceName": "all",
                "oneForEvent": True,
                "policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "copy"}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "copy", "namespace": "default", "annotations": annotations},
            "data": {"a.yaml": text},
        },
    ]


def config_map(name: str, value: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "d"}, "data": {"v": value}}


def played(manifests: Sequence[Manifest], objects: Sequence[tuple[str, Manifest]], answer: Any = None) -> tuple[Rehearsal, list[Result]]:
    rehearsal = Rehearsal(NOON)
    carry_out(rehearsal.play(Given(manifests, objects)), answer or (lambda _ask: []))
    return rehearsal, results_of(rehearsal.plane, NOON)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEMPLATES), HOSTILE, st.booleans())
def test_a_hostile_object_never_stops_another_and_every_field_has_its_origin(body: str, value: str, template: bool) -> None:
    value = value.encode("utf-8", "replace").decode()
    fleet = [*declared(body, template=template), cluster("s", "source"), cluster("t", "target")]
    rehearsal, results = played(fleet, [("", config_map("hostile", value)), ("", config_map("tame", "tame"))])
    by_object = {str(result.object): result for result in results}
    tame = by_object["ConfigMap/d/tame"]
    assert not tame.problems
    assert [item.manifest["metadata"]["name"] for item in tame.made] == ["made-tame"]
    hostile = by_object["ConfigMap/d/hostile"]
    assert bool(hostile.made) != bool(hostile.problems) or not hostile.made
    for problem in hostile.problems:
        assert problem.flaw is None or problem.flaw.line >= 0
    for result in (tame, hostile):
        origins = origins_of(rehearsal.plane, NOON, result)
        assert len(origins) == len(result.made)
        for fields in origins:
            assert all(item.flaw is not None for item in fields)
    names = {item.field: item for item in origins_of(rehearsal.plane, NOON, tame)[0]}
    assert names["metadata.name"].expressions == (".Resource.metadata.name",)
    assert names["kind"].expressions == ()


@settings(max_examples=50, deadline=None)
@given(HOSTILE)
def test_equal_input_makes_equal_results(value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    fleet = [*declared(TEMPLATES[1]), cluster("s", "source"), cluster("t", "target"), cluster("u", "target")]
    objects = [("", config_map("a", value)), ("", config_map("b", "1"))]
    assert played(fleet, objects)[1] == played(list(reversed(fleet)), list(reversed(objects)))[1]


def test_clusters_that_get_the_same_stand_together() -> None:
    fleet = [*declared("v: x"), cluster("s", "source"), *(cluster(f"t{number}", "target") for number in range(3))]
    (result,) = played(fleet, [("fleet/s", config_map("one", "1"))])[1]
    assert result.destinations == ("fleet/t0", "fleet/t1", "fleet/t2")


def test_objects_of_another_cluster_are_not_met() -> None:
    fleet = [*declared("v: x"), cluster("s", "source"), cluster("t", "target")]
    rehearsal, results = played(fleet, [("fleet/t", config_map("one", "1"))])
    assert results == []
    assert list(unmet(rehearsal.plane)) == ["EventTrigger copy: EventSource all selects none of the objects"]


def test_scripts_are_asked_for_each_object() -> None:
    fleet = [*declared("v: x"), cluster("s", "source"), cluster("t", "target")]
    fleet[0]["spec"]["resourceSelectors"][0]["evaluate"] = "function evaluate() end"
    asked: list[str] = []

    def answer(ask: Ask) -> Sequence[Answer]:
        asked.append(ask.observed.ref.name)
        return [(ask.observed.ref.name == "yes", "")]

    results = played(fleet, [("", config_map("yes", "1")), ("", config_map("no", "1"))], answer)[1]
    assert (sorted(asked), [str(result.object) for result in results]) == (["no", "yes"], ["ConfigMap/d/yes"])
