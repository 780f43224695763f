"""A folder that is followed: `fleetd run --manifests`."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission
from fleetd.service.manifests import AGAIN, ManifestFolder, Outcome
from fleetd.store.database import Database
from fleetd.store.reading import Reader

DOUBTFUL = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: balancers}
spec:
  resourceSelectors:
    - group: ""
      version: v1
      kind: Service
      evaluateCEL:
        - {name: balancer, rule: resource.spec.type == 'LoadBalancer'}
        - {name: ours, rule: resource.metadata.namespace.startsWith('shop-')}
"""
BROKEN = DOUBTFUL.replace("startsWith('shop-')", "startswith('shop-')")

SETTINGS = ObjectRef("ConfigMap", "", "default", "settings")


def config_map(name: str, mode: str = "plain") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{mode: {mode}}}\n"


@pytest.fixture
async def database(environment, master_key):
    opened = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    yield opened
    await opened.close()


@pytest.fixture
def followed(database, folder):
    return ManifestFolder(database, folder)


@pytest.fixture
def looks(followed, now):
    """Looks until nothing is on its way; the last outcome that says something."""

    async def run(later: timedelta = timedelta()):
        look = await followed.look(now + later)
        return look if look.outcome is not Outcome.UNSTEADY else await followed.look(now + later)

    return run


async def names(database: Database) -> list[str]:
    return [item.ref.name for item in await database.declared.list(SETTINGS.group_kind)]


async def test_what_is_in_the_folder_is_declared_and_followed(database, folder, looks):
    (folder / "sub").mkdir()
    (folder / "sub" / "a.yaml").write_text(config_map("settings"))
    (folder / ".git").mkdir()
    (folder / ".git" / "b.yaml").write_text(config_map("hidden"))
    (folder / "README.txt").write_text("no manifest")
    assert (await looks()).changed == ("ConfigMap/default/settings created",)
    assert (await looks()).outcome is Outcome.NOTHING
    (folder / "sub" / "a.yaml").write_text(config_map("settings", "fancy") + "---\n" + config_map("more"))
    assert (await looks()).changed == ("ConfigMap/default/settings configured", "ConfigMap/default/more created")
    (folder / "sub" / "a.yaml").write_text(config_map("more"))
    assert (await looks()).changed == ("ConfigMap/default/settings deleted",)
    assert await names(database) == ["more"]


async def test_nothing_is_done_while_the_folder_still_changes(folder, followed, now, database):
    (folder / "a.yaml").write_text(config_map("a"))
    assert (await followed.look(now)).outcome is Outcome.UNSTEADY
    (folder / "b.yaml").write_text(config_map("b"))
    assert (await followed.look(now)).outcome is Outcome.UNSTEADY
    assert await names(database) == []
    assert (await followed.look(now)).outcome is Outcome.DECLARED


async def test_an_invalid_file_changes_nothing_and_stands_in_the_journal(database, folder, looks, environment):
    (folder / "a.yaml").write_text(config_map("a"))
    await looks()
    (folder / "a.yaml").write_text(config_map("a", "fancy"))
    (folder / "b.yaml").write_text("kind: ConfigMapp\napiVersion: v1\nmetadata: {name: b}\n")
    refused = await looks()
    assert refused.outcome is Outcome.REFUSED
    assert f"{folder}/b.yaml:1:" in refused.reasons[0]
    assert (await database.declared.get(ObjectRef("ConfigMap", "", "default", "a"))).manifest["data"] == {"mode": "plain"}
    with Reader.open(environment["FLEETD_DATABASE"]) as reader:
        (entry,) = reader.rows("SELECT stage, decision, reason FROM fleet_journal WHERE decision = 'refused'")
    assert (entry["stage"], str(folder) in entry["reason"]) == ("declare", True)
    (folder / "b.yaml").write_text(config_map("b"))
    assert len((await looks()).changed) == 2


async def test_a_folder_that_is_away_is_not_an_empty_one(database, folder, looks):
    (folder / "a.yaml").write_text(config_map("a"))
    await looks()
    folder.rename(folder.with_name("elsewhere"))
    assert (await looks()).outcome is Outcome.AWAY
    assert await names(database) == ["a"]


async def test_losing_too_much_at_once_is_held(database, folder, looks):
    for number in range(12):
        (folder / f"{number:02}.yaml").write_text(config_map(f"c{number:02}"))
    await looks()
    for path in folder.iterdir():
        path.unlink()
    held = await looks()
    assert held.outcome is Outcome.HELD
    assert "12 of 12" in held.reasons[0]
    assert len(await names(database)) == 12
    for number in range(2):
        (folder / f"{number:02}.yaml").write_text(config_map(f"c{number:02}"))
    assert len((await looks()).changed) == 10


