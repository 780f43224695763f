"""Wrong input and clusters in trouble: one clear sentence on the row, everything else goes on, mended when the cause is."""

from __future__ import annotations

from typing import Any

from fleetd.sim.faults import Fault, FaultKind

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: %(name)s}
spec:
  clusterSelector: {matchLabels: {tier: gold}}
  policyRefs:
    - {kind: ConfigMap, namespace: default, name: %(name)s}
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: %(name)s, namespace: default, annotations: {%(annotations)s}}
data:
  a.yaml: |
%(text)s
"""
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: default}\ndata: {key: value}\n"


async def deploy(w: Any, name: str, text: str, annotations: str = "") -> None:
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    await w.declare(CONTENT % {"name": name, "text": indented, "annotations": annotations})
    await w.declare(PROFILE % {"name": name})


async def addon(w: Any, name: str, state: str) -> dict[str, Any]:
    query = "SELECT * FROM fleet_addons WHERE profile = :profile"
    row: dict[str, Any] = await w.until_row(query, {"state": state}, profile=f"ClusterProfile/{name}")
    return row


async def mended(w: Any, name: str) -> None:
    await deploy(w, name, GOOD % name)
    await w.shows("a", "v1", "ConfigMap", f"default/{name}")
    await addon(w, name, "deployed")


async def test_wrong_yaml_in_a_policy_is_told_with_its_place_and_deploys_once_it_is_mended(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "bad", "apiVersion: v1\nkind: [ConfigMap\n")
        row = await addon(w, "bad", "failed")
        assert "default/bad" in row["reason"]
        assert "a.yaml" in row["reason"]
        await deploy(w, "good", GOOD % "good")
        await w.shows("a", "v1", "ConfigMap", "default/good")
        await mended(w, "bad")


async def test_a_template_that_reads_what_is_not_there_is_told_and_what_stood_stays(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await mended(w, "t")
        await deploy(w, "t", GOOD.replace("value", '"{{ .Cluster.metadata.nothing }}"') % "t", "projectsveltos.io/template: ok")
        row = await addon(w, "t", "failed")
        assert "nothing" in row["reason"]
        assert await w["a"].get("v1", "ConfigMap", "default", "t") is not None
        await mended(w, "t")


async def test_a_missing_config_map_is_named_and_deployed_when_it_comes(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await w.declare(PROFILE % {"name": "missing"})
        row = await addon(w, "missing", "failed")
        assert row["reason"] == "ConfigMap default/missing does not exist"
        await mended(w, "missing")


async def test_a_kind_that_the_cluster_does_not_have_is_named(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(w, "kind", "apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: x}\n")
        row = await addon(w, "kind", "failed")
        assert "Nothing" in row["reason"]
        await mended(w, "kind")


async def test_what_the_api_server_refuses_is_told_in_its_words(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        await deploy(
            w, "refused", "apiVersion: v1\nkind: Service\nmetadata: {name: UPPER, namespace: default}\nspec: {ports: [{port: 80}]}\n"
        )
        row = await addon(w, "refused", "failed")
        assert "Service/default/UPPER" in row["reason"]
        await mended(w, "refused")


async def test_wrong_cel_is_told_on_the_source_and_what_it_reported_stays(world: Any) -> None:
    source = """
        apiVersion: lib.projectsveltos.io/v1beta1
        kind: EventSource
        metadata: {name: s}
        spec:
          resourceSelectors:
            - group: ""
              version: v1
              kind: ConfigMap
              evaluateCEL: [{name: r, rule: "%s"}]
    """
    async with world(a={"inventory": "true"}) as w:
        await w.declare(source % "has(resource.data.mark)")
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventTrigger
            metadata: {name: t}
            spec: {sourceClusterSelector: {matchLabels: {inventory: 'true'}}, eventSourceName: s}
        """)
        await w["a"].create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default"}, "data": {"mark": "x"}}
        )
        await w.until_row("SELECT * FROM fleet_events", {"matching_count": 1})
        await w.declare_unchecked(source % "has(resource.data.mark) &&")
        row = await w.until_row("SELECT * FROM fleet_event_sources", {"state": "failed"})
        assert "rule 'r'" in row["reason"]
        await w.declare(source % "has(resource.data.mark) && size(resource.data) == 1")
        await w.until_row("SELECT * FROM fleet_event_sources", {"state": "ready"})
        await w["a"].create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "default"}, "data": {"mark": "x"}}
        )
        await w.until_row("SELECT * FROM fleet_events", {"matching_count": 2})
        assert not await w.rows("SELECT * FROM fleet_event_objects WHERE change = 'removed'")


