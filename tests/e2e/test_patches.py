"""Patches, resources for templates and drift exclusions, from what is declared to what stands on clusters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleetd.decide.rehearsing.rehearsal import Given, Rehearsal, carry_out
from fleetd.decide.rehearsing.results import results_of
from fleetd.domain.documents import read_documents, with_defaults
from fleetd.domain.fieldset import missing_or_different
from fleetd.domain.mergefacts import facts_of
from fleetd.domain.objects import gvk_of, ref_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOP = ("v1", "ConfigMap", "default/shop")

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: shop}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  policyRefs: [{kind: ConfigMap, namespace: default, name: shop}]
  %s
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: shop, namespace: default%s}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: shop, namespace: default}
    data: {size: "1", colour: red}
    %s
"""


def shop(more: str, *, annotations: str = "", data: str = "") -> str:
    return f"{PROFILE % more}---{CONTENT % (annotations, data)}"


async def test_patches_reach_the_clusters_and_an_edit_of_them_does_too(world: Any) -> None:
    patch = 'patches: [{patch: \'[{"op": "replace", "path": "/data/size", "value": "%s"}]\', target: {kind: ConfigMap, name: ^sh}}]'
    async with world(a={"tier": "gold"}) as w:
        await w.declare(shop(patch % "{{ .ClusterName }}-2"))
        await w.shows("a", *SHOP, lambda live: live["data"] == {"size": "a-2", "colour": "red"})
        await w.declare(shop(patch % "3"))
        await w.shows("a", *SHOP, lambda live: live["data"]["size"] == "3")


async def test_a_patch_that_cannot_be_carried_out_is_a_sentence_on_the_row_and_what_stood_stays(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(shop(""))
        await w.shows("a", *SHOP)
        await w.declare(shop('patches: [{patch: "- {op: test, path: /data/colour, value: blue}"}]'))
        row = await w.until_row("SELECT state, reason FROM fleet_addons", {"state": "failed"})
        assert row["reason"] == (
            'spec.patches[0] on ConfigMap/default/shop: operation 1 (test /data/colour) failed: "red" is there, not "blue"'
        )
        assert await w["a"].get("v1", "ConfigMap", "default", "shop")


async def test_a_patch_that_is_for_nothing_is_said_on_the_row_and_in_the_journal(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(shop('patches: [{patch: "- {op: remove, path: /data/size}", target: {kind: Deployment}}]'))
        await w.shows("a", *SHOP, lambda live: live["data"]["size"] == "1")
        note = "spec.patches[0] is for none of the objects"
        await w.until_row("SELECT state, reason FROM fleet_addons", {"state": "deployed", "reason": note})
        assert await w.rows("SELECT 1 AS one FROM fleet_journal WHERE reason LIKE :text", text=f"%{note}")


async def test_an_event_fills_in_the_references_to_patches_and_to_what_templates_read(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: marked}
            spec:
              collectResources: true
              resourceSelectors: [{group: "", version: v1, kind: ConfigMap, labelFilters: [{key: mark, operation: Has}]}]
            ---
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: shop}
            spec:
              sourceClusterSelector: {matchLabels: {tier: gold}}
              eventSourceName: marked
              oneForEvent: true
              templateResourceRefs:
                - identifier: prices
                  resource: {apiVersion: v1, kind: ConfigMap, namespace: default, name: "prices-{{ .Resource.data.region }}"}
              patchesFrom: [{kind: ConfigMap, namespace: default, name: "patch-{{ .Resource.data.region }}"}]
              policyRefs: [{kind: ConfigMap, namespace: default, name: shop}]
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: prices-eu, namespace: default}
            data: {price: "10"}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: patch-eu, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
            data:
              a.yaml: |
                patch: |
                  - {op: add, path: /data/seen, value: "{{ .Resource.metadata.name }}"}
                target: {kind: ConfigMap}
        """)
        await w.declare("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: shop, namespace: default, annotations: {projectsveltos.io/template: ok}}
            data:
              a.yaml: |
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: shop, namespace: default}
                data: {price: "{{ .MgmtResources.prices.data.price }}", same: '{{ (getResource "prices").data.price }}'}
        """)
        seen = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default", "labels": {"mark": "yes"}}}
        await w["a"].apply({**seen, "data": {"region": "eu"}})
        await w.shows("a", *SHOP, lambda live: live["data"] == {"price": "10", "same": "10", "seen": "m"})
        await w.declare("""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: prices-eu, namespace: default}
            data: {price: "11"}
        """)
        await w.shows("a", *SHOP, lambda live: live["data"]["price"] == "11")
        await w.delete("ConfigMap/default/prices-eu")
        row = await w.until_row("SELECT state, reason FROM fleet_addons", {"state": "failed"})
        missing = "ConfigMap default/prices-eu, which templates read as prices, does not exist"
        assert row["reason"] == f"spec.templateResourceRefs[0]: {missing}"
        told = await w.rows("SELECT reason FROM fleet_journal WHERE stage = 'instantiate' AND subject_ref LIKE 'ConfigMap/%'")
        assert any("from ConfigMap default/patch-eu data[a.yaml], revision " in row["reason"] for row in told)


