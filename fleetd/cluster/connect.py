"""Connects to a cluster, and is one: `KubeCluster` is the `Cluster` port on a real API server."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, Literal

import aiohttp
from yarl import URL

from fleetd.cluster import applying
from fleetd.cluster.address import GuardedResolver, check_literal
from fleetd.cluster.backoff import Gate
from fleetd.cluster.credentials import Credentials, CredentialSource, FileSource, PluginSource, StaticSource
from fleetd.cluster.discover import Discovery
from fleetd.cluster.http import Api, Route
from fleetd.cluster.identity import identity
from fleetd.cluster.incluster import in_cluster_kubeconfig
from fleetd.cluster.kubeconfig import Access, read_kubeconfig
from fleetd.cluster.kubernetes_config import ConfigException, Configuration, KubeConfigLoader
from fleetd.cluster.oidc import OidcSource
from fleetd.cluster.port import Identity, NoSuchKind, ResourceKind, Sighting
from fleetd.cluster.registration import loopback
from fleetd.cluster.settings import ClusterSettings
from fleetd.cluster.tls import client_context, slim_buffers
from fleetd.cluster.watching import Watch
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest, Reads, gvk_of
from fleetd.domain.refs import GroupVersionKind

IN_CLUSTER: Literal["in-cluster"] = "in-cluster"


class KubeCluster:
    """One member of the fleet over HTTP. Made by `connect`."""

    def __init__(self, api: Api, settings: ClusterSettings) -> None:
        self.name = api.name
        self.api = api
        self.settings = settings
        self.discovery = Discovery(api, settings)

    async def identity(self) -> Identity:
        return await identity(self.api, self.settings)

    async def resource(self, gvk: GroupVersionKind) -> ResourceKind:
        return await self.discovery.resource(gvk)

    async def read(self, gvk: GroupVersionKind, namespace: str, name: str) -> Manifest | None:
        kind = await self.discovery.resource(gvk)
        try:
            return await applying.read(self.api, kind, namespace, name, self.settings)
        except NoSuchKind:
            self.discovery.forget()
            raise

    async def apply(self, manifest: Manifest, *, force: bool = False, dry_run: bool = False) -> Manifest:
        kind = await self.discovery.resource(gvk_of(manifest))
        try:
            live = await applying.apply(self.api, kind, manifest, self.settings, force=force, dry_run=dry_run)
        except NoSuchKind:
            self.discovery.forget()
            raise
        if manifest["kind"] == "CustomResourceDefinition" and not dry_run:
            self.discovery.outdate()
        return live

    async def delete(self, gvk: GroupVersionKind, namespace: str, name: str, *, uid: str, resource_version: str = "") -> bool:
        kind = await self.discovery.resource(gvk)
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        try:
            return await applying.delete(self.api, kind, (namespace, name), preconditions, self.settings)
        except NoSuchKind:
            self.discovery.forget()
            raise

    def watch(self, gvk: GroupVersionKind, reads: Reads) -> AsyncGenerator[Sighting, None]:
        return Watch(self.api, self.discovery, gvk, reads, self.settings).sightings(random.random)

    async def close(self) -> None:
        await self.api.close()


async def connect(
    name: str,
    kubeconfig: Mapping[str, Any] | Literal["in-cluster"],
    *,
    settings: ClusterSettings,
    context: str = "",
) -> KubeCluster:
    """A cluster ready to be asked; nothing is asked yet.

    Args:
        name: `namespace/name`, for sentences.
        kubeconfig: parsed; or `"in-cluster"` for the pod's own access.

    Raises:
        InvalidInput: the kubeconfig cannot be used; the sentence says why and holds nothing secret.
    """
    slim_buffers()
    if kubeconfig == IN_CLUSTER:
        access = read_kubeconfig(in_cluster_kubeconfig(os.environ), allow_files=True)
    elif isinstance(kubeconfig, Mapping):
        access = read_kubeconfig(kubeconfig, context, allow_files=settings.allow_files)
    else:
        raise InvalidInput(f"{name}: this is no kubeconfig")
    if not settings.allow_link_local:
        check_literal(URL(access.server).host or "")
    _refuse_openness(access)
    tls = await _context(access) if access.server.startswith("https") else None
    session = aiohttp.ClientSession(
        # One socket per watch: aiohttp's default of 100 would make the 101st wait in silence.
        connector=aiohttp.TCPConnector(
            limit=0,
            ssl=tls if tls is not None else True,
            resolver=None if settings.allow_link_local else GuardedResolver(),
        ),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=settings.buffer_bytes,
    )
    try:
        credentials = await _credentials(access, settings)
    except BaseException:
        await session.close()
        raise
    gate = Gate(settings.backoff_base, settings.backoff_cap, random.random)
    route = Route(access.server, tls, access.server_name, access.proxy)
    return KubeCluster(Api(name, route, session, credentials, gate), settings)


def _refuse_openness(access: Access) -> None:
    shows = access.token or access.token_file or access.password or access.plugin or access.oidc
    if shows and access.server.startswith("http:") and not loopback(access.server):
        raise InvalidInput("the kubeconfig would send credentials over plain http://: use https://")


async def _context(access: Access) -> ssl.SSLContext:
    ca = access.ca or await _file(access.ca_file)
    certificate = access.certificate or await _file(access.certificate_file)
    key = access.key or await _file(access.key_file)
    return client_context(ca=ca, certificate=certificate, key=key, verify=access.verify)


async def _file(path: str) -> bytes:
    if not path:
        return b""
    try:
        return await asyncio.to_thread(Path(path).read_bytes)
    except OSError as problem:
        raise InvalidInput(f"the kubeconfig names {path}, which cannot be read ({problem.strerror})") from None


async def _credentials(access: Access, settings: ClusterSettings) -> Credentials:
    source: CredentialSource
    if access.plugin is not None:
        source = PluginSource(access, settings)
    elif access.oidc is not None:
        tls = client_context(ca=access.oidc.ca, certificate=b"", key=b"", verify=True)
        source = OidcSource(access.oidc, tls)
    elif access.token_file:
        return Credentials(FileSource(access.token_file), settings, every=settings.token_file_seconds)
    else:
        source = StaticSource(await _header(access))
    return Credentials(source, settings)


async def _header(access: Access) -> str:
    """What kubernetes-asyncio makes of a static user: a token, or a name and a password."""
    user = {"token": access.token} if access.token else {"username": access.username, "password": access.password}
    plain = {
        "clusters": [{"name": "it", "cluster": {"server": access.server}}],
        "users": [{"name": "it", "user": user if access.token or access.username else {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    configuration = Configuration()
    try:
        await KubeConfigLoader(config_dict=plain, config_base_path="").load_and_set(configuration)
    except ConfigException:
        raise InvalidInput("the kubeconfig's user cannot be used") from None
    return str(configuration.api_key.get("BearerToken", ""))
