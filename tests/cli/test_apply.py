"""`fleetd apply` and `fleetd delete`."""

from __future__ import annotations

import json

import pytest


def test_it_says_what_became_of_each_object_as_kubectl_does(on_database, samples):
    assert on_database("apply", "-f", "-", given=samples.all()).lines == [
        "eventsource.lib.projectsveltos.io/services created",
        "eventtrigger.lib.projectsveltos.io/mirror created",
        "configmap/settings created",
    ]
    changed = on_database("apply", "-f", "-", given=samples.all().replace("plain", "fancy"))
    assert [line.split()[-1] for line in changed.lines] == ["unchanged", "unchanged", "configured"]
    assert changed.code == 0


def test_one_invalid_document_stops_all_and_every_mistake_is_told_with_its_place(fleetd, samples, folder):
    (folder / "a.yaml").write_text(samples.source.lstrip())
    (folder / "sub").mkdir()
    (folder / "sub" / "b.yaml").write_text(samples.source.lstrip().replace("collectResources", "collectResource"))
    (folder / "sub" / "c.json").write_text('{"apiVersion": "v1", "kind": "ConfigMapp", "metadata": {"name": "x"}}')
    refused = fleetd("apply", "-f", str(folder))
    assert refused.code == 2
    assert refused.out == ""
    assert f"{folder}/sub/b.yaml:7:3:" in refused.err
    assert "collectResources" in refused.err
    assert f"{folder}/sub/c.json:1:" in refused.err
    assert "nothing was applied" in refused.err
    assert fleetd("apply", "-f", str(folder / "a.yaml")).lines == ["eventsource.lib.projectsveltos.io/services created"]


def test_text_that_is_no_yaml_is_told_with_its_place(fleetd, folder):
    (folder / "a.yaml").write_text("kind: ConfigMap\n  name: x\n")
    refused = fleetd("apply", "-f", str(folder))
    assert refused.code == 2
    assert f"{folder}/a.yaml:2:" in refused.err


def test_a_dry_run_says_the_same_and_writes_nothing(fleetd, samples):
    assert fleetd("apply", "-f", "-", given=samples.source).code == 0
    assert fleetd("apply", "-f", "-", "--dry-run", given=samples.config_map).lines == ["configmap/settings created (dry run)"]
    assert fleetd("get", "configmap", "settings").code == 1


def test_a_list_as_kubectl_writes_it_is_taken(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.config_map)
    listed = fleetd("get", "configmaps", "-o", "json")
    again = fleetd("apply", "-f", "-", given=listed.out)
    assert (again.code, again.lines) == (0, ["configmap/settings unchanged"])


def test_what_is_not_acted_on_yet_is_told_on_stderr(fleetd, samples):
    done = fleetd("apply", "-f", "-", given=samples.source + "  messagingMatchCriteria: [{subject: a}]\n")
    assert done.code == 0
    assert "not acted on yet" in done.err
    assert "warning" not in done.out


def test_pruning_takes_away_what_was_applied_with_the_label_and_is_in_no_file_any_more(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.all())
    fleetd("apply", "-f", "-", given=samples.config_map.replace("settings", "other").replace("shop", "else"))
    arguments = ("apply", "-f", "-", "--prune", "-l", "team=shop")
    foreseen = fleetd(*arguments, "--dry-run", given=samples.source)
    assert sorted(line for line in foreseen.lines if "pruned" in line) == [
        "configmap/settings pruned (dry run)",
        "eventtrigger.lib.projectsveltos.io/mirror pruned (dry run)",
    ]
    fleetd(*arguments, given=samples.source)
    assert fleetd("get", "all", "-A", "-o", "name").lines == ["eventsource.lib.projectsveltos.io/services", "configmap/other"]


def test_pruning_without_labels_is_refused(fleetd, samples):
    assert fleetd("apply", "-f", "-", "--prune", given=samples.source).code == 2


def test_a_namespace_is_given_to_what_names_none_and_another_one_is_refused(fleetd, samples):
    fleetd("apply", "-f", "-", "-n", "shop", given=samples.config_map)
    assert fleetd("get", "cm", "settings", "-n", "shop").code == 0
    other = samples.config_map.replace("{name: settings", "{name: settings, namespace: store")
    assert fleetd("apply", "-f", "-", "-n", "shop", given=other).code == 2


def test_a_redacted_secret_is_not_taken_for_its_value(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.secret)
    shown = fleetd("get", "secret", "token", "-o", "yaml").out
    refused = fleetd("apply", "-f", "-", given=shown)
    assert refused.code == 2
    assert "not its value" in refused.err


@pytest.mark.parametrize("arguments", [("-f", "nowhere.yaml"), ("-f", "https://example.com/x.yaml"), ()])
def test_what_cannot_be_read_is_bad_input(fleetd, arguments):
    assert fleetd("apply", *arguments).code == 2


