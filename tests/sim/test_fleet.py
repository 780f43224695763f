"""A fleet of clusters: their kubeconfigs, their identities, and real clients."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes_asyncio
import pytest
import yaml
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api
from kubernetes_asyncio.dynamic import DynamicClient

from fleetd.domain.errors import Conflict, InvalidInput, NotFound
from fleetd.kubeapi.exchange import User
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.faults import Fault, FaultKind
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.load import create_services
from fleetd.sim.naming import numbered

CONFIG_MAP = ("v1", "ConfigMap")
NAMESPACE = ("v1", "Namespace")
SERVICE = ("v1", "Service")


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


@asynccontextmanager
async def client(config: dict[str, Any]) -> AsyncIterator[ApiClient]:
    """The kubernetes-asyncio client of a kubeconfig."""
    configuration = kubernetes_asyncio.client.Configuration()
    await kubernetes_asyncio.config.load_kube_config_from_dict(config, client_configuration=configuration)
    async with ApiClient(configuration) as opened:
        yield opened


def test_numbered_clusters_have_regions_and_environments_in_turn() -> None:
    specs = numbered(10, {"team": "shop", "env": "test"})
    assert [spec.name for spec in specs[:2]] == ["cluster-1", "cluster-2"]
    assert [spec.labels["region"] for spec in specs[:4]] == ["eu-west", "us-east", "ap-south", "eu-west"]
    assert {spec.labels["env"] for spec in specs} == {"test"}
    assert [spec.labels["env"] for spec in numbered(10)][2:4] == ["prod", "staging"]
    assert numbered(10)[9].labels == numbered(1)[0].labels


async def test_kubeconfigs_are_private_and_merged_names_every_cluster(fleet: SimulatedFleet, tmp_path: Path) -> None:
    written = fleet.write_kubeconfigs(tmp_path / "configs")
    names = {"eu.yaml", "eu.limited.yaml", "us.yaml", "us.limited.yaml", "merged.yaml"}
    assert {path.name for path in written} == names == {path.name for path in (tmp_path / "configs").iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    merged = yaml.safe_load((tmp_path / "configs" / "merged.yaml").read_text())
    assert [context["name"] for context in merged["contexts"]] == ["eu", "us"]
    fleet.write_kubeconfigs(tmp_path / "configs")


async def test_the_same_seed_gives_the_same_identity_and_another_cluster_another(fleet: SimulatedFleet) -> None:
    async def identity(cluster: SimulatedCluster) -> str:
        found = await cluster.get(*NAMESPACE, "", "kube-system")
        assert found is not None
        return str(found["metadata"]["uid"])

    async with SimulatedFleet([ClusterSpec("eu")], seed=7) as again, SimulatedFleet([ClusterSpec("eu")], seed=8) as other:
        assert await identity(fleet.clusters["eu"]) == await identity(again.clusters["eu"])
        assert await identity(fleet.clusters["eu"]) != await identity(other.clusters["eu"])
    assert await identity(fleet.clusters["eu"]) != await identity(fleet.clusters["us"])


async def test_clusters_come_and_go_while_the_fleet_runs(fleet: SimulatedFleet) -> None:
    added = await fleet.add(ClusterSpec("ap"))
    await added.create(config_map("a", k="v"))
    with pytest.raises(InvalidInput, match="ap already"):
        await fleet.add(ClusterSpec("ap"))
    await fleet.remove("ap")
    assert "ap" not in fleet.clusters
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(added.url, ssl=False)


async def test_objects_are_reached_without_a_socket(cluster: SimulatedCluster) -> None:
    await cluster.create(config_map("a", k="1"))
    with pytest.raises(Conflict):
        await cluster.create(config_map("a"))
    await cluster.apply(config_map("a", k="2"), manager="somebody")
    assert (await cluster.patch(*CONFIG_MAP, "default", "a", {"data": {"l": "3"}}))["data"] == {"k": "2", "l": "3"}
    assert [found["metadata"]["name"] for found in await cluster.objects(*CONFIG_MAP, "default")] == ["a"]
    await cluster.delete(*CONFIG_MAP, "default", "a")
    assert await cluster.get(*CONFIG_MAP, "default", "a") is None
    with pytest.raises(NotFound):
        await cluster.delete(*CONFIG_MAP, "default", "a")
    assert len(cluster.requests) == 0


async def test_the_python_client_reads_writes_and_watches(cluster: SimulatedCluster) -> None:
    async with client(cluster.kubeconfig()) as api:
        core = CoreV1Api(api)
        await core.create_namespaced_config_map("default", config_map("a", k="v"))
        assert (await core.read_namespaced_config_map("a", "default")).data == {"k": "v"}
        watch = kubernetes_asyncio.watch.Watch()
        async with watch.stream(core.list_namespaced_config_map, "default", timeout_seconds=30) as events:
            seen = []
            async for event in events:
                seen.append((event["type"], event["object"].metadata.name))
                if len(seen) == 1:
                    await cluster.patch(*CONFIG_MAP, "default", "a", {"data": {"k": "w"}})
                if len(seen) == 2:
                    await cluster.delete(*CONFIG_MAP, "default", "a")
                if len(seen) == 3:
                    break
        assert seen == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_user_without_rights_is_forbidden_and_a_wrong_token_unauthorized(cluster: SimulatedCluster) -> None:
    async with client(cluster.limited_kubeconfig()) as api:
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).list_namespaced_config_map("default")
        assert refused.value.status == 403
    config = cluster.kubeconfig()
    config["users"][0]["user"]["token"] = "wrong"
    async with client(config) as api:
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).list_namespaced_config_map("default")
        assert refused.value.status == 401


async def test_a_certificate_serves_as_well_as_a_token() -> None:
    async with SimulatedFleet([ClusterSpec("eu")], auth="certificate") as fleet:
        config = fleet.clusters["eu"].kubeconfig()
        assert set(config["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
        async with client(config) as api:
            await CoreV1Api(api).create_namespaced_config_map("default", config_map("a"))
        assert [served.user for served in fleet.clusters["eu"].requests] == ["admin"]


def test_certificates_need_tls() -> None:
    with pytest.raises(InvalidInput, match="TLS"):
        SimulatedFleet([], tls=False, auth="certificate")


async def test_a_fleet_without_tls_speaks_plain_http() -> None:
    async with SimulatedFleet([ClusterSpec("eu")], tls=False) as fleet, client(fleet.clusters["eu"].kubeconfig()) as api:
        assert fleet.clusters["eu"].url.startswith("http://127.0.0.1:")
        await CoreV1Api(api).create_namespaced_config_map("default", config_map("a"))


async def test_the_version_is_that_of_the_spec(fleet: SimulatedFleet) -> None:
    for cluster in fleet.clusters.values():
        async with client(cluster.kubeconfig()) as api:
            version = await kubernetes_asyncio.client.VersionApi(api).get_code()
            assert version.git_version == cluster.spec.version


async def test_a_fleet_that_cannot_start_leaves_nothing_behind() -> None:
    fleet = SimulatedFleet([ClusterSpec("eu"), ClusterSpec("us", version="newest")])
    with pytest.raises(InvalidInput, match="newest"):
        await fleet.start()
    assert fleet.clusters == {}


async def test_a_service_account_gets_a_token_that_works_until_the_account_is_gone(cluster: SimulatedCluster) -> None:
    robot = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "default"}}
    await cluster.create(robot)
    async with client(cluster.kubeconfig()) as api:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        granted = await CoreV1Api(api).create_namespaced_service_account_token("robot", "default", body)
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).create_namespaced_service_account_token("nobody", "default", body)
        assert refused.value.status == 404
        body["spec"] = {"expirationSeconds": 5}
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).create_namespaced_service_account_token("robot", "default", body)
        assert refused.value.status == 422
    config = cluster.kubeconfig()
    config["users"][0]["user"]["token"] = granted.status.token
    async with client(config) as api:
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).list_namespaced_config_map("default")
        assert refused.value.status == 403
        assert "system:serviceaccount:default:robot" in refused.value.body
        await cluster.delete("v1", "ServiceAccount", "default", "robot")
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).list_namespaced_config_map("default")
        assert refused.value.status == 401


async def test_a_token_review_says_whose_a_token_is(cluster: SimulatedCluster) -> None:
    async with client(cluster.kubeconfig()) as api:
        reviews = kubernetes_asyncio.client.AuthenticationV1Api(api)
        for token, name in ((cluster.issue_token(User("jane")), "jane"), ("wrong", None)):
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
            status = (await reviews.create_token_review(body)).status
            assert (bool(status.authenticated), status.user.username) == (name is not None, name)


async def test_who_may_not_create_tokens_gets_none(cluster: SimulatedCluster) -> None:
    robot = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": "default"}}
    await cluster.create(robot)
    async with client(cluster.limited_kubeconfig()) as api:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        with pytest.raises(ApiException) as refused:
            await CoreV1Api(api).create_namespaced_service_account_token("robot", "default", body)
        assert refused.value.status == 403
        assert "serviceaccounts/token" in refused.value.body


async def test_dropped_history_ends_a_watch_from_an_old_version_with_gone(cluster: SimulatedCluster) -> None:
    async with client(cluster.kubeconfig()) as api:
        core = CoreV1Api(api)
        old = (await core.list_namespaced_config_map("default")).metadata.resource_version
        await cluster.create(config_map("a"))
        cluster.inject(Fault(FaultKind.DROP_HISTORY))

        async def watched() -> None:
            stream = kubernetes_asyncio.watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=old)
            async with stream as events:
                async for _ in events:
                    pass

        with pytest.raises(ApiException) as gone:
            await watched()
        assert gone.value.status == 410


async def test_load_creates_what_it_says(cluster: SimulatedCluster) -> None:
    seconds = await create_services(cluster, 20, 1000, kind="LoadBalancer")
    assert seconds >= 19 / 1000

    async def all_addressed(cluster: SimulatedCluster) -> bool:
        services = await cluster.objects(*SERVICE, "default")
        return len([s for s in services if s["status"]["loadBalancer"].get("ingress")]) == 20

    await cluster.until(all_addressed)


async def test_the_dynamic_client_discovers_applies_and_deletes(cluster: SimulatedCluster) -> None:
    async with client(cluster.kubeconfig()) as api:
        dynamic = await DynamicClient(api)
        config_maps = await dynamic.resources.get(api_version="v1", kind="ConfigMap")
        made = await dynamic.server_side_apply(config_maps, body=config_map("a", k="v"), field_manager="dynamic")
        assert made.metadata.managedFields[0].manager == "dynamic"
        listed = await config_maps.get(namespace="default")
        assert [item.metadata.name for item in listed.items] == ["a"]
        await config_maps.delete(name="a", namespace="default")
    assert await cluster.get(*CONFIG_MAP, "default", "a") is None
