"""The event pipeline: what happens in a cluster becomes a report, a match, a profile, objects."""

from __future__ import annotations

from typing import Any

SERVICE = {"apiVersion": "v1", "kind": "Service", "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "protocol": "TCP"}]}}

SOURCE = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: marked}
spec:
  collectResources: %(collect)s
  resourceSelectors:
    - group: ""
      version: v1
      kind: ConfigMap
      %(condition)s
"""
TRIGGER = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: marked}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: marked
  oneForEvent: %(one)s
  policyRefs:
    - {kind: ConfigMap, namespace: default, name: made}
"""
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: made
  namespace: default
  annotations: {projectsveltos.io/instantiate: ok}
data:
  made.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: %(name)s
      namespace: default
    data:
      value: %(value)s
"""
LABELLED = "labelFilters: [{key: mark, operation: Equal, value: 'yes'}]"


async def declare(w: Any, *, condition: str = LABELLED, collect: bool = True, one: bool = True, name: str = "", value: str = "") -> None:
    await w.declare(SOURCE % {"condition": condition, "collect": str(collect).lower()})
    await w.declare(TEMPLATE % {"name": name or "made-{{ .MatchingResource.Name }}", "value": value or '"{{ .Resource.data.value }}"'})
    await w.declare(TRIGGER % {"one": str(one).lower()})


def marked(name: str, value: str = "1", mark: str = "yes") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default", "labels": {"mark": mark}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


async def test_e1_an_event_source_reaches_the_clusters_that_triggers_select_and_no_others(world: Any) -> None:
    async with world(a={"role": "source"}, b={"role": "other"}) as w:
        await w["a"].create(marked("one"))
        await w["b"].create(marked("one"))
        await declare(w)
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        assert {row["cluster"] for row in await w.rows("SELECT cluster FROM fleet_verdicts")} == {"default/a"}
        await w.lacks("b", "v1", "ConfigMap", "default/made-one")


async def test_e2_a_source_matches_by_label_filters(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("no", mark="no"))
        await w["a"].create(marked("yes"))
        await declare(w)
        await w.shows("a", "v1", "ConfigMap", "default/made-yes")
        verdict = await w.until_row("SELECT * FROM fleet_verdicts WHERE object_ref = 'ConfigMap/default/no'", {"verdict": "no_match"})
        assert "mark" in verdict["reason"]


async def test_e2_a_source_matches_by_cel(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("small", "1"))
        await w["a"].create(marked("large", "12"))
        await declare(w, condition="evaluateCEL: [{name: large, rule: 'has(resource.data.value) && int(resource.data.value) > 10'}]")
        await w.shows("a", "v1", "ConfigMap", "default/made-large")
        verdict = await w.until_row("SELECT * FROM fleet_verdicts WHERE object_ref = 'ConfigMap/default/large'", {"verdict": "match"})
        assert verdict["deciding_expression"].startswith("evaluateCEL large: ")


async def test_e2_a_rule_asks_about_its_cluster_which_may_be_relabelled(world: Any) -> None:
    async with world(a={"role": "source", "tier": "core"}) as w:
        await w["a"].create(marked("one"))
        await declare(w, condition="evaluateCEL: [{name: edge, rule: \"resource.data.value == '1' && cluster.labels.tier == 'edge'\"}]")
        query = "SELECT verdict, deciding_expression FROM fleet_verdicts WHERE object_ref = 'ConfigMap/default/one'"
        verdict = await w.until_row(query, {"verdict": "no_match"})
        assert verdict["deciding_expression"] == (
            "evaluateCEL edge: cluster.labels.tier == 'edge' is false: cluster.labels.tier = \"core\";"
            " would be true if cluster.labels.tier were 'edge'"
        )
        await w.relabel("a", tier="edge")
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        await w.relabel("a", tier="core")
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")


async def test_e2_a_source_matches_by_lua(world: Any) -> None:
    script = """evaluate: |
        function evaluate()
          return {matching = obj.metadata.labels ~= nil and obj.metadata.labels.mark == "yes", message = "marked"}
        end