def test_an_empty_folder_is_bad_input_and_not_an_empty_wish(fleetd, folder):
    assert "no .yaml" in fleetd("apply", "-f", str(folder)).err


def test_a_field_that_another_manager_applied_is_a_conflict_until_it_is_forced(fleetd, samples, folder, environment, master_key):
    import asyncio
    from datetime import UTC, datetime

    from fleetd.service.manifests import ManifestFolder
    from fleetd.store.database import Database

    async def follow() -> None:
        database = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
        followed = ManifestFolder(database, folder)
        for _ in range(2):
            await followed.look(datetime.now(UTC))
        await database.close()

    (folder / "a.yaml").write_text(samples.config_map)
    asyncio.run(follow())
    changed = samples.config_map.replace("plain", "fancy")
    refused = fleetd("apply", "-f", "-", given=changed)
    assert refused.code == 4
    assert "fleetd-manifests" in refused.err
    assert fleetd("apply", "-f", "-", "--force-conflicts", given=changed).lines == ["configmap/settings configured"]


def test_delete_takes_names_and_files(fleetd, samples, folder):
    fleetd("apply", "-f", "-", given=samples.all())
    (folder / "a.yaml").write_text(samples.source)
    assert fleetd("delete", "cm", "settings").lines == ['configmap "settings" deleted']
    assert fleetd("delete", "-f", str(folder)).lines == ['eventsource.lib.projectsveltos.io "services" deleted']
    assert fleetd("delete", "eventtrigger/mirror", "--dry-run").lines == ['eventtrigger.lib.projectsveltos.io "mirror" deleted (dry run)']
    assert fleetd("get", "all", "-A", "-o", "name").lines == ["eventtrigger.lib.projectsveltos.io/mirror"]


def test_deleting_what_is_not_there_is_a_no_and_the_rest_is_deleted(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.config_map)
    done = fleetd("delete", "cm", "nope", "settings")
    assert (done.code, done.lines) == (1, ['configmap "settings" deleted'])
    assert "nope does not exist" in done.err
    assert fleetd("delete", "cm", "nope", "--ignore-not-found").code == 0


@pytest.mark.parametrize("arguments", [(), ("cm",), ("cm", "a", "-f", "x.yaml"), ("teapots", "a"), ("cm", "cm/a")])
def test_delete_needs_to_know_what(fleetd, arguments):
    assert fleetd("delete", *arguments).code == 2


def test_labels_are_set_overwritten_and_taken_away(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.config_map)
    changed = fleetd("label", "cm", "settings", "team=store", "new=yes")
    assert changed.lines == ["configmap/settings labeled"]
    assert "team: shop → store" in changed.err
    assert fleetd("label", "cm/settings", "new-").lines == ["configmap/settings unlabeled"]
    assert fleetd("label", "cm/settings", "team=store").lines == ["configmap/settings not labeled"]
    fleetd("annotate", "cm", "settings", "example.com/why=because it must be")
    metadata = json.loads(fleetd("get", "cm", "settings", "-o", "json").out)["metadata"]
    assert metadata["labels"] == {"team": "store"}
    assert metadata["annotations"] == {"example.com/why": "because it must be"}


def test_a_label_set_by_hand_is_not_silently_undone_by_a_file(fleetd, samples):
    fleetd("apply", "-f", "-", given=samples.config_map)
    fleetd("label", "cm", "settings", "team=store")
    refused = fleetd("apply", "-f", "-", given=samples.config_map)
    assert refused.code == 4
    assert "fleetd-label" in refused.err
    assert "--force-conflicts" in refused.err
    fleetd("apply", "-f", "-", "--force-conflicts", given=samples.config_map)
    assert fleetd("get", "cm", "settings", "-o", "json").json["metadata"]["labels"] == {"team": "shop"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("cm", "settings"), 2), (("cm", "settings", "a=not valid!"), 2), (("cm", "nope", "a=b"), 1), (("cm", "settings", "a=b", "a-"), 2)],
)
def test_a_wrong_label_changes_nothing(fleetd, samples, arguments, code):
    fleetd("apply", "-f", "-", given=samples.config_map)
    before = fleetd("get", "cm", "settings", "-o", "json").json
    assert fleetd("label", *arguments).code == code
    assert fleetd("get", "cm", "settings", "-o", "json").json == before


def test_a_dry_run_where_there_is_no_database_makes_none_and_no_key(fleetd, samples, tmp_path, monkeypatch):
    monkeypatch.setenv("FLEETD_DATABASE", str(tmp_path / "none" / "fleet.db"))
    monkeypatch.delenv("FLEETD_KEY_FILE")
    tried = fleetd("apply", "-f", "-", "--dry-run", given=samples.config_map)
    assert (tried.code, tried.lines) == (0, ["configmap/settings created (dry run)"])
    assert f"there is no database at {tmp_path / 'none' / 'fleet.db'}: this is tried on an empty one, and none is made" in tried.err
    assert not (tmp_path / "none").exists()
    assert fleetd("get", "configmaps").code == 2