async def test_an_excluded_path_is_anybodys_and_the_rest_of_the_object_is_put_back(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        exclusions = "syncMode: ContinuousWithDriftDetection\n  driftExclusions: [{paths: [/data/size], target: {kind: ConfigMap}}]"
        await w.declare(shop(exclusions))
        await w.shows("a", *SHOP, lambda live: live["data"]["size"] == "1")
        await w.settled()
        await w["a"].patch(*SHOP[:2], "default", "shop", {"data": {"size": "9"}}, manager="scaler")
        await w["a"].patch(*SHOP[:2], "default", "shop", {"data": {"colour": "blue"}}, manager="somebody")
        await w.shows("a", *SHOP, lambda live: live["data"] == {"size": "9", "colour": "red"})
        await w.settled()
        fields = await w.rows("SELECT field_path FROM fleet_drift_fields")
        assert [row["field_path"] for row in fields] == [".data.colour"]
        await w.declare(CONTENT.replace("red", "green") % ("", ""))
        await w.shows("a", *SHOP, lambda live: live["data"] == {"size": "9", "colour": "green"})


async def test_an_excluded_path_that_nobody_took_stands_as_it_was_given(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(shop("syncMode: ContinuousWithDriftDetection\n  driftExclusions: [{paths: [/data/size]}]"))
        await w.shows("a", *SHOP, lambda live: live["data"]["size"] == "1")
        await w.declare(CONTENT.replace("red", "green") % ("", ""))
        await w.shows("a", *SHOP, lambda live: live["data"] == {"size": "1", "colour": "green"})


async def test_a_template_that_makes_no_documents_takes_away_what_was_there(world: Any) -> None:
    async with world(a={"tier": "gold", "shop": "open"}) as w:
        note = ", annotations: {projectsveltos.io/template: ok}"
        text = CONTENT % (note, "")
        text = (
            text.replace("a.yaml: |\n", 'a.yaml: |\n    {{ if eq .Cluster.metadata.labels.shop "open" }}\n').rstrip() + "\n    {{ end }}\n"
        )
        await w.declare(f"{PROFILE % ''}---{text}")
        await w.shows("a", *SHOP)
        await w.relabel("a", shop="closed")
        await w.lacks("a", *SHOP)
        await w.until_row("SELECT state FROM fleet_addons", {"state": "deployed"})


async def test_what_a_rehearsal_says_is_what_the_daemon_puts_on_the_clusters(world: Any) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "labels": {"fleet.example.com/export": "true"}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]},
    }
    async with world(east={"role": "services"}, north={"role": "apps"}) as w:
        await w.example("service-discovery")
        await w["east"].apply(service)
        live = await w.shows("north", "v1", "Service", "default/web")
        seen = await w["east"].get("v1", "Service", "default", "web")
        text = [path.read_text(encoding="utf-8") for path in sorted((EXAMPLES / "service-discovery").glob("*.yaml"))]
        declared = [with_defaults(item.manifest) for one in text for item in read_documents(one, source="a.yaml")]
        members = [member(name, **w[name].spec.labels) for name in ("east", "north")]
        rehearsal = Rehearsal(datetime.now(UTC))
        carry_out(rehearsal.play(Given([*declared, *members], [("default/east", seen)])), lambda ask: [])
        (result,) = results_of(rehearsal.plane, rehearsal.now)
        assert result.destinations == ("default/north",)
        assert [item["profile"] for item in await w.rows("SELECT profile FROM fleet_addons")] == [result.profile]
        made = {ref_of(item.manifest): item.manifest for item in result.made}
        assert missing_or_different(made[ref_of(live)], live, facts_of(gvk_of(live))) == []
        await w.settled()
        objects = await w.rows("SELECT object_ref FROM fleet_objects WHERE cluster = 'default/north'")
        assert {row["object_ref"] for row in objects} == {str(ref) for ref in made}


def member(name: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"apiVersion": "lib.projectsveltos.io/v1beta1", "kind": "SveltosCluster", "metadata": metadata, "spec": {}}
