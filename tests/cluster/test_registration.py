"""An operator's kubeconfig becomes one that stands alone, with fleetd's own account if so wished."""

from __future__ import annotations

import base64
import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from fleetd.cluster.kubeconfig import Access, ExecPlugin, Oidc, read_kubeconfig
from fleetd.cluster.registration import contexts, kubeconfig_of, loopback, self_contained
from fleetd.cluster.rights import EVERYTHING, Right, missing_rights, said
from fleetd.cluster.service_account import account_manifests, issue, with_token
from fleetd.domain.errors import InvalidInput

PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
FILES = {"ca.crt": PEM, "me.crt": PEM + b"me", "me.key": b"-----BEGIN PRIVATE KEY-----\n", "token": b"secret-token\n"}
OPERATORS = {
    "clusters": [
        {"name": "prod", "cluster": {"server": "https://prod:6443/", "certificate-authority": "ca.crt", "proxy-url": "http://proxy:1"}}
    ],
    "users": [
        {"name": "files", "user": {"client-certificate": "me.crt", "client-key": "me.key", "tokenFile": "token"}},
        {"name": "program", "user": {"exec": {"command": "aws", "args": ["eks", "get-token"], "env": None}}},
    ],
    "contexts": [
        {"name": "with-files", "context": {"cluster": "prod", "user": "files"}},
        {"name": "with-program", "context": {"cluster": "prod", "user": "program"}},
    ],
    "current-context": "with-files",
}


def test_files_become_part_of_the_kubeconfig():
    alone = self_contained(OPERATORS, "", read_file=FILES.__getitem__)
    access = read_kubeconfig(alone)
    assert access == Access(
        server="https://prod:6443", ca=PEM, certificate=PEM + b"me", key=FILES["me.key"], token="secret-token", proxy="http://proxy:1"
    )
    assert json.loads(json.dumps(alone)) == alone


def test_a_file_that_is_not_there_is_named():
    def absent(path: str) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", path)

    with pytest.raises(InvalidInput, match=r"ca\.crt, which cannot be read \(No such file or directory\)"):
        self_contained(OPERATORS, "with-files", read_file=absent)


def test_a_program_stays_only_by_explicit_leave():
    with pytest.raises(InvalidInput, match="--allow-exec aws"):
        self_contained(OPERATORS, "with-program", read_file=FILES.__getitem__)
    alone = self_contained(OPERATORS, "with-program", read_file=FILES.__getitem__, allowed_exec=frozenset({"aws"}))
    plugin = read_kubeconfig(alone).plugin
    assert plugin is not None
    assert (plugin.command, plugin.args) == ("aws", ("eks", "get-token"))


def test_all_contexts_are_found():
    assert contexts(OPERATORS) == ("with-files", "with-program")


WORDS = st.text("abcdefgh-", min_size=1, max_size=8)
PEMS = st.sampled_from([b"", PEM])


@given(
    access=st.builds(
        Access,
        server=WORDS.map(lambda word: f"https://x{word}"),
        ca=PEMS,
        token=st.just("") | WORDS,
        username=st.just("") | WORDS,
        plugin=st.none() | st.builds(ExecPlugin, WORDS, st.lists(WORDS).map(tuple), st.dictionaries(WORDS, WORDS), WORDS),
        oidc=st.none() | st.builds(Oidc, st.just("https://issuer"), WORDS, WORDS, WORDS, WORDS, PEMS),
        server_name=st.just("") | WORDS,
        verify=st.booleans(),
    )
)
def test_a_written_kubeconfig_reads_back_as_it_was(access):
    assert read_kubeconfig(kubeconfig_of(access)) == access


@pytest.mark.parametrize(
    ("server", "inside"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://localhost", True),
        ("https://[::1]:6443", True),
        ("https://kind.localhost:1", True),
        ("https://10.0.0.1", False),
        ("https://prod.example.com", False),
    ],
)
def test_an_address_that_leads_to_this_machine_only_is_known(server, inside):
    assert loopback(server) is inside


def test_the_accounts_role_is_there_to_be_shown():
    rules = ({"apiGroups": ("",), "resources": ("services",), "verbs": ("list", "watch")},)
    namespace, account, role, binding = account_manifests(rules)
    assert (namespace["metadata"], account["metadata"]) == ({"name": "projectsveltos"}, {"name": "fleetd", "namespace": "projectsveltos"})
    assert role["rules"] == [{"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "fleetd", "namespace": "projectsveltos"}]


def test_the_accounts_kubeconfig_has_nothing_of_the_operators_left():
    operators = self_contained(OPERATORS, "with-files", read_file=FILES.__getitem__)
    access = read_kubeconfig(with_token(operators, "", "new"))
    assert access == Access(server="https://prod:6443", ca=PEM, token="new", proxy="http://proxy:1")


async def test_the_token_is_asked_for_with_an_end(scripted, connected):
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((request.path, await request.json()))
        granted = {"token": "granted", "expirationTimestamp": "2030-01-01T00:00:00Z"}
        return web.json_response({"kind": "TokenRequest", "status": granted}, status=201)

    scripted.other = answer
    issued = await issue(await connected(), scripted.kubeconfig(), "", seconds=3600)
    assert asked[0][0] == "/api/v1/namespaces/projectsveltos/serviceaccounts/fleetd/token"
    assert asked[0][1]["spec"] == {"expirationSeconds": 3600}
    assert (read_kubeconfig(issued.kubeconfig).token, issued.expires) == ("granted", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize("seconds", [0, 599, 10**9])
async def test_a_token_for_ever_is_not_asked_for(seconds, scripted, connected):
    with pytest.raises(InvalidInput, match="a token lives between"):
        await issue(await connected(), scripted.kubeconfig(), "", seconds=seconds)


async def test_missing_rights_are_named(scripted, connected):
    async def answer(request: web.Request) -> web.StreamResponse:
        attributes = (await request.json())["spec"]["resourceAttributes"]
        return web.json_response({"status": {"allowed": attributes["verb"] != "patch", "reason": "no role"}}, status=201)

    scripted.other = answer
    cluster = await connected()
    missing = await missing_rights(cluster.api, EVERYTHING, cluster.settings)
    assert [one.right for one in missing] == [Right("patch", "*", "*")]
    assert said(missing) == "it may not patch every resource"
    assert said(()) == ""


def test_certificates_are_base64_of_pem():
    cluster = kubeconfig_of(Access("https://x", ca=PEM))["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]) == PEM
