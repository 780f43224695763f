"""The access that Kubernetes gives to a pod, as a kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.domain.errors import InvalidInput

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def in_cluster_kubeconfig(environment: Mapping[str, str], account: str = ACCOUNT) -> dict[str, Any]:
    """Names the files that the kubelet keeps fresh.

    Raises:
        InvalidInput: this is no pod.
    """
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        raise InvalidInput("this process runs in no Kubernetes pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pod", "cluster": {"server": f"https://{authority}", "certificate-authority": f"{account}/ca.crt"}}],
        "users": [{"name": "pod", "user": {"tokenFile": f"{account}/token"}}],
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
        "current-context": "pod",
    }
