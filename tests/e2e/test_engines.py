"""Jinja2, Jsonnet, structured templates and Lua that yields resources, from what is declared to what stands on clusters."""

from __future__ import annotations

from typing import Any

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: shop%s}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  policyRefs: [%s]
  %s
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: %s
  namespace: default
  annotations: {%s}
data:
  a.yaml: |
%s
"""
JINJA, STRUCTURED, TEMPLATE = "fleetd.io/template-engine: jinja2", "fleetd.io/template-form: structured", "projectsveltos.io/template: ok"
ADDONS = "SELECT addon, state, reason FROM fleet_addons"


def profile(*contents: str, more: str = "", annotations: str = "") -> str:
    refs = ", ".join(f"{{kind: ConfigMap, namespace: default, name: {name}}}" for name in contents)
    return PROFILE % (f", annotations: {{{annotations}}}" if annotations else "", refs, more)


def content(name: str, text: str, *annotations: str) -> str:
    return "---" + CONTENT % (name, ", ".join(annotations), "\n".join(f"    {line}" for line in text.strip().splitlines()))


def made(name: str, data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: default}}\n{data}"


async def test_jinja2_renders_for_each_cluster_and_an_edit_reaches_them(world: Any) -> None:
    text = made(
        "out", "data:\n  {% for key, value in Cluster.metadata.labels.items() %}\n  l-{{ key }}: {{ value | upper }}MORE\n  {% endfor %}"
    )
    async with world(a={"tier": "gold", "region": "eu"}, b={"tier": "gold", "region": "us"}) as w:
        await w.declare(profile("shop") + content("shop", text.replace("MORE", ""), JINJA, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"] == {"l-tier": "GOLD", "l-region": "EU"})
        await w.shows("b", "v1", "ConfigMap", "default/out", lambda live: live["data"]["l-region"] == "US")
        await w.declare(content("shop", text.replace("MORE", "-2"), JINJA, TEMPLATE))
        await w.shows("b", "v1", "ConfigMap", "default/out", lambda live: live["data"]["l-region"] == "US-2")
        await w.relabel("a", region="ap")
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"]["l-region"] == "AP-2")


async def test_what_is_wrong_is_one_sentence_on_its_row_and_the_others_go_on(world: Any) -> None:
    hostile = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    async with world(a={"tier": "gold"}) as w:
        texts = {
            "fine": made("out", "data: {a: '{{ ClusterName }}'}"),
            "missing": made("out2", "data: {a: '{{ Cluster.metadata.lables.tier }}'}"),
            "syntax": made("out3", "data: {a: '{% if %}'}"),
            "unknown": made("out4", "data: {a: '{{ ClusterName | uper }}'}"),
            "endless": made("out5", f"data: {{a: '{hostile}'}}"),
        }
        await w.declare_unchecked(profile(*texts) + "".join(content(name, text, JINJA, TEMPLATE) for name, text in texts.items()))
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"] == {"a": "a"})

        async def told() -> dict[str, str]:
            rows = await w.rows(ADDONS)
            reasons = {row["addon"].rpartition("/")[2]: row["reason"] for row in rows if row["state"] == "failed"}
            return reasons if len(reasons) == 4 else {}

        reasons = await w.until(told, "four sentences")
        place = "ConfigMap default/%s, data[a.yaml] line 4: "
        assert reasons["missing"].startswith(place % "missing" + 'there is no key "lables"; the keys there are ')
        assert reasons["missing"].endswith("did you mean labels?")
        assert reasons["syntax"] == place % "syntax" + "Expected an expression, got 'end of statement block'"
        assert reasons["unknown"] == place % "unknown" + "there is no filter uper; did you mean upper?"
        assert reasons["endless"] == "ConfigMap default/endless, data[a.yaml]: it ran longer than 1000 ms"
        await w.declare(content("missing", made("out2", "data: {a: '{{ Cluster.metadata.labels.tier }}'}"), JINJA, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out2", lambda live: live["data"] == {"a": "gold"})


async def test_a_broken_edit_leaves_what_stood_before(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(profile("shop") + content("shop", made("out", "data: {a: '{{ ClusterName }}'}"), JINJA, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out")
        await w.declare(content("shop", made("out", "data: {a: '{{ Nope }}'}"), JINJA, TEMPLATE))
        await w.until_row(ADDONS, {"state": "failed"})
        assert (await w["a"].get("v1", "ConfigMap", "default", "out"))["data"] == {"a": "a"}


async def test_an_event_is_rendered_by_jinja2_and_by_a_structured_template(world: Any) -> None:
    structured = made("{{ Resource.metadata.name }}-s", "data: {from: '{{ Resource.data.a }}', two: '{{ ClusterName }}'}")
    structured = structured.replace("{name: {{ Resource.metadata.name }}-s", "{name: '{{ Resource.metadata.name }}-s'")
    async with world(a={"tier": "gold"}) as w:
        await w.declare(
            """
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: marked}
            spec:
              collectResources: true
              resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: mark, operation: Has}]}]
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: shop, annotations: {fleetd.io/template-engine: jinja2}}
            spec:
              sourceClusterSelector: {matchLabels: {tier: gold}}
              eventSourceName: marked
              oneForEvent: true
              policyRefs:
                - {kind: ConfigMap, namespace: default, name: "{{ Resource.data.use }}"}
                - {kind: ConfigMap, namespace: default, name: structured}
            """
        )
        text = made("{{ MatchingResource.Name }}-t", "data: {a: {{ Resource.data.a | quote }}}")
        await w.declare(content("text", text, "projectsveltos.io/instantiate: ok"))
        await w.declare(content("structured", structured, "projectsveltos.io/instantiate: ok", STRUCTURED))
        value = 'x"\n---\nkind: Secret #{{ ClusterName }}'
        metadata = {"name": "one", "namespace": "default", "labels": {"mark": "x"}}
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value, "use": "text"}})
        await w.shows("a", "v1", "ConfigMap", "default/one-s", lambda live: live["data"] == {"from": value, "two": "a"})
        await w.shows("a", "v1", "ConfigMap", "default/one-t", lambda live: live["data"] == {"a": value})
        await w.until_row("SELECT state, reason FROM fleet_trigger_matches", {"state": "acted", "reason": ""})
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"a": "new"}}, manager="x")
        await w.shows("a", "v1", "ConfigMap", "default/one-t", lambda live: live["data"] == {"a": "new"})
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"use": "nope"}}, manager="x")
        row = await w.until_row("SELECT state, reason FROM fleet_trigger_matches WHERE superseded_at IS NULL", {"state": "failed"})
        assert row["reason"] == "spec.policyRefs[0]: ConfigMap default/nope does not exist"


async def test_structured_go_templates_keep_types_and_repeat(world: Any) -> None:
    text = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  ports:
    - '{{ range $name, $port := .Cluster.metadata.annotations | fromPorts }}': x
""".replace(
        "'{{ range $name, $port := .Cluster.metadata.annotations | fromPorts }}': x",
        "'{{ range $i, $port := list 80 443 }}': {name: 'p{{ $i }}-{{ $.ClusterName }}', port: '{{ $port }}'}",
    )
    async with world(a={"tier": "gold"}) as w:
        await w.declare(profile("shop") + content("shop", text, STRUCTURED, TEMPLATE))
        live = await w.shows("a", "v1", "Service", "default/web")
        assert [(port["name"], port["port"]) for port in live["spec"]["ports"]] == [("p0-a", 80), ("p1-a", 443)]


