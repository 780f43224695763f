"""Clusters that differ in nothing that a template reads share what is made of it."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fleetd.decide.definitions import compile_profile
from fleetd.decide.gotemplate.projection import projection
from fleetd.decide.gotemplate.template import Template, compile_template
from fleetd.decide.made import documents_of, made
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.wanted import Cache, Wanted, wanted
from fleetd.domain.errors import EvaluationFailed, OverBudget
from fleetd.domain.objects import Manifest, ref_of

CORPUS = Path(__file__).parent.parent / "gotemplate" / "corpus"
DATA: list[dict[str, Any]] = json.loads((CORPUS / "data.json").read_text())
TEXTS = [part.partition("\n")[2] for name in ("idioms.tpl", "documents.tpl") for part in (CORPUS / name).read_text().split("#--- ")[1:]]
RENDER = Render(datetime(2030, 1, 1, tzinfo=UTC))
REGIONS = ("eu", "us", "ap", "sa", "af")
PLAIN = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
EVERYWHERE = '{{ $words := list "a" "b" }}apiVersion: v1\nkind: Namespace\nmetadata: {name: {{ join "-" $words }}}\n'
REGIONAL = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop-{{ .Cluster.metadata.labels.region }}}\n"
OWN = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop-{{ .Cluster.metadata.name }}}\n"
PROFILE = {
    "apiVersion": "config.projectsveltos.io/v1beta1",
    "kind": "ClusterProfile",
    "metadata": {"name": "p"},
    "spec": {"policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "tpl"}]},
}


def a_member(number: int) -> Member:
    labels = {"region": REGIONS[number % len(REGIONS)]}
    manifest = {"kind": "SveltosCluster", "metadata": {"name": f"c{number}", "namespace": "fleet", "labels": labels}}
    return Member(f"fleet/c{number}", "SveltosCluster", "fleet", f"c{number}", labels, manifest, ready=True)


def content(annotations: dict[str, str] | None = None, **texts: str) -> Manifest:
    metadata = {"name": "tpl", "namespace": "default", "annotations": {"projectsveltos.io/template": "ok", **(annotations or {})}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts}


def on(member: Member, tpl: Manifest, cache: Cache, profile: Manifest = PROFILE) -> Wanted:
    return wanted(compile_profile(profile), member, {ref_of(tpl): tpl}, RENDER, cache)


def names(found: Wanted) -> list[str]:
    assert not found.problem
    return [manifest["metadata"]["name"] for manifest, _ in found.addons[0].parsed.objects]


def test_a_thousand_clusters_render_only_what_reads_what_they_differ_in() -> None:
    tpl = content(a=PLAIN, b=EVERYWHERE, c=REGIONAL, d=OWN)
    cache: Cache = {}
    for number in range(1000):
        assert names(on(a_member(number), tpl, cache)) == ["shop", "a-b", f"shop-{REGIONS[number % 5]}", f"shop-c{number}"]
    made_of = [key.rpartition(" ")[2] for key, _ in cache]
    assert {key: made_of.count(key) for key in "abcd"} == {"a": 1, "b": 1, "c": len(REGIONS), "d": 1000}


def test_of_one_text_the_documents_that_are_the_same_are_read_once() -> None:
    tpl = content(all="\n---\n".join((PLAIN, REGIONAL, OWN)))
    cache: Cache = {}
    found = [on(a_member(number), tpl, cache) for number in range(50)]
    assert [names(one) for one in found] == [["shop", f"shop-{REGIONS[number % 5]}", f"shop-c{number}"] for number in range(50)]
    assert len({id(one.addons[0].parsed.objects[0][0]) for one in found}) == 1
    assert len({id(one.addons[0].parsed.objects[1][0]) for one in found}) == len(REGIONS)


@pytest.mark.parametrize("engine", ["structured", "resources"])
def test_what_does_not_say_what_it_reads_is_made_for_each_cluster(engine: str) -> None:
    annotations = {"fleetd.io/template-form": "structured"} if engine == "structured" else {}
    text = OWN.replace("shop-{{ .Cluster.metadata.name }}", '"shop-{{ .Cluster.metadata.name }}"') if engine == "structured" else OWN
    cache: Cache = {}
    assert [names(on(a_member(number), content(annotations, a=text), cache)) for number in range(3)] == [
        ["shop-c0"],
        ["shop-c1"],
        ["shop-c2"],
    ]


def test_what_templates_read_by_identifier_counts() -> None:
    prices: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c0", "namespace": "fleet"}, "data": {"team": "red"}}
    others: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c1", "namespace": "fleet"}, "data": {"team": "blue"}}
    resource = {"apiVersion": "v1", "kind": "ConfigMap", "name": "{{ .Cluster.metadata.name }}", "namespace": "fleet"}
    spec = {**PROFILE["spec"], "templateResourceRefs": [{"identifier": "P", "resource": resource}]}  # type: ignore[dict-item]
    tpl = content(
        a=OWN.replace(".Cluster.metadata.name", 'getField "P" "data.team"'),
        b=OWN.replace("Cluster.metadata.name", "MgmtResources.P.data.team"),
    )
    profile, cache = compile_profile({**PROFILE, "spec": spec}), {}  # type: ignore[var-annotated]
    declared = {ref_of(one): one for one in (tpl, prices, others)}
    found = [names(wanted(profile, a_member(number), declared, RENDER, cache)) for number in range(2)]
    assert found == [["shop-red", "shop-red"], ["shop-blue", "shop-blue"]]


def test_an_error_of_one_cluster_is_told_in_its_own_words_and_is_nobody_elses() -> None:
    tpl = content(a="\n---\n".join((PLAIN, REGIONAL)))
    cache: Cache = {}
    without = a_member(7)
    without.manifest["metadata"]["labels"] = {"zone": "x"}
    assert names(on(a_member(0), tpl, cache)) == ["shop", "shop-eu"]
    assert 'no entry for key "region"; there is only zone' in on(without, tpl, cache).problem
    assert names(on(a_member(1), tpl, cache)) == ["shop", "shop-us"]


def test_a_document_that_is_wrong_is_told_with_its_place_in_the_whole() -> None:
    tpl = content(a=PLAIN + "---\n" + OWN + "  wrong: [{{ .Cluster.metadata.name }}\n")
    assert "line 8, column 3 of what was rendered" in on(a_member(0), tpl, {}).problem


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    return [path] * bool(path) + [leaf for key, inner in entries for leaf in leaves(inner, (*path, key))]


def changed(data: dict[str, Any], chance: Random) -> dict[str, Any]:
    """The data with another value at one place, or without it."""
    copy = deepcopy(data)
    *way, last = chance.choice(leaves(copy))
    place: Any = copy
    for step in way:
        place = place[step]
    new: Any = chance.choice(["other", "", 7, None, [], {}, False, ...])
    if new is ... and isinstance(place, dict):
        del place[last]
    else:
        place[last] = "gone" if new is ... else new
    return copy


def outcome(template: Template, data: dict[str, Any]) -> str | None:
    try:
        return template.render(data)
    except (EvaluationFailed, OverBudget):
        return None


@pytest.mark.parametrize("data", DATA)
def test_data_that_agree_in_what_a_template_reads_give_the_same(data: dict[str, Any]) -> None:
    chance = Random(1)
    shared = 0
    for template in map(compile_template, TEXTS):
        before, seen = outcome(template, data), projection(template, data)
        if seen is None:
            continue
        for _ in range(12):
            other = changed(data, chance)
            if projection(template, other) == seen:
                shared += 1
                assert outcome(template, other) == before
    assert shared > 400


@pytest.mark.parametrize(
    "text",
    [
        "{{ with .Cluster.a }}x{{ end }}",
        "{{ if .Cluster.a }}x{{ end }}",
        "{{ $x := .Cluster.a }}y",
        "{{ $x := .b }}{{ if .c }}{{ $x = .Cluster.a }}{{ end }}{{ $x }}",
        '{{ define "t" }}x{{ end }}{{ template "t" .Cluster.a }}',
        "{{ range .Cluster.a }}x{{ end }}",
        "{{ range $k, $v := .Cluster }}{{ $k }}{{ end }}",
        "{{ len .Cluster }}",
        '{{ index . "Cluster" "a" }}',
        "{{ . }}",
        "{{ toJson $ }}",
        '{{ get .Cluster "a" }}',
        '{{ hasKey .Cluster "a" }}',
        "{{ (.Cluster).a }}",
        "{{ $c := .Cluster }}{{ $c.a }}",
        '{{ dig "a" "n" .Cluster }}',
        '{{ block "b" .Cluster }}{{ .a }}{{ end }}',
        "{{ with $c := .Cluster }}{{ with $d := $c.a }}{{ $d }}{{ end }}{{ end }}",
    ],
)
def test_what_a_template_reads_on_any_way_makes_a_difference(text: str) -> None:
    template = compile_template(text)
    values: tuple[Any, Any] = (["x"], {})
    one, other = ({"Cluster": {"a": value}, "b": 1, "c": 1} for value in values)
    assert projection(template, one) is None or projection(template, one) != projection(template, other)
    assert projection(template, one) is None or projection(template, one) != projection(template, {**one, "Cluster": {}})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "a: 1\n---\nb: 2\n",
        "---\na: 1\n---\n\n---\nb: |\n  ---\n  x\n",
        "a: 1\n--- \nb: 2",
        "# c\n---\r\na: 1\r\n---\r\nb: 2\r\n",
    ],
)
def test_documents_read_one_by_one_are_those_of_the_whole(text: str) -> None:
    whole = text.replace("a: 1", PLAIN.strip()).replace("b: ", PLAIN + "b: ")
    assert [one for part in documents_of(whole) for one in made(part, "")] == list(made(whole, ""))