"""
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("no", mark="no"))
        await w["a"].create(marked("yes"))
        await declare(w, condition=script)
        await w.shows("a", "v1", "ConfigMap", "default/made-yes")
        await w.until_row("SELECT * FROM fleet_verdicts WHERE object_ref = 'ConfigMap/default/no'", {"verdict": "no_match"})


async def test_e3_creation_change_and_deletion_each_fire(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await declare(w)
        await w["a"].create(marked("one", "1"))
        await w.shows("a", "v1", "ConfigMap", "default/made-one", lambda live: live["data"]["value"] == "1")
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "2"}})
        await w.shows("a", "v1", "ConfigMap", "default/made-one", lambda live: live["data"]["value"] == "2")
        await w["a"].delete("v1", "ConfigMap", "default", "one")
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")
        changes = [row["change"] for row in await w.rows("SELECT change FROM fleet_event_objects ORDER BY event_id")]
        assert changes == ["added", "changed", "removed"]


async def test_e4_a_labelled_service_and_a_pod_in_crash_loop_fire(world: Any) -> None:
    crash = {"phase": "Running", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}
    async with world(a={"role": "source"}) as w:
        await w.declare("""
            apiVersion: lib.projectsveltos.io/v1beta1
            kind: EventSource
            metadata: {name: marked}
            spec:
              resourceSelectors:
                - {group: "", version: v1, kind: Service, labelFilters: [{key: mark, operation: Has}]}
                - group: ""
                  version: v1
                  kind: Pod
                  evaluateCEL:
                    - name: crashing
                      rule: >-
                        resource.status.containerStatuses.exists(c,
                          has(c.state.waiting) && c.state.waiting.reason == 'CrashLoopBackOff')
        """)
        await w.declare(TEMPLATE % {"name": "made-{{ .MatchingResource.Kind | lower }}", "value": "x"})
        await w.declare(TRIGGER % {"one": "true"})
        await w["a"].create({**SERVICE, "metadata": {"name": "web", "namespace": "default", "labels": {"mark": "x"}}})
        await w.shows("a", "v1", "ConfigMap", "default/made-service")
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "c"}]},
        }
        await w["a"].create(pod)
        await w["a"].patch("v1", "Pod", "default", "p", {"status": crash}, subresource="status")
        await w.shows("a", "v1", "ConfigMap", "default/made-pod")


async def test_e6_a_report_holds_the_whole_object_when_it_collects(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("one", "7"))
        await declare(w, value='"{{ .Resource.data.value }} {{ .Resource.metadata.labels.mark }} {{ .Resource.kind }}"')
        await w.shows("a", "v1", "ConfigMap", "default/made-one", lambda live: live["data"]["value"] == "7 yes ConfigMap")
        event = (await w.rows("SELECT * FROM fleet_events"))[0]
        assert (event["event_source"], event["cluster"], event["matching_count"]) == ("marked", "default/a", 1)


async def test_e7_a_report_holds_only_references_when_it_does_not_collect(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("one"))
        await declare(w, collect=False, value='"{{ .MatchingResource.Namespace }} {{ if .Resource }}body{{ else }}none{{ end }}"')
        await w.shows("a", "v1", "ConfigMap", "default/made-one", lambda live: live["data"]["value"] == "default none")
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "2"}})
        await w["a"].create(marked("two"))
        await w.shows("a", "v1", "ConfigMap", "default/made-two")
        assert [row["change"] for row in await w.rows("SELECT change FROM fleet_event_objects ORDER BY event_id")] == ["added", "added"]


async def test_e8_a_generated_profile_carries_sveltos_labels_and_refers_to_the_rendered_copy(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w["a"].create(marked("one"))
        await declare(w)
        live = await w.shows("a", "v1", "ConfigMap", "default/made-one")
        annotations = live["metadata"]["annotations"]
        assert annotations["projectsveltos.io/owner-kind"] == "ClusterProfile"
        assert annotations["projectsveltos.io/reference-namespace"] == "projectsveltos"
        match = await w.until_row("SELECT * FROM fleet_trigger_matches", {"state": "acted"})
        assert match["profile"] == f"ClusterProfile/{annotations['projectsveltos.io/owner-name']}"
        assert match["object_ref"] == "ConfigMap/default/one"


async def test_e9_a_generated_profile_corrects_drift_and_is_withdrawn(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await declare(w)
        await w.declare((TRIGGER % {"one": "true"}) + "  syncMode: ContinuousWithDriftDetection\n")
        await w["a"].create(marked("one"))
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        await w.settled()
        await w["a"].patch("v1", "ConfigMap", "default", "made-one", {"data": {"value": "hand"}}, manager="somebody")
        await w.shows("a", "v1", "ConfigMap", "default/made-one", lambda live: live["data"]["value"] == "1")
        incident = await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected"})
        assert incident["changed_by"] == "somebody"
        await w["a"].delete("v1", "ConfigMap", "default", "one")
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")


async def test_e11_by_default_the_reaction_goes_to_the_cluster_of_the_event(world: Any) -> None:
    async with world(a={"env": "x"}, b={"env": "x"}) as w:
        await w.example("network-policy")
        service = {**SERVICE, "metadata": {"name": "web", "namespace": "default", "labels": {"fleet.example.com/protect": "true"}}}
        await w["a"].create(service)
        policy = await w.shows("a", "networking.k8s.io/v1", "NetworkPolicy", "default/protect-web")
        assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
        assert await w["b"].objects("networking.k8s.io/v1", "NetworkPolicy") == []


async def test_e12_one_for_event_makes_a_profile_for_each_object_and_otherwise_one_for_each_cluster(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        for name in ("one", "two", "three"):
            await w["a"].create(marked(name))
        await declare(w)
        for name in ("one", "two", "three"):
            await w.shows("a", "v1", "ConfigMap", f"default/made-{name}")
        assert len({row["profile"] for row in await w.rows("SELECT profile FROM fleet_addons")}) == 3
        await w.delete("EventTrigger.lib.projectsveltos.io//marked")
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")
        await declare(w, one=False, name="all", value='"{{ range .Resources }}{{ .metadata.name }} {{ end }}"')
        await w.shows("a", "v1", "ConfigMap", "default/all", lambda live: live["data"]["value"] == "one three two ")
        await w.settled()
        assert len({row["profile"] for row in await w.rows("SELECT profile FROM fleet_addons")}) == 1


async def test_e13_when_a_match_goes_away_what_was_made_because_of_it_goes_away(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await declare(w)
        await w["a"].create(marked("one"))
        await w["a"].create(marked("two"))
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        await w.shows("a", "v1", "ConfigMap", "default/made-two")
        await w["a"].patch("v1", "ConfigMap", "default", "one", {"metadata": {"labels": {"mark": "no"}}})
        await w.lacks("a", "v1", "ConfigMap", "default/made-one")
        assert await w["a"].get("v1", "ConfigMap", "default", "made-two") is not None
        await w.until_row("SELECT state FROM fleet_trigger_matches WHERE object_ref = 'ConfigMap/default/one'", {"state": "withdrawn"})


async def test_e5_e10_conditions_are_evaluated_in_the_daemon_and_no_poll_stands_between_event_and_reaction(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await declare(w, condition="evaluateCEL: [{name: marked, rule: \"has(resource.data.value) && resource.data.value == '1'\"}]")
        await w["a"].create(marked("first"))
        await w.shows("a", "v1", "ConfigMap", "default/made-first")
        await w.settled()
        w["a"].requests.clear()
        await w["a"].create(marked("one"))
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        asked = {verb: count for verb, count in w["a"].requests.by_verb.items() if count}
        assert asked == {"get": 1, "patch": 1}, "one look before the first write, one write: the event came by the watch that was open"


async def test_a_resync_reads_a_cluster_anew_and_writes_nothing_where_nothing_changed(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await declare(w)
        await w["a"].create(marked("one"))
        await w.shows("a", "v1", "ConfigMap", "default/made-one")
        await w.settled()
        w["a"].requests.clear()
        await w.ask("resync", "default/a")
        await w.settled()
        await w["a"].until(_listed, timeout=20)
        asked = w["a"].requests.by_verb
        assert (asked["patch"], asked["create"], asked["delete"]) == (0, 0, 0)
        await w["a"].create(marked("two"))
        await w.shows("a", "v1", "ConfigMap", "default/made-two")


async def _listed(cluster: Any) -> bool:
    return bool(cluster.requests.by_verb["list"] or cluster.requests.by_verb["watch"])