async def test_jsonnet_yields_objects(world: Any) -> None:
    text = """
local named(name) = {
  apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: name, namespace: 'default'},
  data: {cluster: std.extVar('ClusterName')},
};
[named('one'), named('two')]
"""
    async with world(a={"tier": "gold"}) as w:
        await w.declare(profile("shop") + content("shop", text, "fleetd.io/template-engine: jsonnet", TEMPLATE))
        for name in ("one", "two"):
            await w.shows("a", "v1", "ConfigMap", f"default/{name}", lambda live: live["data"] == {"cluster": "a"})
        await w.declare(content("shop", "{a: std.extVar('Clusters')}", "fleetd.io/template-engine: jsonnet", TEMPLATE))
        row = await w.until_row(ADDONS, {"state": "failed"})
        assert 'there is no external variable "Clusters"; there are Cluster' in row["reason"]


async def test_lua_yields_resources_of_what_the_profile_reads(world: Any) -> None:
    script = """
function evaluate()
  local prices = resources["prices"]
  local head = "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: out, namespace: default}\\n"
  return {resources = head .. "data: {price: '" .. prices.data.price .. "'}"}
end
"""
    reads = "templateResourceRefs: [{identifier: prices, resource: {apiVersion: v1, kind: ConfigMap, namespace: default, name: prices}}]"
    prices = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: prices, namespace: default}\ndata: {price: '%s'}\n"
    async with world(a={"tier": "gold"}) as w:
        await w.declare(profile("shop", more=reads) + content("shop", script, "projectsveltos.io/lua: ok") + prices % 10)
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"] == {"price": "10"})
        await w.declare(prices % 12)
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"] == {"price": "12"})
        await w.declare(content("shop", "function evaluate()\n  return {resources = 5}\nend", "projectsveltos.io/lua: ok"))
        row = await w.until_row(ADDONS, {"state": "failed"})
        assert row["reason"].startswith("ConfigMap default/shop, data[a.yaml]: ")


async def test_the_profiles_annotation_counts_for_its_contents_and_names(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        text = made("out", "data: {a: '{{ ClusterName }}'}")
        await w.declare(profile("'shop-{{ ClusterName }}'", annotations=JINJA) + content("shop-a", text, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out", lambda live: live["data"] == {"a": "a"})


async def test_an_annotation_that_names_no_engine_is_told_with_the_nearest(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare_unchecked(profile("shop") + content("shop", made("out", "data: {}"), "fleetd.io/template-engine: jinja", TEMPLATE))
        row = await w.until_row(ADDONS + " WHERE reason LIKE 'fleetd%'", {"state": "failed"})
        assert row["reason"] == 'fleetd.io/template-engine is "jinja" and may be go, jinja2, jsonnet; did you mean jinja2?'


async def test_after_a_restart_nothing_is_written_and_no_row_changes(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(profile("shop") + content("shop", made("out", "data: {a: '{{ ClusterName }}'}"), JINJA, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out")
        await w.settled()
        before = await w.rows("SELECT state, wanted_digest, reason FROM fleet_addons")
        await w.stop()
        w["a"].requests.clear()
        await w.start()
        await w.declare(profile("shop", "more") + content("more", made("out2", "data: {a: '{{ ClusterName }}'}"), JINJA, TEMPLATE))
        await w.shows("a", "v1", "ConfigMap", "default/out2")
        await w.settled()
        assert w.writes("a") == 1, "only the new one"
        after = await w.rows("SELECT state, wanted_digest, reason FROM fleet_addons WHERE addon = :addon", addon="ConfigMap/default/shop")
        assert after == before
