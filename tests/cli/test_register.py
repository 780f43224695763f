"""`fleetd cluster register` and its neighbours, against simulated clusters over HTTPS."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
import yaml

from fleetd.daemon import read_kubeconfig_text
from fleetd.domain.errors import InvalidInput
from fleetd.domain.records import MemberRecord
from fleetd.domain.states import ClusterState
from fleetd.service.membership import kubeconfig_ref, member_ref
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.database import Database


@pytest.fixture
async def fleet():
    async with SimulatedFleet([ClusterSpec("eu", {"env": "prod"}), ClusterSpec("us")], seed=3) as running:
        yield running


@pytest.fixture
def configs(fleet, tmp_path):
    """The kubeconfigs of the fleet, as files."""
    fleet.write_kubeconfigs(tmp_path / "kube")
    return tmp_path / "kube"


@pytest.fixture
async def database(environment, master_key):
    opened = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    yield opened
    await opened.close()


async def credentials(database: Database, name: str) -> dict[str, object]:
    """The kubeconfig that was stored for a member."""
    secret = await database.declared.get(kubeconfig_ref(name))
    value: dict[str, object] = yaml.safe_load(base64.b64decode(secret.manifest["data"]["kubeconfig"]))
    return value


async def test_a_cluster_is_reached_named_and_declared(beside, configs, database, fleet):
    done = await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.yaml"), "--labels", "env=prod,region=eu")
    assert (done.code, done.lines) == (0, ["sveltoscluster.lib.projectsveltos.io/eu created"])
    assert "default/eu: reached, Kubernetes" in done.err
    assert "only a daemon that runs here" in done.err
    member = await database.declared.get(member_ref("eu"))
    assert member.manifest["metadata"]["labels"] == {"env": "prod", "region": "eu"}
    token = fleet.clusters["eu"].admin_token
    assert token not in done.out + done.err
    assert (await credentials(database, "eu"))["users"][0]["user"]["token"] == token


async def test_registering_again_keeps_labels_and_adds_new_ones(beside, configs, database):
    arguments = ("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.yaml"))
    await beside(*arguments, "--labels", "env=prod")
    again = await beside(*arguments)
    assert again.lines == ["sveltoscluster.lib.projectsveltos.io/eu unchanged"]
    assert "the same credentials" in again.err
    assert (await beside(*arguments, "--labels", "tier=gold")).lines == ["sveltoscluster.lib.projectsveltos.io/eu configured"]
    assert (await database.declared.get(member_ref("eu"))).manifest["metadata"]["labels"] == {"env": "prod", "tier": "gold"}


async def test_who_may_not_even_say_which_cluster_it_is_is_refused(beside, configs, database):
    done = await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.limited.yaml"))
    assert done.code == 4
    assert "nothing was registered" in done.err
    assert await database.declared.get(member_ref("eu")) is None


async def test_missing_rights_are_printed_and_do_not_hinder(beside, configs, fleet, database):
    cluster = fleet.clusters["eu"]
    for manifest in (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "watcher"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "watcher"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "watcher"},
            "subjects": [{"kind": "User", "name": "limited"}],
        },
    ):
        await cluster.apply(manifest)
    done = await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.limited.yaml"))
    assert done.code == 0
    assert "it may not create every resource" in done.err
    assert "list every resource" not in done.err


async def test_a_cluster_that_does_not_answer_is_exit_code_3_unless_it_is_registered_unseen(beside, configs, fleet, database):
    await fleet.remove("us")
    arguments = ("cluster", "register", "us", "--kubeconfig", str(configs / "us.yaml"))
    refused = await beside(*arguments)
    assert (refused.code, refused.out) == (3, "")
    assert "--skip-check" in refused.err
    assert (await beside(*arguments, "--skip-check")).code == 0


async def test_a_service_account_takes_the_place_of_the_operators_credentials(beside, configs, database, fleet):
    done = await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.yaml"), "--create-service-account")
    assert done.code == 0
    assert "kind: ClusterRole" in done.err
    assert "as system:serviceaccount:projectsveltos:fleetd" in done.err
    assert "its token ends at" in done.err
    token = (await credentials(database, "eu"))["users"][0]["user"]["token"]
    assert token != fleet.clusters["eu"].admin_token
    assert token not in done.out + done.err
    assert await fleet.clusters["eu"].get("v1", "ServiceAccount", "projectsveltos", "fleetd") is not None


async def test_every_context_becomes_a_member(beside, configs, database):
    done = await beside("cluster", "register", "lab", "--kubeconfig", str(configs / "merged.yaml"), "--all-contexts", "-n", "test")
    assert done.lines == [f"sveltoscluster.lib.projectsveltos.io/lab-{name} created" for name in ("eu", "us")]
    assert await database.declared.get(member_ref("lab-us", "test")) is not None


async def test_a_context_that_is_away_does_not_hinder_the_others(beside, configs, database, fleet):
    await fleet.remove("eu")
    done = await beside("cluster", "register", "--kubeconfig", str(configs / "merged.yaml"), "--all-contexts")
    assert (done.code, done.lines) == (3, ["sveltoscluster.lib.projectsveltos.io/us created"])
    assert "default/eu" in done.err


async def test_files_that_it_names_are_put_into_it(beside, configs, database, fleet):
    config = yaml.safe_load((configs / "eu.yaml").read_text())
    (configs / "token").write_text(config["users"][0]["user"].pop("token"))
    config["users"][0]["user"]["tokenFile"] = "token"
    ca = base64.b64decode(config["clusters"][0]["cluster"].pop("certificate-authority-data"))
    (configs / "ca.pem").write_bytes(ca)
    config["clusters"][0]["cluster"]["certificate-authority"] = "ca.pem"
    (configs / "files.yaml").write_text(yaml.safe_dump(config))
    assert (await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "files.yaml"))).code == 0
    stored = await credentials(database, "eu")
    assert stored["users"][0]["user"]["token"] == fleet.clusters["eu"].admin_token
    assert base64.b64decode(stored["clusters"][0]["cluster"]["certificate-authority-data"]) == ca


async def test_a_program_is_kept_by_leave_only(beside, configs, database):
    config = yaml.safe_load((configs / "eu.yaml").read_text())
    plugin = configs / "plugin"
    token = config["users"][0]["user"].pop("token")
    status = f'{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}"}}}}'
    plugin.write_text(f"#!/bin/sh\necho '{status}'\n")
    plugin.chmod(0o700)
    config["users"][0]["user"]["exec"] = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}
    (configs / "exec.yaml").write_text(yaml.safe_dump(config))
    arguments = ("cluster", "register", "eu", "--kubeconfig", str(configs / "exec.yaml"))
    refused = await beside(*arguments)
    assert refused.code == 2
    assert "--allow-exec" in refused.err
    assert (await beside(*arguments, "--allow-exec", str(plugin))).code == 0
    assert (await beside(*arguments, "--create-service-account")).code == 0
    assert "exec" not in (await credentials(database, "eu"))["users"][0]["user"]


async def test_one_cluster_is_one_member(beside, configs, database, fleet):
    uid = (await fleet.clusters["eu"].get("v1", "Namespace", "", "kube-system"))["metadata"]["uid"]
    at = datetime.now(UTC)
    about = {"namespace": "default", "kind": "SveltosCluster", "state": ClusterState.READY, "reason": "", "since": at}
    await database.commit([MemberRecord(cluster="default/first", name="first", ready=True, paused=False, uid=uid, **about)])
    twice = await beside("cluster", "register", "second", "--kubeconfig", str(configs / "eu.yaml"))
    assert twice.code == 4
    assert "default/first" in twice.err
    assert (await beside("cluster", "register", "first", "--kubeconfig", str(configs / "eu.yaml"))).code == 0
    other = await beside("cluster", "update-credentials", "first", "--kubeconfig", str(configs / "us.yaml"))
    assert other.code == 4
    assert "another cluster" in other.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--kubeconfig", "eu.yaml"),
        ("eu", "--kubeconfig", "nowhere.yaml"),
        ("eu", "--kubeconfig", "broken.yaml"),
        ("eu", "--kubeconfig", "eu.yaml", "--context", "nope"),
        ("--kubeconfig", "merged.yaml", "--all-contexts", "--context", "eu"),
        ("eu", "--kubeconfig", "eu.yaml", "--labels", "env"),
        ("eu",),
    ],
    ids=" ".join,
)
async def test_wrong_input_registers_nothing(beside, configs, database, arguments):
    (configs / "broken.yaml").write_text("users: [{token: sesame")
    done = await beside("cluster", "register", *(str(configs / word) if word.endswith(".yaml") else word for word in arguments))
    assert (done.code, done.out) == (2, "")
    assert "sesame" not in done.err
    assert await database.declared.list(member_ref("x").group_kind) == []


ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


@pytest.mark.parametrize("text", [f"a: {'[' * 20_000}{']' * 20_000}", ALIASES, "a: 1\n---\na: 2\n"], ids=["deep", "aliases", "two"])
async def test_a_kubeconfig_that_means_harm_ends_with_a_sentence(beside, configs, database, text):
    (configs / "harm.yaml").write_text(text)
    done = await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "harm.yaml"))
    assert (done.code, done.out) == (2, "")
    assert "is no YAML that can be taken: look at line" in done.err
    with pytest.raises(InvalidInput, match="look at its line"):
        read_kubeconfig_text(text)


async def test_new_credentials_need_a_member(beside, configs, database):
    assert (await beside("cluster", "update-credentials", "eu", "--kubeconfig", str(configs / "eu.yaml"))).code == 1


async def test_a_member_is_labeled_paused_resumed_and_let_go(beside, configs, database):
    await beside("cluster", "register", "eu", "--kubeconfig", str(configs / "eu.yaml"), "--labels", "env=prod")
    labeled = await beside("cluster", "label", "eu", "env=test", "old-")
    assert (labeled.code, labeled.lines) == (0, ["sveltoscluster.lib.projectsveltos.io/eu labeled"])
    assert "env: prod → test" in labeled.err
    assert (await beside("cluster", "label", "eu")).code == 2
    assert (await beside("cluster", "label", "nope", "a=b")).code == 1
    assert (await beside("cluster", "pause", "eu")).lines == ["sveltoscluster.lib.projectsveltos.io/eu paused"]
    assert (await database.declared.get(member_ref("eu"))).manifest["spec"]["paused"] is True
    assert (await beside("cluster", "resume", "eu")).lines == ["sveltoscluster.lib.projectsveltos.io/eu resumed"]
    assert (await beside("cluster", "deregister", "eu")).lines == ["sveltoscluster.lib.projectsveltos.io/eu deregistered"]
    assert await database.declared.get(kubeconfig_ref("eu")) is None
    assert (await beside("cluster", "deregister", "eu")).code == 1
