"""What the server refuses of what connects, stores and scales."""

from __future__ import annotations

from typing import Any

import pytest

CORE, NETWORKING = "/api/v1/namespaces/default", "/apis/networking.k8s.io/v1/namespaces/default"
MERGE = {"content-type": "application/merge-patch+json"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
SERVICE = {"ports": [{"port": 80}]}
VOLUME = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}}
SCALER = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3}


def routed(**backend: Any) -> dict[str, Any]:
    return {"rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}


@pytest.mark.parametrize(
    ("path", "spec", "said"),
    [
        (f"{NETWORKING}/ingresses", {}, "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
        (f"{NETWORKING}/ingresses", routed(), 'paths[0].backend: Invalid value: "": resource or service backend is required'),
        (
            f"{NETWORKING}/ingresses",
            routed(service={"name": "s", "port": {"name": "Bad_"}}),
            'backend.service.port.name: Invalid value: "Bad_": must contain only',
        ),
        (f"{NETWORKING}/ingresses", {"rules": [{"host": "192.0.2.1"}]}, "must be a DNS name, not an IP address"),
        (f"{NETWORKING}/ingresses", {"rules": [{"host": "*a"}]}, "a wildcard DNS-1123 subdomain must start with '*.'"),
        (f"{NETWORKING}/networkpolicies", {"podSelector": {}, "ingress": [{"from": [{}]}]}, "from[0]: Required value: must specify a peer"),
        (
            f"{NETWORKING}/networkpolicies",
            {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}]}]},
            'ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
        ),
        (
            f"{NETWORKING}/networkpolicies",
            {"podSelector": {}, "policyTypes": ["Odd"]},
            'spec.policyTypes[0]: Unsupported value: "Odd": supported values: "Egress", "Ingress"',
        ),
        (
            f"{CORE}/services",
            {**SERVICE, "externalTrafficPolicy": "Local"},
            'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
        ),
        (f"{CORE}/services", {**SERVICE, "loadBalancerClass": "a/b"}, "spec.loadBalancerClass: Forbidden: may only be used when"),
        (f"{CORE}/services", {"ports": [{"port": 80, "targetPort": "Bad_"}]}, 'spec.ports[0].targetPort: Invalid value: "Bad_"'),
        (f"{CORE}/persistentvolumeclaims", {**CLAIM, "volumeMode": "Odd"}, 'supported values: "Block", "Filesystem"'),
        (
            f"{CORE}/persistentvolumeclaims",
            {**CLAIM, "accessModes": ["ReadWriteOnce", "ReadWriteOncePod"]},
            "may not use ReadWriteOncePod with other access modes",
        ),
        ("/api/v1/persistentvolumes", {**VOLUME, "persistentVolumeReclaimPolicy": "Recycle"}, "may not be 'recycle' for a hostPath"),
        ("/api/v1/persistentvolumes", {**VOLUME, "capacity": {"cpu": "1"}}, 'spec.capacity: Unsupported value: {"cpu":"1"}'),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            {**SCALER, "metrics": [{"type": "Resource"}]},
            "spec.metrics[0].resource: Required value: must populate information for the given metric source",
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            {"minAvailable": 1, "maxUnavailable": 1},
            'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,"UnhealthyPodEvictionPolicy":null}: '
            "minAvailable and maxUnavailable cannot be both set",
        ),
        (f"{CORE}/resourcequotas", {"hard": {"odd": "1"}}, 'spec.hard[odd]: Invalid value: "odd": must be a standard resource for quota'),
        ("/apis/networking.k8s.io/v1/ingressclasses", {"controller": "x"}, "must be a domain-prefixed path"),
    ],
)
async def test_what_breaks_a_rule_is_refused(world: Any, path: str, spec: Any, said: str) -> None:
    found = await world.body("POST", path, {"metadata": {"name": "x"}, "spec": spec})
    assert (found["code"], said in found["message"]) == (422, True), found["message"]


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (f"{CORE}/endpoints", {"subsets": [{}]}, "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"),
        (f"{CORE}/endpoints", {"subsets": [{"addresses": [{"ip": "127.0.0.1"}]}]}, "may not be in the loopback range"),
        (
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
            {"addressType": "IPv4", "endpoints": [{"addresses": ["::1"]}]},
            'endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
        ),
        (f"{CORE}/configmaps", {"data": {"..": ""}}, "data[..]: Invalid value: \"..\": must not be '..'"),
        (f"{CORE}/configmaps", {"data": {"a": ""}, "binaryData": {"a": ""}}, "duplicate of key present in binaryData"),
        (
            f"{CORE}/secrets",
            {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "YQ=="}},
            "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'a'",
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            {"aggregationRule": {}},
            "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required",
        ),
    ],
)
async def test_kinds_without_a_spec_have_their_rules_too(world: Any, path: str, content: Any, said: str) -> None:
    found = await world.body("POST", path, {"metadata": {"name": "x"}, **content})
    assert (found["code"], said in found["message"]) == (422, True), found["message"]


async def test_a_claim_that_is_not_bound_does_not_grow(world: Any) -> None:
    await world.body("POST", f"{CORE}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": CLAIM})
    more = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    found = await world.body("PATCH", f"{CORE}/persistentvolumeclaims/c", more, headers=MERGE)
    assert found["details"]["causes"][0]["field"] == "spec"
    await world.body("PATCH", f"{CORE}/persistentvolumeclaims/c/status", {"status": {"phase": "Bound"}}, headers=MERGE)
    assert (await world.body("PATCH", f"{CORE}/persistentvolumeclaims/c", more, headers=MERGE))["spec"]["resources"] == more["spec"][
        "resources"
    ]


async def test_where_a_claims_content_comes_from_is_told_in_both_places(world: Any) -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "other"}
    found = await world.body("POST", f"{CORE}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": {**CLAIM, "dataSource": source}})
    assert found["spec"]["dataSourceRef"] == source
    odd = {"apiGroup": "example.com", "kind": "Odd", "name": "o"}
    found = await world.body("POST", f"{CORE}/persistentvolumeclaims", {"metadata": {"name": "d"}, "spec": {**CLAIM, "dataSource": odd}})
    assert found["spec"].keys() & {"dataSource", "dataSourceRef"} == set()