async def test_an_unreachable_cluster_says_why_and_since_when_and_catches_up(world: Any) -> None:
    async with world(a={"tier": "gold"}, b={"tier": "gold"}) as w:
        await mended(w, "one")
        await w.shows("b", "v1", "ConfigMap", "default/one")
        w["b"].inject(Fault(FaultKind.REFUSE))
        row = await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'b'", {"connection": "unreachable"})
        assert (row["ready"], row["met"]) == (False, True), "it cannot be worked with now, and was once"
        await deploy(w, "two", GOOD % "two")
        await w.shows("a", "v1", "ConfigMap", "default/two")
        waiting = await w.until_row(
            "SELECT * FROM fleet_addons WHERE cluster = 'default/b' AND profile = 'ClusterProfile/two'", {"state": "waiting"}
        )
        assert waiting["reason"]
        w["b"].heal()
        await w.shows("b", "v1", "ConfigMap", "default/two")
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'b'", {"connection": "ready"})


async def test_a_hanging_or_slow_cluster_is_not_noticed_by_the_others(world: Any) -> None:
    async with world(a={"tier": "gold"}, b={"tier": "gold"}, c={"tier": "gold"}) as w:
        await mended(w, "one")
        w["b"].inject(Fault(FaultKind.HANG))
        w["c"].inject(Fault(FaultKind.DELAY, seconds=1.0))
        for name in ("two", "three", "four"):
            await mended(w, name)
        w["b"].heal()
        w["c"].heal()


async def test_an_expired_token_is_told_without_the_token(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        token = w["a"].kubeconfig()["users"][0]["user"]["token"]
        w["a"].revoke(token)
        w["a"].inject(Fault(FaultKind.CUT))
        w["a"].heal()
        query = "SELECT * FROM fleet_cluster_history WHERE cluster = 'default/a'"

        async def told() -> bool:
            return any("401" in row["reason"] or "nauthorized" in row["reason"] for row in await w.rows(query))

        await w.until(told, "the refusal to be told")
        assert token not in str(await w.rows(query))


async def test_another_cluster_behind_the_same_address_is_not_written_to(world: Any) -> None:
    async with world(a={"tier": "gold"}, b={"tier": "iron"}) as w:
        await w.stop()
        secret = await w.database.declared.get(_ref("Secret/default/a-sveltos-kubeconfig"))
        other = await w.database.declared.get(_ref("Secret/default/b-sveltos-kubeconfig"))
        await w.database.declared.put({**secret.manifest, "data": other.manifest["data"]}, expected=secret.resource_version)
        await deploy(w, "one", GOOD % "one")
        await w.start()
        row = await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "unreachable"})
        history = await w.rows("SELECT reason FROM fleet_cluster_history WHERE cluster = 'default/a'")
        assert any("another cluster answers" in item["reason"] for item in history), row
        assert await w["b"].get("v1", "ConfigMap", "default", "one") is None


def _ref(text: str) -> Any:
    from fleetd.domain.refs import ObjectRef

    return ObjectRef.parse(text)


async def test_an_object_that_another_owner_holds_is_a_conflict_until_somebody_says_adopt(world: Any) -> None:
    helm = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"}
    async with world(a={"tier": "gold"}) as w:
        await w["a"].create(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "held", "namespace": "default", "annotations": helm},
                "data": {"key": "theirs"},
            }
        )
        await deploy(w, "held", GOOD % "held")
        row = await addon(w, "held", "conflict")
        assert "Helm release web/shop" in row["reason"]
        assert "fleetd adopt ConfigMap/default/held@default/a" in row["reason"]
        assert (await w["a"].get("v1", "ConfigMap", "default", "held"))["data"] == {"key": "theirs"}
        await w.ask("adopt", "ConfigMap/default/held@default/a")
        await w.shows("a", "v1", "ConfigMap", "default/held", lambda live: live["data"] == {"key": "value"})
        await addon(w, "held", "deployed")


