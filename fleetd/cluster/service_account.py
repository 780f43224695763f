"""A ServiceAccount of fleetd's own on a cluster, with a role that is shown first and a token that ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from fleetd.cluster.connect import KubeCluster
from fleetd.cluster.decoding import part, whole_object
from fleetd.cluster.http import JSON, Ask
from fleetd.cluster.kubeconfig import read_kubeconfig
from fleetd.cluster.registration import kubeconfig_of
from fleetd.domain.errors import InvalidInput, Unreachable
from fleetd.domain.objects import Manifest

NAMESPACE = "projectsveltos"
ACCOUNT = "fleetd"
SHORTEST = 600  # Kubernetes' own floor for a token's life, in seconds.
LONGEST = 365 * 24 * 3600
ALL_RIGHTS: tuple[Mapping[str, Sequence[str]], ...] = (
    {"apiGroups": ("*",), "resources": ("*",), "verbs": ("get", "list", "watch", "create", "update", "patch", "delete")},
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A kubeconfig that shows the new account's token, and when that ends (RFC 3339, as the cluster decided)."""

    kubeconfig: dict[str, Any]
    expires: str


def account_manifests(
    rules: Sequence[Mapping[str, Sequence[str]]] = ALL_RIGHTS, *, namespace: str = NAMESPACE, account: str = ACCOUNT
) -> tuple[Manifest, ...]:
    """What has to be on the cluster, in the order of its making: namespace, account, role, binding."""
    role = [{key: list(values) for key, values in rule.items()} for rule in rules]
    rbac = "rbac.authorization.k8s.io"
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": account}, "rules": role},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": account},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    )


def with_token(kubeconfig: Mapping[str, Any], context: str, token: str) -> dict[str, Any]:
    """The way to the same server, shown by this token in place of the operator's credentials."""
    access = read_kubeconfig(kubeconfig, context, allow_files=True)
    if access.ca_file:
        raise InvalidInput("the kubeconfig names its certificate authority as a file: make it self-contained first")
    bare = replace(access, certificate=b"", key=b"", certificate_file="", key_file="", token=token, token_file="")
    return kubeconfig_of(replace(bare, username="", password="", plugin=None, oidc=None))


async def create_account(cluster: KubeCluster, manifests: Sequence[Manifest]) -> None:
    """Applies what `account_manifests` says. Raises as `Cluster.apply` does; what another manager holds is not taken."""
    for manifest in manifests:
        await cluster.apply(manifest)


async def request_token(cluster: KubeCluster, seconds: int, *, namespace: str = NAMESPACE, account: str = ACCOUNT) -> tuple[str, str]:
    """A token of the account and its end; the cluster may grant a shorter life than asked.

    Raises:
        InvalidInput: so short or long a life is not given.
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise InvalidInput(f"a token lives between {SHORTEST} and {LONGEST} seconds, not {seconds}")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    ask = Ask("POST", path, (), orjson.dumps(body), JSON, what=f"request a token of {namespace}/{account}", hide=True)
    status = part(whole_object(await cluster.api.call(ask, cluster.settings)), "status")
    token = str(status.get("token") or "")
    if not token:
        raise Unreachable(f"{cluster.name}: it answered the request for a token with none")
    return token, str(status.get("expirationTimestamp") or "")


async def issue(cluster: KubeCluster, kubeconfig: Mapping[str, Any], context: str, *, seconds: int) -> Issued:
    """A kubeconfig for the account that is there already; used at registration and before each token's end."""
    token, expires = await request_token(cluster, seconds)
    return Issued(with_token(kubeconfig, context, token), expires)
