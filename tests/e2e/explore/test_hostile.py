"""Hostile input and secrets: what must not be taken, and what must not be seen."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetd.domain.errors import FleetdError
from fleetd.service.membership import join
from fleetd.sim.authentication import ADMIN
from fleetd.sim.faults import Fault, FaultKind

SOURCE = {"role": "source"}


def everything(w: Any, tmp_path: Path) -> bytes:
    """All bytes of the database's files."""
    return b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith("fleet.db"))


async def views(w: Any) -> str:
    names = await w.rows("SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE 'fleet_%'")
    assert len(names) > 20
    return "".join([repr(await w.rows(f"SELECT * FROM {row['name']}")) for row in names])


FLOW = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: s}
spec:
  collectResources: true
  resourceSelectors: [{group: "", version: v1, kind: Secret, labelFilters: [{key: in, operation: Has}]}]
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: t}
spec:
  sourceClusterSelector: {matchLabels: {role: source}}
  eventSourceName: s
  oneForEvent: true
  syncMode: ContinuousWithDriftDetection
  policyRefs: [{kind: %s, namespace: default, name: copy}]
---
apiVersion: v1
kind: %s
metadata: {name: copy, namespace: default, annotations: {projectsveltos.io/instantiate: ok}}
%s
"""
COPY = """apiVersion: v1
kind: Secret
metadata: {name: copied, namespace: default%s}
type: %s
stringData: {password: '{{ .Resource.data.password | b64dec }}', url: 'postgres://u:{{ .Resource.data.password | b64dec }}@h/d'}
"""


def flow(kind: str, text: str) -> str:
    if kind == "Secret":
        rest = yaml.safe_dump({"type": "addons.projectsveltos.io/cluster-profile", "stringData": {"a.yaml": text}})
    else:
        rest = yaml.safe_dump({"data": {"a.yaml": text}})
    return FLOW % (kind, kind, rest)


def secret(password: str) -> dict[str, Any]:
    data = {"password": base64.b64encode(password.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cred", "namespace": "default", "labels": {"in": "1"}}, "data": data}


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
async def test_no_secret_and_no_token_is_in_any_view_log_error_or_file(world: Any, kind: str, tmp_path: Path, capfd: Any) -> None:
    canary = "canary-plain-7c1f"
    forms = [canary, base64.b64encode(canary.encode()).decode(), base64.b64encode(f"postgres://u:{canary}@h/d".encode()).decode()]
    async with world(a=SOURCE) as w:
        w["a"].inject(Fault(FaultKind.STATUS, status=401, times=2))
        token = w["a"].issue_token(ADMIN)
        forms += [token, w["a"].kubeconfig()["users"][0]["user"]["token"]]
        await w["a"].create(secret(canary))
        await w.declare(flow(kind, COPY % ("", "Opaque")))
        await w.shows("a", "v1", "Secret", "default/copied")
        await w.settled()
        # Drift of the value, a refusal with the value in it, a template that fails on it.
        await w["a"].patch(
            "v1", "Secret", "default", "copied", {"data": {"password": base64.b64encode(canary.encode() + b"2").decode()}}, manager="x"
        )
        forms.append(base64.b64encode(canary.encode() + b"2").decode())
        await w.until_row("SELECT * FROM fleet_drift_incidents", {"outcome": "corrected"})
        await w.declare(flow(kind, COPY % ("", "kubernetes.io/tls")))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        await w.declare(flow(kind, COPY % (", labels: {'{{ .Resource.data.password | b64dec }} no': x}", "Opaque")))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        for index, wrong in enumerate(WRONG):
            name = f"wrong-{index}"
            text = "{{ $p := .Resource.data.password | b64dec }}{{ " + wrong + " }}"
            await w.declare_unchecked(flow(kind, text).replace("name: copy", f"name: {name}").replace("name: t}", f"name: {name}}}"))
            row: dict[str, Any] = await w.until_row(
                "SELECT * FROM fleet_trigger_matches WHERE event_trigger = :t", {"state": "failed"}, t=name
            )
            assert canary not in row["reason"]
        await w.declare(flow(kind, "kind: {{ .Resource.data.password | b64dec }}: ["))
        await w.until_row("SELECT * FROM fleet_addons", {"state": "failed"})
        seen = await views(w)
        await w.stop()
    out, err = capfd.readouterr()
    for form in forms:
        assert form not in seen, [part for part in seen.split("{") if form in part][:3]
        assert form not in out + err, [line for line in (out + err).splitlines() if form in line][:3]
        assert form.encode() not in everything(w, tmp_path)


WRONG = (
    "index (list 1 2) $p",
    "$p.nothing",
    "add 1 (mustFromJson $p)",
    "semver $p",
    "template $p",
    "until $p",
    "lt 1 $p",
    "slice $p 50",
    "get $p $p",
)

KUBECONFIGS = {
    "exec": lambda c: c["users"][0]["user"].update(
        exec={"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["/tmp/pwned"]}
    ),
    "token-file": lambda c: c["users"][0]["user"].update(token=None, tokenFile="/etc/passwd"),
    "key-file": lambda c: c["users"][0]["user"].update({"client-key": "/etc/shadow", "client-certificate": "/etc/passwd"}),
    "ca-file": lambda c: (
        c["clusters"][0]["cluster"].pop("certificate-authority-data"),
        c["clusters"][0]["cluster"].update({"certificate-authority": "/etc/ssl/x"}),
    ),
    "auth-provider": lambda c: c["users"][0]["user"].update({"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/sh"}}}),
    "metadata": lambda c: c["clusters"][0]["cluster"].update(server="http://169.254.169.254/latest"),
    "plain": lambda c: c["clusters"][0]["cluster"].update(server="http://example.com"),
    "ftp": lambda c: c["clusters"][0]["cluster"].update(server="ftp://example.com"),
}


@pytest.mark.parametrize("case", KUBECONFIGS)
async def test_a_kubeconfig_that_runs_programs_or_reads_files_is_refused_in_one_sentence(world: Any, case: str) -> None:
    async with world(a=SOURCE, register=False) as w:
        config = w["a"].kubeconfig()
        token = config["users"][0]["user"]["token"]
        KUBECONFIGS[case](config)
        await join(w.admission, "a", "default", {}, yaml.safe_dump(config), now=datetime.now(UTC))
        row = await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "unreachable"})
        assert token not in str(row)
        assert not w["a"].requests.by_verb


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 5000,
        "\x00",
        "!!python/object/apply:os.system ['id']",
        "just text",
        "",
    ],
)
async def test_a_kubeconfig_that_is_a_bomb_or_no_kubeconfig_harms_nothing(world: Any, text: str) -> None:
    async with world(a=SOURCE) as w:
        await join(w.admission, "bad", "default", {}, text, now=datetime.now(UTC))
        row = await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'bad'", {"connection": "unreachable"})
        assert "\n" not in row["reason"]
        await w.until_row("SELECT * FROM fleet_clusters WHERE name = 'a'", {"connection": "ready"})


NAMES = ["'; DROP TABLE members; --", "../../etc/passwd", "a/b", "\u202eevil", "a\x1b[31mred", "A" * 300, "x\ny", "%s%n", "${PATH}", "a b"]


KINDS = (
    ("config.projectsveltos.io/v1beta1", "ClusterProfile", False),
    ("lib.projectsveltos.io/v1beta1", "SveltosCluster", True),
    ("lib.projectsveltos.io/v1beta1", "EventTrigger", False),
    ("v1", "ConfigMap", True),
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_hostile_name_is_refused_when_it_is_declared(world: Any, name: str) -> None:
    async with world() as w:
        for api_version, kind, namespaced in KINDS:
            metadata = {"name": name} | ({"namespace": "default"} if namespaced else {})
            with pytest.raises(FleetdError) as refusal:
                await w.admission.apply({"apiVersion": api_version, "kind": kind, "metadata": metadata}, now=datetime.now(UTC))
            assert "\x1b" not in str(refusal.value)


async def test_hostile_annotations_names_and_values_from_a_cluster_stay_data(world: Any) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: out, namespace: default}\n"
        'data:\n  note: {{ index .Resource.metadata.annotations "note" | toJson }}\n'
    )
    hostile = (
        'x"\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: evil}\n'
        "{{ .Cluster }} \x1b[31m </script> ${jndi:x} %s"
    )
    async with world(a=SOURCE) as w:
        await w.declare(flow("ConfigMap", text))
        item = secret("p")
        item["metadata"]["annotations"] = {"note": hostile}
        await w["a"].create(item)
        live = await w.shows("a", "v1", "ConfigMap", "default/out")
        assert live["data"]["note"] == hostile
        assert await w["a"].get("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "evil") is None


async def test_unquoted_data_cannot_take_objects_over_the_limit_or_break_the_loop(world: Any) -> None:
    bombs = {
        "endless": "{{ range $i, $x := until 100000000 }}x{{ end }}",
        "deep": '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
        "regex": '{{ regexMatch "(a+)+$" (repeat 5000 "a" | printf "%s!") }}',
        "repeat": '{{ repeat 2000000000 "x" }}',
        "range": "{{ range $i := until 30000 }}{{ range $j := until 30000 }}x{{ end }}{{ end }}",
        "list": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + "[" * 500 + "x" + "]" * 500 + "}",
    }
    async with world(a=SOURCE) as w:
        await w["a"].create(secret("p"))
        for name, text in bombs.items():
            await w.declare(flow("ConfigMap", text).replace("name: copy", f"name: c-{name}").replace("name: t}", f"name: t-{name}}}"))
        async with asyncio.timeout(25):
            for name in bombs:
                await w.until_row("SELECT * FROM fleet_trigger_matches WHERE event_trigger = :t", {"state": "failed"}, t=f"t-{name}")
