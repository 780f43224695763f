"""Who we say we are, whom we believe, and what a kubeconfig may not do."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import base64
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from fleetd.cluster.address import GuardedResolver
from fleetd.cluster.connect import connect
from fleetd.cluster.credentials import Credentials, FileSource, token_end
from fleetd.cluster.errors import ClusterDown
from fleetd.cluster.incluster import in_cluster_kubeconfig
from fleetd.cluster.kubeconfig import read_kubeconfig
from fleetd.cluster.settings import ClusterSettings
from fleetd.cluster.tls import _pipe, client_context
from fleetd.domain.errors import InvalidInput, NotPermitted, Unreachable
from fleetd.domain.refs import GroupVersionKind
from fleetd.kubeapi.exchange import User

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def jwt(ends: float) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"exp": int(ends)})]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"])


def admitting(scripted, *tokens: str):
    """Only these tokens are known to the server; returns those that were shown."""
    shown: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        shown.append(request.headers.get("Authorization", ""))
        if shown[-1] not in {f"Bearer {token}" for token in tokens}:
            return web.json_response({"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}, status=401)
        return web.json_response({"kind": "ConfigMap", "metadata": {"name": "it"}})

    scripted.other = answer
    return shown


async def test_a_token_is_shown(scripted, connected, words):
    shown = admitting(scripted, words.token)
    assert await (await connected()).read(CONFIG_MAP, "shop", "it")
    assert shown == [f"Bearer {words.token}"]


async def test_a_token_that_is_not_taken_is_not_permitted_and_not_repeated(scripted, connected, words):
    shown = admitting(scripted)
    with pytest.raises(NotPermitted) as raised:
        await (await connected()).read(CONFIG_MAP, "shop", "it")
    assert len(shown) == 1
    assert words.token not in str(raised.value)


async def test_a_rotated_token_file_needs_no_restart(scripted, connected, tmp_path):
    file = tmp_path / "token"
    file.write_text("first\n")
    admitting(scripted, "first")
    cluster = await connected(scripted.kubeconfig(tokenFile=str(file)), allow_files=True)
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    shown = admitting(scripted, "second")
    file.write_text("second\n")
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    assert shown == ["Bearer first", "Bearer second"]


async def test_a_token_file_is_read_again_before_its_token_ends(tmp_path):
    file = tmp_path / "token"
    ending, next_one = jwt(time.time() + 5), jwt(time.time() + 5000)
    file.write_text(ending)
    settings = ClusterSettings(token_margin_seconds=0.0)
    credentials = Credentials(FileSource(str(file)), settings, every=0.0)
    assert (await credentials.current()).token == f"Bearer {ending}"
    file.write_text(next_one)
    assert (await credentials.current()).token == f"Bearer {next_one}"


async def test_a_vanished_token_file_leaves_the_token_that_is_held(tmp_path):
    file = tmp_path / "token"
    file.write_text("held")
    credentials = Credentials(FileSource(str(file)), ClusterSettings(), every=0.0)
    assert (await credentials.current()).token == "Bearer held"
    file.unlink()
    assert (await credentials.current()).token == "Bearer held"


def test_the_end_of_a_token_is_read_from_it():
    assert token_end(jwt(1_700_000_000)) == 1_700_000_000
    assert [token_end(text) for text in ("", "a.b.c", "opaque", "a.!!.c", f"a.{encoded(b'[]')}.c")] == [0.0] * 5


PLUGIN = """\
import json, os, sys
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert "FLEETD_SECRET" not in os.environ
counter = sys.argv[1]
number = int(open(counter).read()) + 1
open(counter, "w").write(str(number))
print(json.dumps({"apiVersion": info["apiVersion"], "kind": "ExecCredential", "status": {"token": f"plugin-{number}"}}))
"""


def plugin_user(tmp_path: Path, program: str = PLUGIN) -> dict[str, Any]:
    (tmp_path / "plugin.py").write_text(program)
    (tmp_path / "count").write_text("0")
    args = [str(tmp_path / "plugin.py"), str(tmp_path / "count")]
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": args}}


async def test_a_plugin_runs_only_when_it_is_allowed(scripted, connected, tmp_path):
    with pytest.raises(InvalidInput, match="not allowed"):
        await connected(scripted.kubeconfig(**plugin_user(tmp_path)))
    assert (tmp_path / "count").read_text() == "0"


async def test_an_allowed_plugin_is_asked_again_when_its_token_is_refused(scripted, connected, tmp_path, monkeypatch):
    monkeypatch.setenv("FLEETD_SECRET", "the master key")
    admitting(scripted, "plugin-1")
    cluster = await connected(scripted.kubeconfig(**plugin_user(tmp_path)), allowed_exec=frozenset({sys.executable}))
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    shown = admitting(scripted, "plugin-2")
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    assert shown == ["Bearer plugin-1", "Bearer plugin-2"]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("print('canary'); raise SystemExit(3)", "ended with 3"),
        ("print('canary')", "printed no ExecCredential"),
        ("import sys\nfor line in iter(lambda: 'canary' * 1000, ''): sys.stdout.write(line)", "printed more than"),
        ("import signal; print('canary', flush=True); signal.pause()", "within 1 s"),
    ],
)
async def test_a_broken_plugin_is_ended_and_its_output_kept_out_of_the_error(program, says, scripted, connected, tmp_path):
    user = plugin_user(tmp_path, program)
    cluster = await connected(scripted.kubeconfig(**user), allowed_exec=frozenset({sys.executable}), exec_seconds=1.0)
    with pytest.raises(Unreachable, match=says) as raised:
        await cluster.read(CONFIG_MAP, "shop", "it")
    assert "canary" not in str(raised.value)


async def test_a_client_certificate_is_shown_and_touches_no_disk(secured, authority, connected, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pair = authority.client(User("eve", ("ops",)))
    kubeconfig = secured.kubeconfig(**{"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)})
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = encoded(authority.pem)
    seen: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.get_extra_info("peercert")["subject"])
        return web.json_response({"kind": "ConfigMap", "metadata": {"name": "it"}})

    secured.other = answer
    assert await (await connected(kubeconfig)).read(CONFIG_MAP, "shop", "it")
    assert (("commonName", "eve"),) in seen[0]
    assert not list(tmp_path.iterdir())


async def test_a_certificate_from_a_plugin_is_shown(secured, authority, connected, tmp_path):
    pair = authority.client(User("plug", ()))
    given = {"clientCertificateData": pair.certificate.decode(), "clientKeyData": pair.key.decode()}
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": given}
    kubeconfig = secured.kubeconfig(**plugin_user(tmp_path, f"print({json.dumps(json.dumps(document))})"))
    kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = encoded(authority.pem)
    seen: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.get_extra_info("peercert")["subject"])
        return web.json_response({"kind": "ConfigMap", "metadata": {"name": "it"}})

    secured.other = answer
    cluster = await connected(kubeconfig, allowed_exec=frozenset({sys.executable}))
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    assert (("commonName", "plug"),) in seen[0]


@pytest.mark.parametrize("server", ["http://10.0.0.1:8080", "http://prod.example.com"])
async def test_no_token_travels_in_the_clear(server, scripted, connected):
    kubeconfig = scripted.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = server
    with pytest.raises(InvalidInput, match="plain http"):
        await connected(kubeconfig)


async def test_a_server_of_another_authority_is_not_believed(secured, connected):
    with pytest.raises(ClusterDown, match="its certificate was refused"):
        await (await connected(secured.kubeconfig())).identity()
    assert secured.asked == []


async def test_a_server_of_another_name_is_not_believed(secured, authority, connected):
    kubeconfig = secured.kubeconfig(token="t")
    kubeconfig["clusters"][0]["cluster"] |= {"certificate-authority-data": encoded(authority.pem), "tls-server-name": "other.example"}
    with pytest.raises(ClusterDown, match="its certificate was refused"):
        await (await connected(kubeconfig)).identity()


def test_no_certificate_of_the_system_is_trusted_beside_a_given_one(authority):
    context = client_context(ca=authority.pem, certificate=b"", key=b"", verify=True)
    assert len(context.get_ca_certs()) == 1


def test_a_key_comes_through_a_pipe_where_there_are_no_memory_files():
    content = os.urandom(300_000)
    with _pipe(content) as path:
        assert Path(path).read_bytes() == content


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda config: config.pop("clusters"), "no list of clusters"),
        (lambda config: config.update({"current-context": "other"}), "no context named 'other' \\(there are: it\\)"),
        (lambda config: config["users"].append(config["users"][0]), "2 user named 'it'"),
        (lambda config: config["clusters"][0]["cluster"].update(server="file:///etc/passwd"), "no plain http"),
        (lambda config: config["clusters"][0]["cluster"].update(server="https://user:canary@host"), "no plain http"),
        (lambda config: config["clusters"][0]["cluster"].update({"certificate-authority-data": "canary!"}), "is no base64"),
        (lambda config: config["clusters"][0]["cluster"].update({"certificate-authority-data": encoded(b"canary")}), "holds no PEM"),
        (lambda config: config["clusters"][0]["cluster"].update({"certificate-authority": "/etc/canary"}), "names files"),
        (lambda config: config["clusters"][0]["cluster"].update({"proxy-url": "socks5://canary"}), "proxy-url"),
        (lambda config: config["clusters"][0]["cluster"].update({"insecure-skip-tls-verify": "canary"}), "neither true nor false"),
        (lambda config: config["users"][0].update(user={"tokenFile": "/etc/shadow"}), "names files"),
        (lambda config: config["users"][0].update(user={"token": "can\r\nary"}), "no token has"),
        (lambda config: config["users"][0].update(user={"as": "root"}), "impersonates"),
        (lambda config: config["users"][0].update(user={"auth-provider": {"name": "gcp"}}), "not oidc"),
        (lambda config: config["users"][0].update(user={"exec": {"args": []}}), "names no command"),
        (lambda config: config["users"][0].update(user={"client-certificate-data": encoded(b"-----BEGIN")}), "no client key"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_refused_with_the_place(change, says, scripted):
    config = json.loads(json.dumps(scripted.kubeconfig()))
    change(config)
    with pytest.raises(InvalidInput, match=says) as raised:
        read_kubeconfig(config)
    if "names files" not in says:
        assert "canary" not in str(raised.value)


ODD_ADDRESSES = ["http://[", "https://a:99999", "https://a:0", "https://\u2100", "http://a b", "http://a\n", "//a", "https://", "https:a"]
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["it", *ODD_ADDRESSES])
ODDER = st.recursive(ODD, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4)
PLACES = [
    ("clusters",),
    ("users",),
    ("contexts",),
    ("current-context",),
    ("clusters", 0),
    ("clusters", 0, "cluster"),
    ("clusters", 0, "cluster", "server"),
    ("clusters", 0, "cluster", "certificate-authority-data"),
    ("clusters", 0, "cluster", "proxy-url"),
    ("users", 0, "user"),
    ("users", 0, "user", "token"),
    ("users", 0, "user", "exec"),
    ("users", 0, "user", "auth-provider"),
    ("contexts", 0, "context"),
    ("contexts", 0, "context", "user"),
]


@pytest.mark.parametrize("server", ODD_ADDRESSES)
def test_an_address_that_is_none_is_refused(server, scripted):
    config = scripted.kubeconfig()
    config["clusters"][0]["cluster"]["server"] = server
    with pytest.raises(InvalidInput, match="no plain http"):
        read_kubeconfig(config)


@given(place=st.sampled_from(PLACES), odd=ODDER)
def test_any_nonsense_in_a_kubeconfig_is_refused_in_one_way(place, odd):
    config: Any = {
        "clusters": [{"name": "it", "cluster": {"server": "https://it"}}],
        "users": [{"name": "it", "user": {"token": "t"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    inner = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    with suppress(InvalidInput):
        assert read_kubeconfig(config).server


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "[fd00:ec2::254]", "224.0.0.1"])
async def test_addresses_where_clouds_keep_credentials_are_refused(host, scripted, connected):
    kubeconfig = scripted.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = f"http://{host}/"
    with pytest.raises(InvalidInput, match="link-local"):
        await connected(kubeconfig)


async def test_a_name_that_leads_to_such_an_address_is_refused_too():
    resolver = GuardedResolver()
    with pytest.raises(OSError, match="link-local"):
        await resolver.resolve("169.254.169.254", 80)
    assert [found["host"] for found in await resolver.resolve("127.0.0.1", 80)] == ["127.0.0.1"]
    await resolver.close()


async def test_connections_keep_small_read_ahead_buffers(connected):
    await connected()
    assert asyncio.sslproto.SSLProtocol.max_size == 16 * 1024


def test_a_pod_finds_its_own_cluster():
    kubeconfig = in_cluster_kubeconfig({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}, "/account")
    access = read_kubeconfig(kubeconfig, allow_files=True)
    assert access.server == "https://[fd00::1]:443"
    assert access.files == ("/account/ca.crt", "/account/token")


async def test_outside_of_a_pod_that_is_said(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InvalidInput, match="no Kubernetes pod"):
        await connect("mgmt/mgmt", "in-cluster", settings=ClusterSettings())


def test_the_thousand_models_of_kubernetes_asyncio_are_never_loaded():
    program = (
        "import sys, fleetd.cluster.connect\n"
        "print([name for name in sys.modules if name.startswith(('kubernetes_asyncio.client.models', 'kubernetes_asyncio.client.api.'))])\n"
        "import kubernetes_asyncio.client\n"
        "print(kubernetes_asyncio.client.CoreV1Api.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["[]", "CoreV1Api"]


def issuing(secured, *tokens: str):
    """An identity provider that takes refresh tokens r0, r1 … in turn, and gives these tokens."""
    taken: list[str] = []
    left = list(tokens)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/.well-known/openid-configuration":
            return web.json_response({"token_endpoint": f"{secured.url}/token"})
        taken.append(str((await request.post())["refresh_token"]))
        return web.json_response({"id_token": left.pop(0), "refresh_token": f"r{len(taken)}"})

    secured.other = answer
    return taken


def oidc_user(secured, authority, **config: str) -> dict[str, Any]:
    known = {"idp-issuer-url": secured.url, "client-id": "fleetd", "client-secret": "canary", "refresh-token": "r0"}
    return {"auth-provider": {"name": "oidc", "config": known | {"idp-certificate-authority-data": encoded(authority.pem)} | config}}


async def test_an_identity_provider_is_asked_when_its_token_ends_or_is_refused(scripted, secured, authority, connected):
    fresh, newer = jwt(time.time() + 5000), jwt(time.time() + 6000)
    taken = issuing(secured, fresh, newer)
    admitting(scripted, fresh)
    cluster = await connected(scripted.kubeconfig(**oidc_user(secured, authority, **{"id-token": jwt(time.time() - 5)})))
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    admitting(scripted, newer)
    assert await cluster.read(CONFIG_MAP, "shop", "it")
    assert taken == ["r0", "r1"]


async def test_no_secret_goes_to_an_identity_provider_that_cannot_be_verified(scripted, secured, authority, connected):
    taken = issuing(secured, "x")
    other = type(authority)(datetime.now(UTC)).pem
    user = oidc_user(secured, authority, **{"idp-certificate-authority-data": encoded(other)})
    with pytest.raises(Unreachable, match="gave no token") as raised:
        await (await connected(scripted.kubeconfig(**user))).identity()
    assert taken == []
    assert secured.asked == []
    assert "canary" not in str(raised.value)
