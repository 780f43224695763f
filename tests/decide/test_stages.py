"""From templates to objects: what templates read, what comes out, and how what is wrong is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.definitions import compile_profile
from fleetd.decide.languages import Moment
from fleetd.decide.made import Unmade, made
from fleetd.decide.members import Member
from fleetd.decide.rendering import Render
from fleetd.decide.spots import Spot
from fleetd.decide.trail import offset_of, place_of
from fleetd.decide.wanted import Wanted, wanted
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.records import InventoryRecord, JournalRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, MatchState

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
RENDER = Render(NOON)
CLUSTER = {"metadata": {"name": "c", "namespace": "fleet", "labels": {"region": "eu"}}}
MEMBER = Member("fleet/c", "SveltosCluster", "fleet", "c", {"region": "eu"}, CLUSTER, True)
SPOT = Spot(ObjectRef("ConfigMap", "", "default", "t"), ("data", "a.yaml"))


def profile(**spec: Any) -> Any:
    manifest = {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": {"name": "p"}}
    return compile_profile({**manifest, "spec": {"policyRefs": [{"kind": "ConfigMap", "namespace": "default", "name": "t"}], **spec}})


def config_map(name: str, namespace: str = "default", *, template: bool = False, **data: str) -> Manifest:
    annotations = {"projectsveltos.io/template": "ok"} if template else {}
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def on_cluster(mine: Any, *contents: Manifest) -> Wanted:
    return wanted(mine, MEMBER, {ref_of(content): content for content in contents}, RENDER, {})


def value(want: Wanted) -> Any:
    assert not want.problem, want.problem
    return want.addons[0].parsed.objects[0][0]["data"]["v"]


def templated(expression: str) -> Manifest:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: made}}\ndata:\n  v: {expression}\n"
    return config_map("t", template=True, **{"a.yaml": text})


def reading(kind: str = "ConfigMap", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    resource = {"apiVersion": api_version, "kind": kind, "name": more.pop("name", "db"), "namespace": more.pop("namespace", "")}
    return {"templateResourceRefs": [{"identifier": "DB", "resource": resource, **more}]}


# What templates read of the management plane.


def test_a_resource_is_read_under_its_identifier_and_an_empty_namespace_is_the_clusters() -> None:
    db = config_map("c-db", "fleet", host="h", **{"a.b": "dotted"})
    refs = reading(name="{{ .Cluster.metadata.name }}-db")
    assert value(on_cluster(profile(**refs), templated("{{ .MgmtResources.DB.data.host }}"), db)) == "h"
    assert value(on_cluster(profile(**refs), templated('{{ (getResource "DB").data.host }}'), db)) == "h"
    assert value(on_cluster(profile(**refs), templated('{{ getField "DB" "data.host" }}'), db)) == "h"
    assert value(on_cluster(profile(**refs), templated('{{ index .MgmtResources.DB.data "a.b" }}'), db)) == "dotted"


def test_patches_read_resources_too() -> None:
    patch = "- {op: replace, path: /data/v, value: '{{ .MgmtResources.DB.data.host }}'}"
    mine = profile(**reading(namespace="default"), patches=[{"patch": patch}])
    assert value(on_cluster(mine, templated("x"), config_map("db", host="h"))) == "h"


def test_what_is_missing_is_said_on_every_add_on_and_what_is_optional_is_not_there() -> None:
    want = on_cluster(profile(**reading()), templated("x"))
    assert want.problem == "spec.templateResourceRefs[0]: ConfigMap fleet/db, which templates read as DB, does not exist"
    assert ObjectRef("ConfigMap", "", "fleet", "db") in want.uses
    optional = profile(**reading(optional=True))
    assert value(on_cluster(optional, templated("{{ hasKey .MgmtResources `DB` }}"))) is False
    assert value(on_cluster(optional, templated('"{{ getField `DB` `data.host` }}"'))) == "<no value>"


def test_only_watched_fields_are_seen_and_a_status_may_be_left_out() -> None:
    db: Manifest = {**config_map("db", host="h", port="1"), "status": {"ready": "yes"}}
    watched = profile(**reading(namespace="default", watchFields=["data.host", ".status"]))
    assert value(on_cluster(watched, templated("{{ .MgmtResources.DB | toJson }}"), db)) == {
        "data": {"host": "h"},
        "status": {"ready": "yes"},
    }
    without = profile(**reading(namespace="default", ignoreStatusChanges=True))
    assert value(on_cluster(without, templated("{{ hasKey .MgmtResources.DB `status` }}"), db)) is False


def test_an_object_of_the_whole_fleet_has_no_namespace() -> None:
    source: Manifest = {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "EventSource",
        "metadata": {"name": "db"},
        "spec": {"x": "z"},
    }
    mine = profile(**reading("EventSource", "lib.projectsveltos.io/v1beta1", namespace="ignored"))
    assert value(on_cluster(mine, templated("{{ .MgmtResources.DB.spec.x }}"), source)) == "z"


def test_what_every_write_changes_renders_nothing_anew() -> None:
    mine = profile(**reading(namespace="default"))
    one, other = config_map("db", host="h"), config_map("db", host="h")
    one["metadata"] |= {"resourceVersion": "1", "managedFields": []}
    other["metadata"] |= {"resourceVersion": "2", "generation": 4}
    text = templated("{{ .MgmtResources.DB.metadata | toJson }}")
    assert on_cluster(mine, text, one).addons[0].digest == on_cluster(mine, text, other).addons[0].digest


def test_with_a_secret_among_the_data_no_sentence_tells_what_was_found() -> None:
    secret: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "default"},
        "data": {"k": "aHVudGVyMg=="},
    }
    mine = profile(**reading("Secret", namespace="default"))
    problem = on_cluster(mine, templated("{{ index .MgmtResources.DB.data `k` | b64dec }}: ["), secret).problem
    assert "hunter2" not in problem
    assert "it cannot be rendered into objects" in problem
    patches = profile(**reading("Secret", namespace="default"), patches=[{"patch": "{{ index .MgmtResources.DB.data `k` | b64dec }}"}])
    assert "hunter2" not in on_cluster(patches, templated("x"), secret).problem


# What comes out.


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("a: b\n", 1, 1, "the document is no Kubernetes object: apiVersion, kind and metadata.name are needed"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: 7}\n", 3, 18, "metadata.name is 7, which is no text: put it into quotes"),
        ("apiVersion: v1\nkind: A\nmetadata:\n  name: a/b\n", 4, 9, "metadata.name is 'a/b', which is no name that a cluster takes"),
        ("apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  namespace: '..'\n", 5, 15, "metadata.namespace is '..', which is no name"),
        ("apiVersion: a/b/c\nkind: A\nmetadata: {name: a}\n", 1, 13, "apiVersion is 'a/b/c', which is none"),
        ("apiVersion: v1\nkind: [A]\nmetadata: {name: a}\n", 2, 7, "kind is ['A'], which is none"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {b: true}}\n", 3, 29, "metadata.labels['b'] is true, which is no text"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nb\n", 5, 1, "a document must be a mapping"),
    ],
)
def test_what_no_cluster_could_take_is_refused_at_its_place(text: str, line: int, column: int, sentence: str) -> None:
    with pytest.raises(Unmade) as caught:
        made(text, "t")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(sentence)


def test_documents_are_split_as_kubectl_splits_them() -> None:
    text = (
        "---\n# nothing\n---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n---\n"
        + '{"apiVersion": "v1", "kind": "B", "metadata": {"name": "b"}}\n...\n'
    )
    assert [item["kind"] for item in made(text, "t")] == ["A", "B"]
    assert made("", "t") == made("# only words\n---\n", "t") == ()


def test_the_line_of_the_template_that_made_bad_yaml_is_told() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\n{{- range list 1 2 }}\n{{- end }}\nmetadata: {name: a}\ndata:\n  v: {{ .ClusterName }}: {\n"
    problem = on_cluster(profile(), config_map("t", template=True, **{"a.yaml": text})).addons[0]
    assert problem.problem.startswith("ConfigMap default/t, data[a.yaml]: line ")
    assert "line 7 of the template made it" in problem.problem
    assert problem.flaw is not None
    assert problem.flaw.line == 7


def test_one_bad_add_on_does_not_stop_the_others() -> None:
    refs = [{"kind": "ConfigMap", "namespace": "default", "name": name} for name in ("bad", "good", "gone")]
    good = replace_name(templated("fine"), "good")
    want = on_cluster(profile(policyRefs=refs), replace_name(templated("{{ .Nothing }}"), "bad"), good)
    assert [bool(addon.problem) for addon in want.addons] == [True, False, True]


def replace_name(manifest: Manifest, name: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def test_what_patches_made_no_object_any_more_is_refused() -> None:
    mine = profile(patches=[{"patch": "- {op: add, path: /metadata/labels, value: {a: 1}}"}])
    assert on_cluster(mine, templated("x")).problem == (
        "after the patches, in ConfigMap//made: metadata.labels['a'] is 1, which is no text: put it into quotes"
    )


# Patches from elsewhere.


def test_patches_from_contents_are_templates_only_when_they_say_so() -> None:
    text = "patch: |\n  - {op: replace, path: /data/v, value: '{{ .ClusterName }}'}\ntarget: {kind: ConfigMap}\n"
    mine = profile(patchesFrom=[{"kind": "ConfigMap", "namespace": "default", "name": "{{ .ClusterName }}-patches"}])
    assert value(on_cluster(mine, templated("x"), config_map("c-patches", template=True, p=text))) == "c"
    assert value(on_cluster(mine, templated("x"), config_map("c-patches", p=text))) == "{{ .ClusterName }}"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            "- {op: remove, path: /a}",
            "ConfigMap default/q, data[p]:1: it is no patch: a mapping with patch, a text, and maybe target is needed",
        ),
        ("patch: {a: b}", "ConfigMap default/q, data[p]:1: it is no patch"),
        ("patch: hello", "ConfigMap default/q, data[p]: it is neither a strategic merge document nor a list of operations"),
        ("a: [", "ConfigMap default/q, data[p]:2:1: a value is missing here"),
    ],
)
def test_what_is_no_patch_names_the_value_that_it_stands_in(data: str, sentence: str) -> None:
    mine = profile(patchesFrom=[{"kind": "ConfigMap", "namespace": "default", "name": "q"}])
    assert on_cluster(mine, templated("x"), config_map("q", p=data)).problem.startswith(sentence)


def test_missing_patches_are_a_problem_unless_they_are_optional() -> None:
    source = {"kind": "ConfigMap", "namespace": "default", "name": "q"}
    assert on_cluster(profile(patchesFrom=[source]), templated("x")).problem == "spec.patchesFrom[0]: ConfigMap default/q does not exist"
    assert value(on_cluster(profile(patchesFrom=[{**source, "optional": True}]), templated("x"))) == "x"
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "q", "namespace": "default"}}
    mine = profile(patchesFrom=[{**source, "kind": "Secret"}])
    assert on_cluster(mine, templated("x"), secret).problem == (
        "Secret default/q has type Opaque; it must be addons.projectsveltos.io/cluster-profile"
    )


# Two moments: what an event brings is never a template.


def first(text: str, **data: Any) -> str:
    return RENDER.first(text, data, SPOT)


def test_the_author_may_write_a_template_for_the_second_moment() -> None:
    assert first('{{ .x }} {{ "{{ .Cluster.metadata.name }}" }}', x="1") == "1 {{ .Cluster.metadata.name }}"
    assert first("{{ range .xs }}{{ `{{ upper` }} {{ . | quote }}}} {{ end }}", xs=["a", "b"]) == '{{ upper "a"}} {{ upper "b"}} '


@pytest.mark.parametrize(
    "text", ["{{ .x }}", "a{{ .x }}b", "{ {{- .x }}", "{{ range .xs }}{{ . }}{{ end }}", '{{ printf "%s" .x }}{{ "{{ 1 }}" }}']
)
def test_a_value_may_not_open_an_action_of_the_second_moment(text: str) -> None:
    with pytest.raises(EvaluationFailed, match="has braces in it, which the deployment would take for a template"):
        first(text, x='{{ getResource "secret" }}', xs=["{", "{ 1 }}"])


@given(st.text(alphabet="{}ab \"`'|.-", max_size=12), st.text(alphabet="{}ab \"`'|.-", max_size=12))
def test_whatever_the_values_nothing_of_them_is_executed(one: str, other: str) -> None:
    try:
        text = first("x: {{ .one }}\ny: {{ .other }}{{ .one }}\n", one=one, other=other)
    except EvaluationFailed:
        assert "{{" in f"{one}\n{other}{one}"
        return
    assert RENDER.deploy(text, {}, SPOT) == text


# What made what.


@given(st.lists(st.sampled_from(["a\n", "{{ .v }}", " {{- 1 -}} ", "{{ range .xs }}<{{ . }}>{{ end }}", "é", "{{/* c */}}"]), max_size=8))
def test_every_part_of_a_rendered_text_has_its_place_in_the_template(parts: list[str]) -> None:
    template = "".join(parts)
    data = {"v": "value\nof two lines", "xs": ["1", "2"]}
    trail = RENDER.trail(template, data, Moment.DEPLOY)
    assert trail.text == RENDER.deploy(template, data, SPOT)
    for piece in trail.pieces:
        if not piece.expression:
            assert template[piece.pos : piece.pos + piece.end - piece.start] == trail.text[piece.start : piece.end]
    for offset in range(len(trail.text)):
        assert offset_of(trail.text, *place_of(trail.text, offset)) == offset
        assert 0 <= trail.origin(offset) < len(template)


# On the plane.


def test_zero_documents_remove_what_was_there(fleet: Any, said: Any) -> None:
    fleet.declare(said.profile(), said.content("base", "1", "2"))
    fleet.join("a", env="x")
    fleet.run()
    assert sorted(fleet.standing("a")) == ["base-0", "base-1"]
    fleet.declare(yaml.safe_dump(config_map("base", **{"a.yaml": "# nothing any more\n"})))
    fleet.run()
    assert fleet.standing("a") == {}


def test_a_changed_resource_renders_anew_and_a_missing_one_takes_nothing_away(fleet: Any, said: Any) -> None:
    fleet.declare(
        said.profile(
            more="templateResourceRefs: [{identifier: DB, resource: {apiVersion: v1, kind: ConfigMap, namespace: default, name: db}}]"
        )
    )
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: made}\ndata: {value: '{{ .MgmtResources.DB.data.host }}'}\n"
    fleet.declare(config_map("base", template=True, **{"a.yaml": text}), config_map("db", host="one"))
    fleet.join("a", env="x")
    fleet.run()
    assert fleet.standing("a") == {"made": "one"}
    fleet.declare(config_map("db", host="two"))
    fleet.run()
    assert fleet.standing("a") == {"made": "two"}
    fleet.undeclare("ConfigMap/default/db")
    fleet.run()
    assert fleet.standing("a") == {"made": "two"}
    (addon,) = fleet.plane.addons["ClusterProfile/base", "fleet/a"].values()
    assert addon.state is AddonState.FAILED


def test_the_journal_says_which_template_and_whose_data_made_a_copy(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s", said.config_map("one"))
    told = [item.reason for item in fleet.told(JournalRecord) if item.stage == "instantiate" and item.subject.startswith("ConfigMap/")]
    assert len(told) == 1
    assert told[0].startswith("EventTrigger copy from ConfigMap default/copy data[a.yaml], revision ")
    assert " for ConfigMap/default/one as event id" in told[0]


def test_what_an_event_made_and_cannot_be_read_names_the_line_of_its_template(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(said.source(), said.template(extra='"'), said.trigger())
    fleet.put("s", said.config_map("one"))
    fleet.run()
    (addon,) = next(addons for (name, _), addons in fleet.plane.addons.items() if name.startswith("ClusterProfile/sveltos-")).values()
    assert addon.reason.startswith("ConfigMap projectsveltos/sveltos-")
    assert "line 4 of ConfigMap default/copy, data[a.yaml] made it, with {{ .Resource.data.value }}" in addon.reason
    assert fleet.told(InventoryRecord) == []


def test_each_match_says_why_it_waits_while_its_template_is_missing(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s", said.config_map("one"))
    fleet.run()
    fleet.undeclare("ConfigMap/default/copy")
    for value in ("2", "3"):
        fleet.put("s", said.config_map("one", value))
        fleet.run()
        [match] = fleet.kept.matches
        assert (match.state, match.reason) == (MatchState.FAILED, "spec.policyRefs[0]: ConfigMap default/copy does not exist")
    fleet.declare(said.template())
    fleet.run()
    assert [match.state for match in fleet.kept.matches] == [MatchState.ACTED]
