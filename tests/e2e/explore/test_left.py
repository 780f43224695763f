"""What is left as it stands."""

from __future__ import annotations

from typing import Any

P = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: p}
spec:
  clusterSelector: {matchLabels: {role: source}}
  stopMatchingBehavior: LeavePolicies
  policyRefs: [{kind: ConfigMap, namespace: default, name: c}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: default}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: one, namespace: default}
    data: {value: ours}
"""


async def test_what_a_deleted_profile_with_leave_policies_deployed_stays_without_marks(world: Any) -> None:
    async with world(a={"role": "source"}) as w:
        await w.declare(P)
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        await w.delete("ClusterProfile.config.projectsveltos.io//p")
        await w.until_row("SELECT count(*) AS n FROM fleet_addons", {"n": 0})
        live = await w["a"].get("v1", "ConfigMap", "default", "one")
        assert live is not None
        assert live["data"] == {"value": "ours"}
        assert not any("projectsveltos" in key for key in live["metadata"].get("annotations") or {})