async def test_what_others_declared_is_not_touched(database, folder, looks, now):
    await Admission(database).apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "default"}, "data": {"a": "b"}}, now=now
    )
    (folder / "a.yaml").write_text(config_map("a"))
    await looks()
    (folder / "a.yaml").unlink()
    assert (await looks()).changed == ("ConfigMap/default/a deleted",)
    assert await names(database) == ["theirs"]


async def test_a_conflict_with_another_manager_is_told_and_tried_again(database, folder, looks, now):
    live = (
        await Admission(database).apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"}, "data": {"mode": "theirs"}},
            now=now,
        )
    ).ref
    (folder / "a.yaml").write_text(config_map("settings"))
    refused = await looks()
    assert refused.outcome is Outcome.REFUSED
    assert "fleetd-cli" in refused.reasons[0]
    await Admission(database).delete(live, now=now)
    assert (await looks()).outcome is Outcome.NOTHING
    assert (await looks(AGAIN)).changed == ("ConfigMap/default/settings created",)


async def test_another_folder_takes_nothing_of_the_first_away(database, folder, looks, tmp_path, now):
    (folder / "a.yaml").write_text(config_map("a"))
    await looks()
    other = tmp_path / "other"
    other.mkdir()
    second = ManifestFolder(database, other)
    await second.look(now)
    assert (await second.look(now)).changed == ()
    assert await names(database) == ["a"]


async def test_what_the_checker_doubts_is_told_of_the_folder_and_stands_in_the_journal_once(database, folder, looks, environment):
    (folder / "a.yaml").write_text(DOUBTFUL.lstrip())
    look = await looks()
    (warning,) = look.warnings
    assert (look.outcome, "[FD205]" in warning, f"{folder}/a.yaml:9:7:" in warning) == (Outcome.DECLARED, True, True)
    (folder / "b.yaml").write_text(config_map("b"))
    assert (await looks()).warnings == look.warnings
    with Reader.open(environment["FLEETD_DATABASE"]) as reader:
        rows = reader.rows("SELECT subject_ref, reason FROM fleet_journal WHERE decision = 'warned'")
    assert sorted(row["subject_ref"].split("/")[0] for row in rows) == ["EventSource.lib.projectsveltos.io", "Folder"]
    assert {row["reason"] for row in rows} == {warning}


async def test_a_condition_that_does_not_compile_is_refused_of_the_folder_too(database, folder, looks):
    (folder / "a.yaml").write_text(BROKEN.lstrip())
    refused = await looks()
    assert refused.outcome is Outcome.REFUSED
    assert f"{folder}/a.yaml:11:58: " in refused.reasons[0]
    assert "startsWith" in refused.reasons[0]
    assert await database.declared.list() == []


async def test_what_the_folder_refers_to_and_nobody_declared_is_a_warning_until_it_is(database, folder, looks):
    profile = "apiVersion: config.projectsveltos.io/v1beta1\nkind: ClusterProfile\nmetadata: {name: p}\nspec:\n"
    profile += "  clusterSelector: {matchLabels: {a: b}}\n  policyRefs: [{kind: ConfigMap, namespace: default, name: settings}]\n"
    (folder / "a.yaml").write_text(profile)
    assert [warning[-7:] for warning in (await looks()).warnings] == ["[FD407]"]
    (folder / "b.yaml").write_text(config_map("settings"))
    assert (await looks()).warnings == ()


async def test_links_that_go_in_circles_and_pipes_are_left_alone(folder, looks):
    (folder / "a.yaml").write_text(config_map("a"))
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.yaml")
    assert (await looks()).changed == ("ConfigMap/default/a created",)


async def test_a_file_of_another_encoding_is_refused_with_its_place(folder, looks):
    (folder / "a.yaml").write_bytes(config_map("a").encode("utf-16"))
    (folder / "b.yaml").write_bytes(b"kind: a\nb: \xff\n")
    refused = await looks()
    assert refused.outcome is Outcome.REFUSED
    assert [reason.removeprefix(f"{folder}/") for reason in refused.reasons] == [
        "a.yaml:1:1: the file is UTF-16: save it as UTF-8",
        "b.yaml:2:4: the file is no UTF-8 text: the byte 0xff is none of it",
    ]
