"""What is mirrored must not lead to the node, the cloud's metadata or an API server, unless the author says so (CVE-2021-25740)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from fleetd.decide.addresses import refused, server_hosts
from fleetd.domain.states import AddonState

SERVERS = {"10.0.0.1": ["fleet/a"], "api.example.com": ["fleet/b"]}


def endpoints(*addresses: str) -> dict[str, Any]:
    subsets = [{"addresses": [{"ip": address} for address in addresses], "ports": [{"port": 80}]}]
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": "shop"}, "subsets": subsets}


def slices(*addresses: str) -> dict[str, Any]:
    listed = [{"addresses": list(addresses)}]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "web", "namespace": "shop"},
        "endpoints": listed,
    }


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


@pytest.mark.parametrize(
    ("manifest", "kind"),
    [
        (endpoints("10.9.9.9", "127.0.0.1"), "loopback"),
        (endpoints("::1"), "loopback"),
        (endpoints("::ffff:127.8.0.1"), "loopback"),
        (endpoints("0.0.0.0"), "loopback"),
        (endpoints("169.254.169.254"), "link-local"),
        (slices("fe80::1%eth0"), "link-local"),
        (slices("127.0.0.1"), "loopback"),
        (slices("LOCALHOST."), "loopback"),
        (endpoints("10.0.0.1"), "api-server"),
        (slices("API.example.com."), "api-server"),
        (service(type="ExternalName", externalName="api.example.com"), "api-server"),
        (service(type="ExternalName", externalName="metadata.google.internal"), "link-local"),
        (service(externalIPs=["::ffff:10.0.0.1"]), "api-server"),
    ],
)
def test_an_address_that_must_not_be_mirrored_is_told_with_its_class(manifest: dict[str, Any], kind: str) -> None:
    said = refused(manifest, SERVERS, frozenset())
    assert said.endswith(f"not mirrored unless the annotation fleetd.io/allow-addresses says {kind}")
    assert refused(manifest, SERVERS, frozenset([kind])) == ""


@pytest.mark.parametrize(
    "manifest",
    [
        endpoints("10.9.9.9", "2001:db8::1"),
        slices("web.example.com"),
        service(clusterIP="None"),
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "a"}, "subsets": [None, {"addresses": "x"}]},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}, "endpoints": [{"addresses": [1]}]},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"ip": "127.0.0.1"}},
    ],
)
def test_others_are_none_of_its_business(manifest: dict[str, Any]) -> None:
    assert refused(manifest, SERVERS, frozenset()) == ""


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("clusters:\n- cluster:\n    server: https://10.0.0.1:6443\n  name: a\n", {"10.0.0.1"}),
        ("clusters:\n- cluster: {}\n- cluster:\n    server: 'https://api.example.com'\n", {"api.example.com"}),
        ('{"clusters": [{"cluster": {\n"server": "https://[2001:DB8::1]:6443"}}]}', {"2001:db8::1"}),
        ("no kubeconfig at all", set()),
    ],
)
def test_the_servers_of_a_kubeconfig_are_found_in_its_text(text: str, hosts: set[str]) -> None:
    assert server_hosts(text) == hosts


TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
data:
  a.yaml: |
    apiVersion: v1
    kind: Endpoints
    metadata: {name: "{{ .Resource.metadata.name }}", namespace: made}
    subsets: [{addresses: [{ip: "{{ .Resource.data.value }}"}], ports: [{port: 80}]}]
"""


def kubeconfig(name: str, host: str) -> dict[str, Any]:
    text = yaml.safe_dump({"clusters": [{"name": name, "cluster": {"server": f"https://{host}:6443"}}]})
    data = {"config": base64.b64encode(text.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-sveltos-kubeconfig", "namespace": "fleet"}, "data": data}


def state(fleet: Any) -> dict[str, tuple[AddonState, str]]:
    found = {}
    for (profile, _), addons in fleet.plane.addons.items():
        key = fleet.plane.reaction_of[profile]
        found[key[2].name] = next((addon.state, addon.reason) for addon in addons.values())
    return found


@pytest.mark.parametrize("early", [True, False])
def test_what_a_trigger_makes_is_screened_and_the_others_go_on(fleet: Any, said: Any, early: bool) -> None:
    if early:
        fleet.declare(kubeconfig("s", "10.0.0.1"))
    fleet.join("s", role="source")
    fleet.declare(kubeconfig("s", "10.0.0.1"), said.source(), TEMPLATE, said.trigger())
    fleet.put("s", said.config_map("good", "10.9.9.9"), said.config_map("bad", "127.0.0.1"), said.config_map("api", "10.0.0.1"))
    fleet.run()
    found = state(fleet)
    assert found["good"][0] is AddonState.DEPLOYED
    assert found["bad"][0] is found["api"][0] is AddonState.FAILED
    assert "leads to 127.0.0.1, a loopback address" in found["bad"][1]
    assert "leads to 10.0.0.1, the address of the API server of fleet/s" in found["api"][1]


def test_an_author_may_allow_it(fleet: Any, said: Any) -> None:
    fleet.join("s", role="source")
    allowing = TEMPLATE.replace("instantiate: ok", "instantiate: ok, fleetd.io/allow-addresses: loopback")
    fleet.declare(said.source(), allowing, said.trigger())
    fleet.put("s", said.config_map("bad", "127.0.0.1"))
    fleet.run()
    assert state(fleet)["bad"][0] is AddonState.DEPLOYED


def test_a_member_that_leaves_takes_its_address_along(fleet: Any) -> None:
    fleet.join("s")
    fleet.declare(kubeconfig("s", "10.0.0.1"))
    assert fleet.plane.api_servers == {"10.0.0.1": {"fleet/s"}}
    fleet.declare(kubeconfig("s", "10.0.0.2"))
    assert fleet.plane.api_servers == {"10.0.0.2": {"fleet/s"}}
    fleet.leave("s")
    assert fleet.plane.api_servers == {}
