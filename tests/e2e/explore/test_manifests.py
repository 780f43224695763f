"""Manifests in the style of Sveltos' documentation, whole: what stands on the clusters afterwards."""

from __future__ import annotations

import base64
from typing import Any

import yaml


def add(api: str, kind: str, name: str, namespace: str = "default", **rest: Any) -> dict[str, Any]:
    labels = rest.pop("labels", {})
    annotations = rest.pop("annotations", {})
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def config_map(name: str, namespace: str = "default", data: dict[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    return add("v1", "ConfigMap", name, namespace, data=data or {"k": "v"}, **rest)


def content(name: str, *texts: str, kind: str = "ConfigMap", **annotations: str) -> str:
    marks = {f"projectsveltos.io/{key}": value for key, value in annotations.items()}
    data = {f"{index}.yaml": text for index, text in enumerate(texts)}
    made = add("v1", kind, name, annotations=marks)
    if kind == "Secret":
        made |= {"type": "addons.projectsveltos.io/cluster-profile", "stringData": data}
    else:
        made |= {"data": data}
    return yaml.safe_dump(made)


def source(name: str, *selectors: dict[str, Any], collect: bool = True) -> str:
    defaults = {"group": "", "version": "v1", "kind": "ConfigMap"}
    spec = {"collectResources": collect, "resourceSelectors": [defaults | item for item in selectors]}
    return yaml.safe_dump({"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "EventSource", "metadata": {"name": name}, "spec": spec})


def trigger(name: str, event_source: str, *refs: str, kind: str = "ConfigMap", **spec: Any) -> str:
    body = {
        "sourceClusterSelector": {"matchLabels": {"role": "source"}},
        "eventSourceName": event_source,
        "policyRefs": [{"kind": kind, "namespace": "default", "name": ref} for ref in refs],
        **spec,
    }
    return yaml.safe_dump({"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "EventTrigger", "metadata": {"name": name}, "spec": body})


def profile(name: str, *refs: str, kind: str = "ConfigMap", namespace: str = "", **spec: Any) -> str:
    body = {
        "clusterSelector": {"matchLabels": {"role": "source"}},
        "policyRefs": [{"kind": kind, "namespace": "default", "name": ref} for ref in refs],
        **spec,
    }
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    kind = "Profile" if namespace else "ClusterProfile"
    return yaml.safe_dump({"apiVersion": "config.projectsveltos.io/v1beta1", "kind": kind, "metadata": metadata, "spec": body})


SOURCE = {"role": "source", "region": "eu-1"}
SUMMARY = """
apiVersion: v1
kind: ConfigMap
metadata: {name: seen-%s, namespace: default}
data: {names: '{{ range .MatchingResources }}{{ .Namespace }}/{{ .Name }} {{ end }}'}
"""


async def put(w: Any, *texts: str) -> None:
    for text in texts:
        await w.declare(text)


async def sees(w: Any, name: str, expected: str) -> None:
    await w.shows(
        "a", "v1", "ConfigMap", f"default/seen-{name}", lambda live: sorted(live["data"]["names"].split()) == sorted(expected.split())
    )


async def test_every_way_to_select_selects_what_it_says(world: Any) -> None:
    def filters(*items: tuple[str, str, str]) -> dict[str, Any]:
        return {"labelFilters": [{"key": key, "operation": operation, "value": value} for key, operation, value in items]}

    def cel(*rules: str) -> dict[str, Any]:
        return {"evaluateCEL": [{"name": f"r{index}", "rule": rule} for index, rule in enumerate(rules)]}

    shop = {"namespace": "shop"}
    cases: dict[str, tuple[list[dict[str, Any]], str]] = {
        "equal": ([filters(("team", "Equal", "a"))], "shop/one shop/three"),
        "different": ([shop | filters(("team", "Different", "a"))], "shop/four shop/two"),
        "has": ([filters(("tier", "Has", ""))], "shop/three shop/two"),
        "hasnot": ([shop | filters(("tier", "DoesNotHave", ""))], "shop/four shop/one"),
        "anded": ([filters(("team", "Equal", "a"), ("tier", "Has", ""))], "shop/three"),
        "named": ([{"namespace": "shop", "name": "two"}], "shop/two"),
        "anywhere": ([{"name": "two"}], "other/two shop/two"),
        "both": ([shop | {"name": "one"}, shop | {"name": "two"}], "shop/one shop/two"),
        "kinds": ([shop | {"name": "one"}, {"kind": "Namespace", "name": "shop"}], "shop/one /shop"),
        "cel-has": ([shop | cel("has(resource.metadata.labels.tier) && resource.metadata.labels.tier == 'gold'")], "shop/two"),
        "cel-or": ([shop | cel("resource.metadata.name == 'one'", "resource.metadata.name == 'two'")], "shop/one shop/two"),
        "cel-lists": ([shop | cel("resource.data.hosts.split(',').exists(h, h.startsWith('db'))", "'x' in resource.data")], "shop/four"),
        "cel-all": ([shop | cel("resource.data.all(k, size(resource.data[k]) > 2)")], "shop/two"),
        "cel-map": ([shop | cel("resource.data.map(k, resource.data[k]).exists(v, v.matches('^[0-9]+$'))")], "shop/one"),
        "cel-text": ([shop | cel("resource.metadata.name.endsWith('e') && resource.metadata.name.contains('hr')")], "shop/three"),
    }
    async with world(a=SOURCE) as w:
        for namespace in ("shop", "other"):
            await w["a"].create(add("v1", "Namespace", namespace, ""))
        await w["a"].create(config_map("one", "shop", {"n": "17"}, labels={"team": "a"}))
        await w["a"].create(config_map("two", "shop", {"word": "long"}, labels={"team": "b", "tier": "gold"}))
        await w["a"].create(config_map("three", "shop", {"w": "x"}, labels={"team": "a", "tier": "silver"}))
        await w["a"].create(config_map("four", "shop", {"hosts": "web1,db1", "x": "x"}))
        await w["a"].create(config_map("two", "other", {"word": "long"}, labels={"team": "c"}))
        for name, (selectors, _) in cases.items():
            await put(w, source(name, *selectors), content(f"c-{name}", SUMMARY % name, instantiate="ok"), trigger(name, name, f"c-{name}"))
        for name, (_, expected) in cases.items():
            await sees(w, name, expected)
        assert not await w.rows("SELECT * FROM fleet_trigger_matches WHERE state = 'failed'")


async def test_templates_read_lists_of_objects_labels_and_sprig(world: Any) -> None:
    text = """
{{- range $index, $it := .Resources }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: copy-{{ $it.metadata.name | lower | trunc 20 }}
  namespace: {{ $it.metadata.namespace }}
  labels: {region: {{ index $.Cluster.metadata.labels "region" | quote }}}
data:
  index: "{{ $index }}"
  all: {{ $it.data | toJson | b64enc | quote }}
  keys: {{ keys $it.data | sortAlpha | join "," | quote }}
  upper: {{ dig "missing" "none" $it.data | upper | quote }}
  nested: |
{{ $it.data | toYaml | indent 4 }}
{{- end }}
"""
    async with world(a=SOURCE) as w:
        await w["a"].create(config_map("eins", data={"b": "ü", "a": "日本"}, labels={"in": "1"}))
        await w["a"].create(config_map("zwei.dot", data={"c": "x: y\nz"}, labels={"in": "1"}))
        await put(
            w,
            source("s", {"labelFilters": [{"key": "in", "operation": "Has"}]}),
            content("c", text, instantiate="ok"),
            trigger("t", "s", "c"),
        )
        live = await w.shows("a", "v1", "ConfigMap", "default/copy-eins")
        assert live["data"]["keys"] == "a,b"
        assert yaml.safe_load(live["data"]["nested"]) == {"a": "日本", "b": "ü"}
        assert live["data"]["upper"] == "NONE"
        assert live["metadata"]["labels"]["region"] == "eu-1"
        live = await w.shows("a", "v1", "ConfigMap", "default/copy-zwei.dot")
        assert yaml.safe_load(live["data"]["nested"]) == {"c": "x: y\nz"}


async def test_event_and_deploy_time_templates_work_one_after_the_other(world: Any) -> None:
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: twice, namespace: default}
data: {event: "{{ .Cluster.metadata.name }}", deploy: "{{ `{{ .Cluster.metadata.name }}` }}"}
"""
    async with world(a=SOURCE, b={"role": "destination"}) as w:
        await w["a"].create(config_map("one", labels={"in": "1"}))
        await put(
            w, source("s", {"labelFilters": [{"key": "in", "operation": "Has"}]}), content("c", text, instantiate="ok", template="ok")
        )
        await put(w, trigger("t", "s", "c", destinationClusterSelector={"matchLabels": {"role": "destination"}}))
        live = await w.shows("b", "v1", "ConfigMap", "default/twice")
        assert (live["data"]["event"], live["data"]["deploy"]) == ("a", "b")


async def test_names_of_sources_and_references_are_templates(world: Any) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-%s, namespace: default}\ndata: {k: v}\n"
    async with world(a=SOURCE) as w:
        await w["a"].create(config_map("one", labels={"in": "1"}))
        await put(
            w,
            source("s-eu-1", {"labelFilters": [{"key": "in", "operation": "Has"}]}),
            content("c-one", text % "event"),
            content("c-eu-1", text % "deploy"),
        )
        await put(
            w,
            trigger(
                "t",
                's-{{ index .Cluster.metadata.labels "region" }}',
                "c-{{ .MatchingResource.Name }}",
                oneForEvent=True,
                profileNameFormat="made-{{ .MatchingResource.Name }}",
            ),
        )
        await put(w, profile("p", 'c-{{ index .Cluster.metadata.labels "region" }}'))
        await w.shows("a", "v1", "ConfigMap", "default/by-event")
        await w.shows("a", "v1", "ConfigMap", "default/by-deploy")
        assert await w.rows("SELECT profile FROM fleet_addons WHERE profile = 'ClusterProfile/made-one'")


async def test_secrets_as_content_and_several_documents_and_lists_reach_the_cluster(world: Any) -> None:
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [config_map("in-list"), config_map("in-list-2")]})
    documents = "---\n# nothing\n---\n" + yaml.safe_dump(config_map("first")) + "---\n" + yaml.safe_dump(config_map("second")) + "---\n"
    secret = yaml.safe_dump(add("v1", "Secret", "cred", stringData={"password": "pässwörd"}))
    async with world(a=SOURCE) as w:
        await put(w, content("c", listed, documents, secret, kind="Secret"), profile("p", "c", kind="Secret"))
        for name in ("in-list", "in-list-2", "first", "second"):
            await w.shows("a", "v1", "ConfigMap", f"default/{name}")
        live = await w.shows("a", "v1", "Secret", "default/cred")
        assert base64.b64decode(live["data"]["password"]).decode() == "pässwörd"


async def test_objects_without_a_namespace_with_their_namespace_and_with_dots_and_umlauts(world: Any) -> None:
    texts = [
        yaml.safe_dump(add("v1", "ConfigMap", "a.b.c", "", data={"k": "größe – 日本 🚀"}), allow_unicode=True),
        yaml.safe_dump(config_map("inside", "fresh")),
        yaml.safe_dump(add("v1", "Namespace", "fresh", "")),
        yaml.safe_dump(config_map("unmade", "not-declared")),
    ]
    async with world(a=SOURCE) as w:
        await put(w, content("c", *texts), profile("p", "c"))
        live = await w.shows("a", "v1", "ConfigMap", "default/a.b.c")
        assert live["data"]["k"] == "größe – 日本 🚀"
        await w.shows("a", "v1", "ConfigMap", "fresh/inside")
        await w.shows("a", "v1", "ConfigMap", "not-declared/unmade")
        await w.settled()
        await w.delete("ClusterProfile.config.projectsveltos.io//p")
        await w.lacks("a", "v1", "ConfigMap", "fresh/inside")


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}\n"


async def test_custom_resources_of_a_definition_that_another_profile_brings_follow_it(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await put(w, content("c", WIDGET), profile("p", "c"))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        await put(w, content("d", CRD), profile("q", "d"))
        await w.shows("a", "example.com/v1", "Widget", "default/w")
        await w.settled()
        await w.delete("ClusterProfile.config.projectsveltos.io//q")
        await w.lacks("a", "apiextensions.k8s.io/v1", "CustomResourceDefinition", "/widgets.example.com")
        await w.delete("ClusterProfile.config.projectsveltos.io//p")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons", {"n": 0})


async def test_a_definition_and_its_resource_in_one_add_on_arrive_together(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await put(w, content("c", CRD + "---" + "\n" + WIDGET), profile("p", "c"))
        await w.shows("a", "example.com/v1", "Widget", "default/w")
        await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})


async def test_when_the_first_of_two_profiles_that_want_an_object_goes_the_second_takes_over(world: Any) -> None:
    async with world(a=SOURCE) as w:
        for name in ("first", "second"):
            await put(w, content(name, yaml.safe_dump(config_map("shared", data={"by": name}))), profile(name, name))
            if name == "first":
                await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})
        row = await w.until_row("SELECT * FROM fleet_addons WHERE profile = 'ClusterProfile/second'", {"state": "conflict"})
        assert "ClusterProfile first" in row["reason"]
        await w.delete("ClusterProfile.config.projectsveltos.io//first")
        await w.shows("a", "v1", "ConfigMap", "default/shared", lambda live: live["data"] == {"by": "second"})
        await w.until_row("SELECT * FROM fleet_addons WHERE profile = 'ClusterProfile/second'", {"state": "deployed"})


async def test_a_lower_tier_takes_an_object_and_gives_it_back_when_it_goes(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await put(w, content("base", yaml.safe_dump(config_map("shared", data={"by": "base"}))), profile("base", "base"))
        await w.shows("a", "v1", "ConfigMap", "default/shared")
        await w.settled()
        await put(w, content("top", yaml.safe_dump(config_map("shared", data={"by": "top"}))), profile("top", "top", tier=50))
        await w.shows("a", "v1", "ConfigMap", "default/shared", lambda live: live["data"] == {"by": "top"})
        await w.until_row("SELECT * FROM fleet_addons WHERE profile = 'ClusterProfile/base'", {"state": "conflict"})
        await w.delete("ClusterProfile.config.projectsveltos.io//top")
        await w.shows("a", "v1", "ConfigMap", "default/shared", lambda live: live["data"] == {"by": "base"})


async def test_the_same_object_twice_in_one_profile_settles(world: Any) -> None:
    async with world(a=SOURCE) as w:
        await put(
            w,
            content("x", yaml.safe_dump(config_map("shared", data={"by": "x"}))),
            content("z", yaml.safe_dump(config_map("shared", data={"by": "z"}))),
        )
        await put(w, profile("p", "x", "z", syncMode="ContinuousWithDriftDetection"))
        await w.shows("a", "v1", "ConfigMap", "default/shared", lambda live: live["data"] == {"by": "x"})
        await w.settled()
        before = w.writes("a")
        await w["a"].create(config_map("fence", labels={"in": "1"}))
        await put(w, content("o", yaml.safe_dump(config_map("other"))), profile("q", "o"))
        await w.shows("a", "v1", "ConfigMap", "default/other")
        assert w.writes("a") == before + 1


async def test_an_immutable_field_is_told_and_a_change_back_is_deployed(world: Any) -> None:
    def service(ip: str) -> str:
        return yaml.safe_dump(add("v1", "Service", "svc", spec={"clusterIP": ip, "ports": [{"port": 80}]}))

    async with world(a=SOURCE) as w:
        await put(w, content("c", service("10.96.0.50")), profile("p", "c"))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})
        await put(w, content("c", service("10.96.0.51")))
        row = await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        assert "clusterIP" in row["reason"]
        await put(w, content("c", service("10.96.0.50")))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "deployed"})


async def test_profiles_of_a_namespace_reach_only_clusters_of_it_and_cluster_refs_one(world: Any) -> None:
    text = yaml.safe_dump(config_map("tenant"))
    async with world(a=SOURCE, b=SOURCE) as w:
        await put(w, content("c", text), profile("p", "c", namespace="default"))
        await w.shows("a", "v1", "ConfigMap", "default/tenant")
        reference = {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "SveltosCluster", "namespace": "default", "name": "b"}
        await put(w, content("d", yaml.safe_dump(config_map("named"))), profile("q", "d", clusterSelector={}, clusterRefs=[reference]))
        await w.shows("b", "v1", "ConfigMap", "default/named")
        assert await w["a"].get("v1", "ConfigMap", "default", "named") is None
        await w.declare_unchecked(profile("r", "c", namespace="elsewhere"))
        await w.settled()
        assert not await w.rows("SELECT * FROM fleet_addons WHERE profile = 'Profile/elsewhere/r'")


async def test_a_cluster_api_cluster_that_appears_is_in_the_inventory_and_is_given_its_profiles(world: Any) -> None:
    async with world(a={}, register=False) as w:
        await put(w, content("c", yaml.safe_dump(config_map("x"))), profile("p", "c"))
        kubeconfig = base64.b64encode(yaml.safe_dump(w["a"].kubeconfig()).encode()).decode()
        cluster = add("cluster.x-k8s.io/v1beta2", "Cluster", "prod", "default", labels={"role": "source"}, spec={})
        await w.declare(yaml.safe_dump(cluster))
        row = await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'prod'", {"kind": "Cluster"})
        assert "prod-kubeconfig" in str(row) or (
            await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'prod'", {"connection": "unreachable"})
        )
        await w.declare(yaml.safe_dump(add("v1", "Secret", "prod-kubeconfig", "default", data={"value": kubeconfig})))
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'prod'", {"connection": "ready"})
        await w.shows("a", "v1", "ConfigMap", "default/x")


async def test_a_destination_cluster_is_named_by_a_template(world: Any) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'from-{{ .Resource.metadata.name }}', namespace: default}\ndata: {k: v}\n"
    destination = {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "SveltosCluster",
        "namespace": "default",
        "name": "{{ .Resource.data.to }}",
    }
    async with world(a=SOURCE, b={}) as w:
        await w["a"].create(config_map("one", data={"to": "b"}, labels={"in": "1"}))
        await put(w, source("s", {"labelFilters": [{"key": "in", "operation": "Has"}]}), content("c", text, instantiate="ok"))
        await put(w, trigger("t", "s", "c", oneForEvent=True, destinationCluster=destination))
        await w.shows("b", "v1", "ConfigMap", "default/from-one")
        await w.settled()
        await w["a"].delete("v1", "ConfigMap", "default", "one")
        await w.lacks("b", "v1", "ConfigMap", "default/from-one")


async def test_a_config_map_of_900_kilobytes_goes_through_and_changes(world: Any) -> None:
    async with world(a=SOURCE) as w:
        for letter in "xy":
            await put(w, content("c", yaml.safe_dump(config_map("big", data={"k": letter * 900_000}))), profile("p", "c"))
            await w.shows("a", "v1", "ConfigMap", "default/big", lambda live, letter=letter: live["data"]["k"][0] == letter)


async def test_five_hundred_matching_objects_in_one_source_make_one_report(world: Any) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: count, namespace: default}\ndata: {number: '{{ len .MatchingResources }}'}\n"
    async with world(a=SOURCE) as w:
        for number in range(500):
            await w["a"].create(config_map(f"m{number:03}", labels={"in": "1"}))
        await put(
            w,
            source("s", {"labelFilters": [{"key": "in", "operation": "Has"}]}),
            content("c", text, instantiate="ok"),
            trigger("t", "s", "c"),
        )
        await w.shows("a", "v1", "ConfigMap", "default/count", lambda live: live["data"]["number"] == "500")
        await w["a"].delete("v1", "ConfigMap", "default", "m007")
        await w.shows("a", "v1", "ConfigMap", "default/count", lambda live: live["data"]["number"] == "499")


async def test_local_content_is_put_on_no_matching_cluster(world: Any) -> None:
    refs = [{"kind": "ConfigMap", "namespace": "default", "name": "c", "deploymentType": "Local"}]
    async with world(a=SOURCE) as w:
        await put(w, content("c", yaml.safe_dump(config_map("local"))), profile("p", policyRefs=refs))
        row = await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        assert "Local" in row["reason"]
        assert await w["a"].get("v1", "ConfigMap", "default", "local") is None