async def test_a_field_that_another_manager_holds_is_a_conflict_that_names_it(world: Any) -> None:
    async with world(a={"tier": "gold"}) as w:
        held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "namespace": "default"}, "data": {"key": "theirs"}}
        await w["a"].apply(held, manager="argocd")
        await deploy(w, "held", GOOD % "held")
        row = await addon(w, "held", "conflict")
        assert "argocd" in row["reason"]
        assert ".data.key" in row["reason"]


async def test_observe_plans_and_records_and_writes_nowhere(world: Any) -> None:
    async with world(a={"tier": "gold"}, observe=True) as w:
        await deploy(w, "one", GOOD % "one")
        row = await addon(w, "one", "waiting")
        assert "observing only" in row["reason"]
        await w.until_row("SELECT * FROM fleet_journal WHERE subject_ref = 'ConfigMap/default/one'", {"decision": "would create"})
        assert await w["a"].get("v1", "ConfigMap", "default", "one") is None


async def test_a_loss_that_is_too_large_halts_until_a_person_says_so(world: Any) -> None:
    labels = {"role": "source"}
    async with world(a=labels) as w:
        for number in range(15):
            metadata = {"name": f"m{number:02}", "namespace": "default", "labels": {"mark": "yes"}}
            await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": "1"}})
        await w.declare(SOURCE % "yes")
        await w.declare(TRIGGER)
        for number in range(15):
            await w.shows("a", "v1", "ConfigMap", f"default/made-m{number:02}")
        await w.declare(SOURCE % "typo")
        held = await w.until_row("SELECT * FROM fleet_proposals", {"state": "waiting"})
        assert "15 of 15" in str(held)
        assert await w["a"].get("v1", "ConfigMap", "default", "made-m00") is not None
        await w.ask("approve", held["id"])
        for number in range(15):
            await w.lacks("a", "v1", "ConfigMap", f"default/made-m{number:02}")


async def test_what_a_relist_misses_is_read_again_before_anything_follows(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w.declare(SOURCE % "yes")
        await w.declare(TRIGGER)
        metadata = {"name": "one", "namespace": "default", "labels": {"mark": "yes"}}
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": "1"}})
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        await w.settled()
        await w.stop()
        await w["a"].delete("v1", "ConfigMap", "default", "one")
        await w.start()
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")
        assert any(row["decision"] == "doubt" for row in await w.rows("SELECT decision FROM fleet_journal WHERE stage = 'observe'"))


SOURCE = """
    apiVersion: lib.projectsveltos.io/v1beta1
    kind: EventSource
    metadata: {name: marked}
    spec:
      collectResources: true
      resourceSelectors:
        - {group: "", version: v1, kind: ConfigMap, labelFilters: [{key: mark, operation: Equal, value: '%s'}]}
"""
TRIGGER = """
    apiVersion: lib.projectsveltos.io/v1beta1
    kind: EventTrigger
    metadata: {name: marked}
    spec:
      sourceClusterSelector: {matchLabels: {role: source}}
      eventSourceName: marked
      oneForEvent: true
      policyRefs: [{kind: ConfigMap, namespace: default, name: made}]
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: made, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
    data:
      a.yaml: |
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "made-{{ .Resource.metadata.name }}", namespace: default}
        data: {value: "{{ .Resource.data.value }}"}
"""


async def test_one_failing_trigger_does_not_hold_up_the_others_of_its_source(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w.declare(SOURCE % "yes")
        await w.declare(
            TRIGGER.replace("name: marked}\n    spec:\n      sourceClusterSelector", "name: aaa}\n    spec:\n      sourceClusterSelector")
            .replace(".Resource.data.value", ".Resource.data.none")
            .replace("name: made", "name: wrong")
        )
        await w.declare(TRIGGER)
        metadata = {"name": "one", "namespace": "default", "labels": {"mark": "yes"}}
        await w["a"].create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": "1"}})
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        failed = await w.until_row("SELECT * FROM fleet_trigger_matches WHERE event_trigger = 'aaa'", {"state": "failed"})
        assert "none" in failed["reason"]
