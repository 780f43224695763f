"""`fleetd render`."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetd.cli.examples import example_files

Rendered = Callable[..., Any]

TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: {{ .Resource.metadata.name }}
      namespace: made
    data: {value: "{{ .Resource.data.value }}", from: {{ .Cluster.metadata.name }}}
"""
TRIGGER = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: marked}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: mark, operation: Has}]}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copy}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: marked
  oneForEvent: true
  destinationClusterSelector: {matchLabels: {role: target}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: copy}]
"""
OBJECT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: default, labels: {mark: "yes"}}
data: {value: "1"}
"""
CLUSTERS = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: SveltosCluster
metadata: {name: %s, namespace: fleet, labels: {role: %s}}
"""


def clusters(**roles: str) -> str:
    return "---".join(CLUSTERS % (name, role) for name, role in roles.items())


@pytest.fixture
def rendered(fleetd: Any, tmp_path: Path) -> Rendered:
    """Writes what is given into files and renders it: `rendered(trigger, objects="…", clusters="…")`."""

    def run(text: str, *more: str, objects: str = OBJECT, clusters: str = "", output: str = "json") -> Any:
        arguments = ["-f", str(tmp_path / "fleet.yaml"), *more, "-o", output]
        for name, given in (("fleet", text), ("objects", objects), ("clusters", clusters)):
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(given).lstrip(), encoding="utf-8")
            if given and name != "fleet":
                arguments += [f"--{name}", str(tmp_path / f"{name}.yaml")]
        return fleetd("render", *arguments)

    return run


def test_it_says_what_would_be_put_where_without_a_database(rendered: Rendered, environment: dict[str, str]) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}", clusters=clusters(s="source", a="target", b="target", c="other"))
    assert done.code == 0
    (result,) = done.json["results"]
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "one", "namespace": "made"},
        "data": {"value": "1", "from": "s"},
    }
    assert list(result) == ["trigger", "source_cluster", "object", "profile", "destinations", "manifests", "problems", "notes"]
    assert (result["trigger"], result["source_cluster"], result["object"]) == ("copy", "fleet/s", "ConfigMap/default/one")
    assert result["profile"].startswith("ClusterProfile/sveltos-")
    assert (result["destinations"], result["manifests"], result["problems"]) == (["fleet/a", "fleet/b"], [manifest], [])
    assert not Path(environment["FLEETD_DATABASE"]).exists()


def test_yaml_can_be_applied_as_it_stands_and_says_in_comments_what_is_for_whom(rendered: Rendered) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}", clusters=clusters(s="source", a="target"), output="yaml")
    (manifest,) = [item for item in yaml.safe_load_all(done.out) if item]
    assert manifest["metadata"]["name"] == "one"
    assert done.lines[0].startswith("# EventTrigger copy on fleet/s for ConfigMap/default/one: ClusterProfile/sveltos-")
    assert done.lines[1] == "# on fleet/a: 1 object"


def test_clusters_that_get_other_things_have_results_of_their_own(rendered: Rendered) -> None:
    text = """
        apiVersion: config.projectsveltos.io/v1beta1
        kind: ClusterProfile
        metadata: {name: base}
        spec:
          clusterSelector: {matchLabels: {role: target}}
          policyRefs: [{kind: ConfigMap, namespace: default, name: base}]
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: base, namespace: default, annotations: {projectsveltos.io/template: ok}}
        data: {a.yaml: '{apiVersion: v1, kind: Namespace, metadata: {name: "{{ len .ClusterName }}"}}'}
    """
    done = rendered(text, objects="", clusters=clusters(aa="target", bb="target", ccc="target"))
    found = [(one["trigger"], one["profile"], one["destinations"], one["manifests"][0]["metadata"]["name"]) for one in done.json["results"]]
    assert found == [("", "ClusterProfile/base", ["fleet/aa", "fleet/bb"], "2"), ("", "ClusterProfile/base", ["fleet/ccc"], "3")]


def test_lists_say_on_which_cluster_their_objects_stand(rendered: Rendered) -> None:
    lists = "".join(
        f"""
        apiVersion: v1
        kind: List
        metadata: {{annotations: {{fleetd.io/cluster: {cluster}}}}}
        items:
          - {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{mark: x}}}}, data: {{value: v}}}}
        ---"""
        for cluster, name in (("fleet/s", "one"), ("t", "two"))
    )
    done = rendered(f"{TRIGGER}---{TEMPLATE}", objects=lists, clusters=clusters(s="source", t="source", a="target"))
    assert [(one["source_cluster"], one["object"]) for one in done.json["results"]] == [
        ("fleet/s", "ConfigMap//one"),
        ("fleet/t", "ConfigMap//two"),
    ]
    assert "annotations" not in done.json["results"][0]["manifests"][0]["metadata"]


def test_without_clusters_some_are_assumed_and_it_says_so(rendered: Rendered) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}")
    assert (done.code, done.json["results"][0]["destinations"]) == (0, ["assumed/cluster-2"])
    assert "no cluster is given: assumed/cluster-1 is assumed, with role=source" in done.err


def test_a_cluster_that_objects_stand_on_is_assumed_with_the_labels_of_a_source(rendered: Rendered) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}", objects=OBJECT.replace("labels", "annotations: {fleetd.io/cluster: prod/east}, labels"))
    (result,) = done.json["results"]
    assert (result["source_cluster"], result["destinations"]) == ("prod/east", ["assumed/cluster-1"])


def test_provenance_names_the_template_its_line_and_the_expressions(rendered: Rendered, tmp_path: Path) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}", "--provenance")
    fields = {item["field"]: item for item in done.json["results"][0]["provenance"][0]}
    lines = (tmp_path / "fleet.yaml").read_text().splitlines()
    assert fields["metadata.name"]["expressions"] == [".Resource.metadata.name"]
    assert (fields["data.value"]["expressions"], fields["data.value"]["value"]) == ([".Resource.data.value"], "1")
    assert fields["data.from"]["expressions"] == [".Cluster.metadata.name"]
    assert fields["kind"]["expressions"] == []
    assert fields["kind"]["template"] == "ConfigMap default/copy, data[a.yaml]"
    name = fields["metadata.name"]
    assert lines[name["line"] - 1][name["column"] - 1 :].startswith(".Resource.metadata.name")


def test_provenance_names_the_patch_that_changed_a_field(rendered: Rendered) -> None:
    patch = '\n  patches: [{patch: "- {op: add, path: /data/more, value: x}"}]\n'
    done = rendered(f"{TRIGGER.rstrip()}{patch}---{TEMPLATE}", "--provenance")
    fields = {item["field"]: item for item in done.json["results"][0]["provenance"][0]}
    assert fields["data.more"]["patches"] == ["spec.patches[0]"]
    assert fields["data.value"]["patches"] == []


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ((".Resource.data.value", ".Resource.data.price"), "data.price", 'map has no entry for key "price"'),
        (
            ('value: "{{ .Resource.data.value }}"', "value: {{ .Resource.data.value }}: {"),
            "",
            "line 6 of ConfigMap default/copy, data[a.yaml] made it",
        ),
        (("{{ .Cluster.metadata.name }}", "{{ .Cluster.metadata.name"), "", "data[a.yaml] line 6"),
        (("namespace: made", "namespace: [made]"), "[made]", "metadata.namespace is ['made'], which is no text"),
        (("name: copy, namespace", "name: other, namespace"), "name: copy}]", "ConfigMap default/copy does not exist"),
    ],
)
def test_what_cannot_be_rendered_is_one_sentence_with_its_place_and_ends_with_1(
    rendered: Rendered, tmp_path: Path, change: tuple[str, str], place: str, sentence: str
) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE.replace(*change)}", clusters=clusters(s="source", a="target"))
    assert done.code == 1
    ((problem,),) = [result["problems"] for result in done.json["results"]]
    assert sentence in problem["message"]
    assert (problem["file"], problem["line"] > 0, problem["column"] > 0) == (str(tmp_path / "fleet.yaml"), True, True)
    line = (tmp_path / "fleet.yaml").read_text().splitlines()[problem["line"] - 1]
    assert place in line
    (told,) = [line for line in done.err.splitlines() if line.startswith(f"{problem['file']}:{problem['line']}:{problem['column']}: ")]
    assert sentence in told


def test_one_bad_object_does_not_stop_the_others(rendered: Rendered) -> None:
    bad = OBJECT.replace("name: one", "name: two").replace('data: {value: "1"}', "data: {}")
    done = rendered(f"{TRIGGER}---{TEMPLATE}", objects=f"{OBJECT}---{bad}")
    assert done.code == 1
    assert [(len(one["manifests"]), len(one["problems"])) for one in done.json["results"]] == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    "value",
    [
        "'\"\\n---\\napiVersion: v1'",
        "'\"}, kind: Evil, x: {y: \"'",
        '"\\e[31m\\u202e"',
        "'{{ .Cluster }}'",
        "'*x'",
        "12e999",
        "'!!python/name:os.system x'",
    ],
)
def test_hostile_values_end_nothing_but_their_own_result(rendered: Rendered, value: str) -> None:
    hostile = OBJECT.replace("name: one", "name: two").replace('"1"', value)
    done = rendered(f"{TRIGGER}---{TEMPLATE}", objects=f"{OBJECT}---{hostile}")
    assert done.code in (0, 1, 2)
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err + done.out
    if done.code != 2:
        assert done.json["results"][0]["manifests"][0]["data"] == {"value": "1", "from": "cluster-1"}


def test_what_meets_nothing_is_told_and_ends_with_1(rendered: Rendered) -> None:
    done = rendered(f"{TRIGGER}---{TEMPLATE}", objects=OBJECT.replace("mark", "other"), clusters=clusters(s="source"))
    assert (done.code, done.json) == (1, {"results": []})
    assert "EventTrigger copy: EventSource marked selects none of the objects (ConfigMap/default/one: " in done.err
    nowhere = rendered(f"{TRIGGER}---{TEMPLATE}", clusters=clusters(a="target"))
    assert "EventTrigger copy: sourceClusterSelector chooses none of the clusters" in nowhere.err
    assert nowhere.code == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": TRIGGER.replace("oneForEvent: true", "oneForEvent: 7")}, "fleet.yaml:14:3: "),
        ({"text": f"{TRIGGER}---\na: [\n"}, "fleet.yaml:19:1: a value is missing here"),
        ({"text": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"}, "nothing in the files of -f deploys anything"),
        ({"text": TRIGGER, "objects": "a: [\n"}, "objects.yaml:2:1: a value is missing here"),
        ({"text": TRIGGER, "objects": "kind: A\n"}, "objects.yaml:1:1: the object has no apiVersion"),
        ({"text": TRIGGER, "clusters": OBJECT}, "clusters.yaml:1:1: --clusters takes SveltosClusters, and this is a ConfigMap"),
        (
            {
                "text": TRIGGER,
                "objects": OBJECT.replace("labels", "annotations: {fleetd.io/cluster: x}, labels"),
                "clusters": clusters(s="source"),
            },
            "objects.yaml:1:1: ConfigMap one stands on x (fleetd.io/cluster), which is none of fleet/s",
        ),
    ],
)
def test_bad_input_is_one_sentence_with_its_place_and_ends_with_2(rendered: Rendered, given: dict[str, str], sentence: str) -> None:
    done = rendered(given.pop("text"), **given)
    assert done.code == 2
    assert sentence in done.err


def test_each_option_takes_several_files_and_a_dash_is_stdin(fleetd: Any, tmp_path: Path) -> None:
    texts = {"trigger": TRIGGER, "template": TEMPLATE, "one": OBJECT, "two": OBJECT.replace("one", "two"), "s": clusters(s="source")}
    paths = {name: str(tmp_path / f"{name}.yaml") for name in texts}
    for name, text in texts.items():
        Path(paths[name]).write_text(text.lstrip(), encoding="utf-8")
    files = ("-f", paths["trigger"], paths["template"])
    done = fleetd(
        "render", *files, "--objects", paths["one"], paths["two"], "--clusters", paths["s"], "--clusters", "-", "-o", "json",
        given=clusters(a="target"),
    )  # fmt: skip
    assert [one["destinations"] for one in done.json["results"]] == [["fleet/a"], ["fleet/a"]]
    stdin = fleetd("render", "-f", "-", "--objects", paths["one"], "-o", "json", given=f"{TRIGGER}---{TEMPLATE}")
    assert stdin.code == 0
    stdin = fleetd("render", *files, "--objects", "-", "-o", "json", given=OBJECT)
    assert stdin.code == 0


def test_lua_filters_are_asked(rendered: Rendered) -> None:
    script = "function evaluate() return {matching = obj.data.value == '1', message = 'no'} end"
    text = TRIGGER.replace("labelFilters: [{key: mark, operation: Has}]", f'evaluate: "{script}"')
    other = OBJECT.replace("name: one", "name: two").replace('"1"', '"2"')
    done = rendered(f"{text}---{TEMPLATE}", objects=f"{OBJECT}---{other}")
    assert [one["object"] for one in done.json["results"]] == ["ConfigMap/default/one"]


def test_a_script_that_looks_at_all_objects_is_asked(rendered: Rendered) -> None:
    larger = "function(a, b) return a.data.value > b.data.value end"
    script = f"function evaluate() table.sort(resources, {larger}) return {{resources = {{resources[1]}}}} end"
    text = TRIGGER.replace("  collectResources", f'  aggregatedSelection: "{script}"\n  collectResources')
    other = OBJECT.replace("name: one", "name: two").replace('"1"', '"2"')
    done = rendered(f"{text}---{TEMPLATE}", objects=f"{OBJECT}---{other}")
    assert [one["object"] for one in done.json["results"]] == ["ConfigMap/default/two"]


def test_what_a_generator_makes_is_deployed_under_its_name(rendered: Rendered) -> None:
    generator = "configMapGenerator: [{name: copy, namespace: default, nameFormat: 'made-{{ .Resource.metadata.name }}'}]"
    reference = "policyRefs: [{kind: ConfigMap, namespace: projectsveltos, name: 'made-{{ .Resource.metadata.name }}'}]"
    text = re.sub(r"policyRefs: .*", f"{generator}\n  {reference}", TRIGGER)
    done = rendered(f"{text}---{TEMPLATE}")
    assert [one["metadata"]["name"] for result in done.json["results"] for one in result["manifests"]] == ["one"]


def test_templates_read_objects_of_kinds_that_only_a_management_cluster_has(rendered: Rendered) -> None:
    text = """
        apiVersion: config.projectsveltos.io/v1beta1
        kind: ClusterProfile
        metadata: {name: base}
        spec:
          clusterSelector: {matchLabels: {role: target}}
          templateResourceRefs: [{identifier: D, resource: {apiVersion: apps/v1, kind: Deployment, name: web, namespace: default}}]
          policyRefs: [{kind: ConfigMap, namespace: default, name: base}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: default}
        spec: {replicas: 3}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: base, namespace: default, annotations: {projectsveltos.io/template: ok}}
        data: {a.yaml: '{{ setField "D" "spec.replicas" (int64 5) }}'}
    """
    done = rendered(text, objects="")
    (manifest,) = done.json["results"][0]["manifests"]
    assert (manifest["kind"], manifest["spec"]["replicas"]) == ("Deployment", 5)
    assert "Deployment web cannot be declared" in done.err


def test_the_shipped_examples_can_be_rendered(rendered: Rendered) -> None:
    text = "\n---\n".join(path.read_text() for path in example_files("service-discovery"))
    service = """
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop, labels: {fleet.example.com/export: "true"}}
        spec: {type: LoadBalancer, ports: [{port: 80}]}
        status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
    """
    done = rendered(text, objects=service)
    assert done.code == 0
    assert [item["kind"] for item in done.json["results"][0]["manifests"]] == ["Service", "Endpoints"]


def test_the_page_on_templates_shows_what_comes_out(fleetd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8").partition("## Try it first")[2]
    blocks = re.findall(r"```(\w+)[^\n]*\n(.*?)```", page, re.DOTALL)
    files = {text.split("\n")[0].removeprefix("# "): text for language, text in blocks if language == "yaml"}
    for name, text in files.items():
        if name.endswith(".yaml"):
            (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    command = next(text for language, text in blocks if language == "sh").strip()
    done = fleetd(*shlex.split(command)[1:])
    assert done.code == 0
    assert done.out == next(text for language, text in blocks if language == "text")
